import { z } from "zod";
import { methodNames } from "./methods.js";

/** What those options of a training can be that a configuration file has too. */
export const ranges = {
  method: z.enum(methodNames),
  statisticsMix: z.number().min(0).max(1),
  threads: z.number().int().min(1),
  duty: z.number().gt(0).max(1),
  niceness: z.number().int().min(0).max(19),
  memoryMb: z.number().int().min(128),
  mostCelsius: z.number().positive(),
  mostWatts: z.number().positive(),
  engine: z.enum(["onnxruntime", "native"]),
} as const;
