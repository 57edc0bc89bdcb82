import { z } from "zod";
import { NightshiftError } from "../errors.js";
import type { Int8Plan, QuantisedForm } from "../graph/quantisation.js";

/**
 * How the network is deployed in int8: what `nightshift calibrate` chose. Weights stay as they were learnt, so that learning goes on from them; they become int8
 * when an engine opens the bundle.
 */
export interface Quantisation extends Int8Plan {
  readonly form: QuantisedForm;
  /** What the ranges were chosen on, and how. */
  readonly calibration: { readonly method: string; readonly frames: number; readonly dataset: string };
}

const finite = z.number().refine(Number.isFinite, "must be finite");

const schema = z.strictObject({
  precision: z.literal("int8"),
  form: z.enum(["asymmetric", "symmetric"]),
  calibration: z.strictObject({ method: z.string().min(1), frames: z.number().int().min(1), dataset: z.string().min(1) }),
  layers: z.array(z.string().min(1)).min(1),
  ranges: z.record(z.string(), z.tuple([finite.max(0), finite.min(0)])),
});

export function encodeQuantisation({ form, calibration, layers, ranges }: Quantisation): Uint8Array {
  const file = { precision: "int8", form, calibration, layers: [...layers], ranges: Object.fromEntries(ranges) };
  // A line for each range, not for each of its numbers.
  const text = JSON.stringify(file, undefined, 2).replaceAll(/\[\s+(-?[\d.e-]+),\s+(-?[\d.e-]+)\s+\]/g, "[$1, $2]");
  return new TextEncoder().encode(`${text}\n`);
}

/** Throws `E_BUNDLE_FORMAT`. `source` names the file. */
export function decodeQuantisation(bytes: Uint8Array, source: string): Quantisation {
  try {
    const { form, calibration, layers, ranges } = schema.parse(JSON.parse(new TextDecoder().decode(bytes)));
    return { form, calibration, layers: new Set(layers), ranges: new Map(Object.entries(ranges)) };
  } catch (cause) {
    throw new NightshiftError("E_BUNDLE_FORMAT", {
      expected: `layers and ranges in ${source}, as nightshift calibrate writes them`,
      received: cause instanceof z.ZodError ? z.prettifyError(cause).replaceAll(/\s+/g, " ") : String(cause),
      remedy: "Calibrate the bundle again.",
      cause,
    });
  }
}
