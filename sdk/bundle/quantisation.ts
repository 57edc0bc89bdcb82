import { z } from "zod";
import { NightshiftError, reasonOf } from "../errors.js";
import type { HalfPlan } from "../graph/half.js";
import type { Int8Plan, QuantisedForm } from "../graph/quantisation.js";

/** What a network can be deployed in, besides float32. */
export const reducedPrecisions = ["int8", "float16"] as const;

export type ReducedPrecision = (typeof reducedPrecisions)[number];

/**
 * How the network is deployed in less than float32: what `nightshift calibrate` chose. Weights stay as they were learnt, so that learning goes on from them; they
 * become int8 or float16 when an engine opens the bundle.
 */
export type Quantisation = Int8Quantisation | HalfQuantisation;

export interface Int8Quantisation extends Int8Plan {
  readonly precision: "int8";
  readonly form: QuantisedForm;
  /** What the ranges were chosen on, and how. */
  readonly calibration: { readonly method: string; readonly frames: number; readonly dataset: string };
}

export interface HalfQuantisation extends HalfPlan {
  readonly precision: "float16";
  /** What was looked at to choose the layers. */
  readonly calibration: { readonly frames: number; readonly dataset: string };
}

const finite = z.number().refine(Number.isFinite, "must be finite");
const layers = z.array(z.string().min(1)).min(1);
const seen = { frames: z.number().int().min(1), dataset: z.string().min(1) };

const schema = z.discriminatedUnion("precision", [
  z.strictObject({
    precision: z.literal("int8"),
    form: z.enum(["asymmetric", "symmetric"]),
    calibration: z.strictObject({ method: z.string().min(1), ...seen }),
    layers,
    ranges: z.record(z.string(), z.tuple([finite.max(0), finite.min(0)])),
  }),
  z.strictObject({ precision: z.literal("float16"), calibration: z.strictObject(seen), layers }),
]);

export function encodeQuantisation(quantisation: Quantisation): Uint8Array {
  const { precision, calibration } = quantisation;
  const layers = [...quantisation.layers];
  const file = precision === "int8" ? { precision, form: quantisation.form, calibration, layers, ranges: Object.fromEntries(quantisation.ranges) } : { precision, calibration, layers };
  // A line for each range, not for each of its numbers. Names have no line breaks in JSON, so none of them is taken for one.
  const text = JSON.stringify(file, undefined, 2).replaceAll(/\[\n +(-?[\d.e-]+),\n +(-?[\d.e-]+)\n +\]/g, "[$1, $2]");
  return new TextEncoder().encode(`${text}\n`);
}

/** Throws `E_BUNDLE_FORMAT`. `source` names the file, `precision` is what the manifest says. */
export function decodeQuantisation(bytes: Uint8Array, source: string, precision: ReducedPrecision): Quantisation {
  try {
    const file = schema.parse(JSON.parse(new TextDecoder().decode(bytes)));
    if (file.precision !== precision) throw new TypeError(`${file.precision}, where the manifest says ${precision}`);
    return file.precision === "int8" ? { ...file, layers: new Set(file.layers), ranges: new Map(Object.entries(file.ranges)) } : { ...file, layers: new Set(file.layers) };
  } catch (cause) {
    throw new NightshiftError("E_BUNDLE_FORMAT", {
      expected: `layers in ${source}, with their ranges where they are int8, as nightshift calibrate writes them`,
      received: cause instanceof z.ZodError ? z.prettifyError(cause).replaceAll(/\s+/g, " ") : reasonOf(cause),
      remedy: "Calibrate the bundle again.",
      cause,
    });
  }
}
