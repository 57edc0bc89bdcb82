import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import type * as Native from "#native";
import { type ErrorCode, NightshiftError, reasonOf } from "../errors.js";
import { packageRoot } from "../paths.js";
import { refuseTruncated } from "./elf.js";

/** The native module, and the folder that it and its shims for TensorRT lie in. */
export interface NativeModule {
  readonly native: typeof Native;
  readonly folder: string;
}

/**
 * The native module: of this clone, where it was built, else of the package for this platform. Throws `E_NATIVE` where there is none; nothing stands in
 * for it. Loading it again costs nothing.
 */
export function loadNative(): NativeModule {
  const path = findNative();
  const require = createRequire(import.meta.url);
  try {
    if (process.platform === "linux" && !require.cache[path]) refuseTruncated(path);
    return { native: require(path) as typeof Native, folder: dirname(path) };
  } catch (cause) {
    throw new NightshiftError("E_NATIVE", {
      expected: `a native module that fits this machine, ${path}`,
      received: reasonOf(cause),
      remedy: "Build it again with `npm run build:native`, or install the package for this platform again.",
      cause,
    });
  }
}

const platform = `${process.platform}-${process.arch}${process.platform === "linux" ? "-gnu" : ""}`;

function findNative(): string {
  const file = `nightshift.${platform}.node`;
  const built = join(packageRoot(), "native", file);
  if (existsSync(built)) return built;
  const name = `nightshift-native-${platform}`;
  try {
    return createRequire(import.meta.url).resolve(`${name}/${file}`);
  } catch (cause) {
    throw new NightshiftError("E_NATIVE", {
      expected: `the native module, as ${built} or in the package ${name}`,
      received: "neither",
      remedy: `In a clone run \`npm run build:native\`, which needs Rust; the package ${name} is not published yet.`,
      cause,
    });
  }
}

/** Codes that the native module gives its errors. */
const nativeCodes: readonly ErrorCode[] = ["E_CANCELLED", "E_CLOSED", "E_ENGINE", "E_FRAME_SIZE", "E_GPU", "E_INTERNAL", "E_ONNXRUNTIME", "E_PROVIDER", "E_TENSORRT", "E_TENSORRT_MISSING", "E_TENSORRT_VERSION"];

/** An error of the native module as ours: its message has the parts of one, separated. What is no error of its own comes back as it is. */
export function fromNative(cause: unknown): unknown {
  const [code, expected, received, remedy] = cause instanceof Error ? cause.message.split("\u001f") : [];
  const known = nativeCodes.find((each) => each === code);
  if (known === undefined || expected === undefined || received === undefined || remedy === undefined) return cause;
  return new NightshiftError(known, { expected, received, remedy, cause });
}

/** Calls the native module; its errors come out as ours. */
export function callNative<T>(call: () => T): T {
  try {
    return call();
  } catch (cause) {
    throw fromNative(cause);
  }
}

/** As `callNative`, for what answers later. */
export async function awaitNative<T>(call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (cause) {
    throw fromNative(cause);
  }
}

/** Something that this machine has, or the error that asking for it gives. */
export type Presence<T> = { readonly present: T } | { readonly missing: NightshiftError };

/** A GPU. */
export interface Gpu {
  readonly name: string;
  /** For example `8.7`. */
  readonly computeCapability: string;
  readonly multiprocessors: number;
  readonly memoryBytes: number;
  /** Newest CUDA that the driver knows, for example `12.6`. */
  readonly cuda: string;
}

/** What of the native side there is on this machine. */
export interface NativeStatus {
  /** Path of the module's folder. */
  readonly module: Presence<string>;
  /** `headers`: the version of those that the shim was built with. */
  readonly tensorRt: Presence<{ readonly version: string; readonly headers: string; readonly path: string }>;
  readonly devices: Presence<readonly Gpu[]>;
}

/** Looks for the native module, TensorRT and a GPU, and throws nothing. `folder`: of TensorRT's libraries, see `loadTensorRt`. */
export function nativeStatus(folder?: string): NativeStatus {
  const module = presence(() => loadNative());
  const within = <T>(look: (loaded: NativeModule) => T): Presence<T> => ("missing" in module ? module : presence(() => callNative(() => look(module.present))));
  return {
    module: "missing" in module ? module : { present: module.present.folder },
    tensorRt: within((loaded) => {
      const { version, headers, path } = loadTensorRt(folder, loaded);
      return { version, headers, path };
    }),
    devices: within(({ native }) => native.cudaDevices()),
  };
}

/**
 * TensorRT's libraries, from `folder`, else from the folder that NIGHTSHIFT_TENSORRT names, else from where the system looks.
 * Throws `E_NATIVE`, `E_TENSORRT_MISSING`, `E_TENSORRT_VERSION`.
 */
export function loadTensorRt(folder = process.env["NIGHTSHIFT_TENSORRT"], { native, folder: shims } = loadNative()): Native.TensorRt {
  return callNative(() => native.TensorRt.load(folder === "" ? undefined : folder, shims));
}

function presence<T>(look: () => T): Presence<T> {
  try {
    return { present: look() };
  } catch (error) {
    if (error instanceof NightshiftError) return { missing: error };
    throw error;
  }
}
