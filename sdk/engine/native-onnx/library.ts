import { readdirSync } from "node:fs";
import { join } from "node:path";
import type { OnnxRuntime } from "#native";
import { NightshiftError } from "../../errors.js";
import { callNative, loadNative } from "../native.js";
import { runtimeFolder } from "../providers.js";
import { checkTelemetryOff } from "../telemetry.js";

/**
 * ONNX Runtime for the native module: the library at `path`, else the one that NIGHTSHIFT_ONNXRUNTIME names, else the very one that the package onnxruntime-node
 * runs on, so that a process has it once. Throws `E_NATIVE`, `E_ONNXRUNTIME`, and `E_CONFIG` (see `checkTelemetryOff`).
 */
export function loadOnnxRuntime(path = process.env["NIGHTSHIFT_ONNXRUNTIME"], { native } = loadNative()): OnnxRuntime {
  checkTelemetryOff();
  return callNative(() => native.OnnxRuntime.load(path === undefined || path === "" ? packaged() : path));
}

function packaged(): string {
  const folder = runtimeFolder();
  const library = readdirSync(folder).find((name) => name.startsWith("libonnxruntime.so"));
  if (library !== undefined) return join(folder, library);
  throw new NightshiftError("E_ONNXRUNTIME", {
    expected: `libonnxruntime.so in ${folder}`,
    received: "no such file",
    remedy: "State the path of the library in NIGHTSHIFT_ONNXRUNTIME, or install onnxruntime-node again.",
  });
}
