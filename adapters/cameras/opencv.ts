import { setTimeout as sleep } from "node:timers/promises";
import type * as Module from "@techstark/opencv-js";

export type OpenCv = (typeof Module)["default"];

/**
 * Loads OpenCV compiled to WebAssembly. Nothing else in the project does, and only where a camera's intrinsics are given: it takes 13 MB and a second.
 * Answers with an object around it: OpenCV is a thenable that resolves to itself, so waiting for it as it is would never end.
 */
export async function loadOpenCv(): Promise<{ readonly cv: OpenCv }> {
  const uncaught = process.listeners("uncaughtException");
  const unhandled = process.listeners("unhandledRejection");
  const { default: cv } = await import("@techstark/opencv-js");
  // It claims the process's handlers of unforeseen errors, which are not its own to have.
  for (const added of process.listeners("uncaughtException")) if (!uncaught.includes(added)) process.off("uncaughtException", added);
  for (const added of process.listeners("unhandledRejection")) if (!unhandled.includes(added)) process.off("unhandledRejection", added);
  // Its callback has room for one who waits; there may be several.
  while (!("Mat" in cv)) await sleep(20);
  return { cv };
}
