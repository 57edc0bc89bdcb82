import type { BuildOptions } from "#native";
import { NightshiftError } from "../../errors.js";
import type { ModelKey } from "./key.js";

/** How engines are to be built. */
export interface EngineSettings {
  /** Scratch memory of the GPU that a build may use, MiB; all that is free unless told otherwise. */
  readonly workspaceMiB?: number;
  /** A deep learning accelerator of the chip in the GPU's place. */
  readonly dlaCore?: number;
  /** Whether layers that the accelerator cannot run may run on the GPU. */
  readonly gpuFallback?: boolean;
  /** Whether an engine's weights can be exchanged later; such engines may run slower. */
  readonly refittable?: boolean;
  /** 0 to 5: how long TensorRT looks for faster kernels; 3 unless told otherwise. */
  readonly optimizationLevel?: number;
}

/**
 * What the native module is told. Throws `E_CONFIG` for settings that contradict each other or the model: TensorRT itself would be silent about some,
 * and tell of others after minutes.
 */
export function buildOptions(settings: EngineSettings, { precision }: Pick<ModelKey, "precision">): BuildOptions {
  const { workspaceMiB, dlaCore, gpuFallback, refittable, optimizationLevel } = settings;
  if (workspaceMiB !== undefined && !(Number.isInteger(workspaceMiB) && workspaceMiB >= 16)) throw wrong("a workspace of at least 16 whole MiB", workspaceMiB);
  if (optimizationLevel !== undefined && !(Number.isInteger(optimizationLevel) && optimizationLevel >= 0 && optimizationLevel <= 5))
    throw wrong("an optimisation level of 0 to 5", optimizationLevel);
  if (dlaCore !== undefined && !(Number.isInteger(dlaCore) && dlaCore >= 0)) throw wrong("the number of a DLA core, from 0", dlaCore);
  if (dlaCore !== undefined && precision === "float32") throw wrong("a model in float16 or int8 for a deep learning accelerator, which computes in nothing else", precision);
  if (dlaCore === undefined && gpuFallback) throw wrong("a DLA core, where layers may fall back to the GPU", "none");
  if (dlaCore !== undefined && refittable) throw wrong("an engine for a DLA or one that can be refitted: TensorRT has not both", "both");
  return {
    ...(workspaceMiB !== undefined && { workspaceBytes: workspaceMiB * 2 ** 20 }),
    ...(dlaCore !== undefined && { dlaCore }),
    ...(gpuFallback && { gpuFallback }),
    ...(refittable && { refittable }),
    ...(optimizationLevel !== undefined && { optimizationLevel }),
  };
}

const wrong = (expected: string, received: unknown): NightshiftError =>
  new NightshiftError("E_CONFIG", { expected, received: String(received), remedy: "Change the options of the build; `nightshift build --help` explains them." });
