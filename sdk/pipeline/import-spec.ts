import { z } from "zod";
import { NightshiftError } from "../errors.js";
import { checkVocabulary } from "../network/contract.js";
import { readYaml } from "../yaml.js";

const extent = z.number().int().min(1);
const three = z.tuple([z.number(), z.number(), z.number()]);
/** One number for all channels, or one a channel. */
const perChannel = z.union([z.number().transform((value): [number, number, number] => [value, value, value]), three]);

/** What a user says about a model that was made elsewhere. */
export const specSchema = z.strictObject({
  task: z.literal("segmentation", "must be segmentation; a detection model cannot be imported yet"),
  input: z.strictObject({
    /** Of the graph's input; may be left out where there is one alone. */
    name: z.string().min(1).optional(),
    layout: z.enum(["nchw", "nhwc"]).default("nchw"),
    channels: z.enum(["rgb", "bgr"]).default("rgb"),
    /** x = (byte * scale - mean) / std, mean and std by channel in the model's order. */
    scale: z.number().positive(),
    mean: perChannel,
    std: perChannel.refine((values) => values.every((value) => value > 0), "must be above 0"),
    /** Height and width, pixels. */
    size: z.tuple([extent, extent]),
  }),
  output: z.strictObject({
    /** Of the graph's output; may be left out where there is one alone. */
    name: z.string().min(1).optional(),
    kind: z.literal("logits", "must be logits [1, classes, height, width]: nothing can be learnt through an argmax"),
    /** A name for each channel that is not ignored, in their order. */
    classes: z.array(z.string().min(1)).superRefine((names, context) => {
      try {
        checkVocabulary(names);
      } catch (error) {
        context.addIssue({ code: "custom", message: error instanceof NightshiftError ? `expected ${error.expected}, received ${error.received}` : String(error) });
      }
    }),
    /** Channels that are no class, such as a background that was never taught. */
    ignoreChannels: z.array(z.number().int().min(0)).default([]),
  }),
});

export type ImportSpec = z.infer<typeof specSchema>;

const specFile = {
  schema: specSchema,
  expected: "a specification of a model: task, input, output",
  remedy: "See `nightshift import --help` and the section on models of your own in the README.",
} as const;

/** Reads a specification. Throws `E_CONFIG` with the lines at which it means nothing. */
export const readSpec = (path: string): Promise<ImportSpec> => readYaml({ ...specFile, path });

/** One question for each thing that a specification says, asked until nothing is left; answers are YAML. Throws `E_CONFIG`. */
export async function askSpec(ask: (question: string) => Promise<string>): Promise<ImportSpec> {
  const set: string[] = ["task=segmentation", "output.kind=logits"];
  for (const [key, question] of Object.entries(questions)) {
    const answer = (await ask(`${question} `)).trim();
    if (answer !== "") set.push(`${key}=${answer}`);
  }
  return readYaml({ ...specFile, path: undefined, set });
}

const questions: Readonly<Record<string, string>> = {
  "input.name": "Name of the input (empty where there is one alone):",
  "input.size": "Height and width that it takes, as [512, 1024]:",
  "input.layout": "Layout, nchw or nhwc (empty for nchw):",
  "input.channels": "Channels, rgb or bgr (empty for rgb):",
  "input.scale": "Scale of a byte in (byte * scale - mean) / std, as 0.00392157:",
  "input.mean": "Mean, a number or [r, g, b]:",
  "input.std": "Standard deviation, a number or [r, g, b]:",
  "output.name": "Name of the output with logits (empty where there is one alone):",
  "output.classes": "Names of the classes, as [road, sidewalk]:",
  "output.ignoreChannels": "Channels that are no class, as [0] (empty for none):",
};
