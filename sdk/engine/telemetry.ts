import { isMainThread } from "node:worker_threads";
import { NightshiftError } from "../errors.js";

/** What ONNX Runtime's own telemetry is turned off by: in the environment, before its first session. */
const variable = "ORT_DISABLE_TELEMETRY";

// A thread has a copy of the environment, which ONNX Runtime does not read.
if (isMainThread) process.env[variable] = "1";

/**
 * ONNX Runtime 1.29 and later tells its makers of sessions and runs (names of graph and producer, providers, times, and of the machine its processor, system, memory and a lasting number), and keeps what it has not
 * told yet in memory and in a database in the home folder. Importing this in the main thread turns that off; throws `E_CONFIG` in a thread of a program whose main thread has not.
 */
export function checkTelemetryOff(): void {
  if (process.env[variable] === "1") return;
  throw new NightshiftError("E_CONFIG", {
    expected: `${variable}=1 in the environment of a program that runs ONNX Runtime in a thread of its own`,
    received: process.env[variable] ?? "nothing",
    remedy: "Import nightshift in the main thread before the thread is started, or set the variable: ONNX Runtime would tell its makers what it runs, and on what.",
  });
}
