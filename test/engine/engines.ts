import { tmpdir } from "node:os";
import { join } from "node:path";
import test, { type ExecutionContext } from "ava";
import type { Engine, EngineOptions } from "../../sdk/engine/engine.js";
import { NativeOnnxEngine } from "../../sdk/engine/native-onnx/engine.js";
import { nativeStatus, type Presence } from "../../sdk/engine/native.js";
import { TensorRtEngine } from "../../sdk/engine/tensorrt/engine.js";
import { ThreadEngine } from "../../sdk/engine/thread-engine.js";
import { absent } from "../support/absent.js";

export interface EngineUnderTest {
  readonly name: string;
  readonly create: (t: ExecutionContext, options?: EngineOptions) => Engine;
  /** Why this machine cannot run it. */
  readonly missing?: string;
  /** Whether its answers are ONNX Runtime's to the bit. */
  readonly isExact: boolean;
}

/** Of parts of the native side, why the first that is not there is not. */
function whyNot(...parts: readonly Presence<unknown>[]): string | undefined {
  const [reason] = parts.flatMap((part) => ("missing" in part ? [part.missing] : []));
  return reason && `${reason.code}, ${reason.received}`;
}

const { module, tensorRt, devices } = nativeStatus();
/** Why the native module is not there. */
export const noNative = whyNot(module);
const noTensorRt = whyNot(module, tensorRt, devices);
/** Engines of the tiny networks of these tests, built once a process. */
const cache = join(tmpdir(), `nightshift-test-engines-${process.pid}`);

/** Every engine there is. */
export const engines: readonly EngineUnderTest[] = [
  { name: "ONNX Runtime", create: (_t, options) => new ThreadEngine(options), isExact: true },
  { name: "ONNX Runtime from native", create: (_t, options) => new NativeOnnxEngine(options), isExact: true, ...(noNative !== undefined && { missing: noNative }) },
  { name: "TensorRT", create: (_t, options) => new TensorRtEngine(options, { cache }), isExact: false, ...(noTensorRt !== undefined && { missing: noTensorRt }) },
];

/** Registers tests of an engine. One that this machine cannot run is skipped by name, with the reason. */
export const checkOf =
  ({ name, missing }: EngineUnderTest) =>
  (title: string, run: (t: ExecutionContext) => Promise<void>): void =>
    test.serial(`${name}: ${title}`, async (t) => {
      if (missing === undefined) await run(t);
      else absent(t, missing);
    });
