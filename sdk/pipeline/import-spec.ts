import { z } from "zod";
import { NightshiftError } from "../errors.js";
import { checkVocabulary } from "../network/contract.js";
import { readYaml } from "../yaml.js";

const extent = z.number().int().min(1);
const three = z.tuple([z.number(), z.number(), z.number()]);
/** One number for all channels, or one a channel. */
const perChannel = z.union([z.number().transform((value): [number, number, number] => [value, value, value]), three]);

/** How far apart black and white may be for a model: bytes as they are are 255 apart, most pictures between 1 and 5. */
const span = { least: 0.1, most: 512 };

/** What can be said of boxes alone. */
const boxesKeys = ["boxes", "scores", "corners", "unit", "overlapping"] as const;

/** What a user says about a model that was made elsewhere. */
export const specSchema = z
  .strictObject({
    task: z.enum(["segmentation", "detection"]),
    input: z
      .strictObject({
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
      })
      // Written in other units than scaled bytes they make every picture the same, or glaring, and nothing else shows it.
      .superRefine(({ scale, mean, std }, context) => {
        const white = 255 * scale;
        const complain = (key: string, message: string): void => context.addIssue({ code: "custom", path: [key], message });
        if (mean.some((value) => value < 0 || value > white)) complain("mean", `must lie between 0 and ${white.toPrecision(3)}, as a byte does that is multiplied by scale, received ${mean.join(", ")}`);
        const spans = std.map((value) => white / value);
        if (spans.some((value) => value < span.least || value > span.most)) complain("std", `must be in units of a byte multiplied by scale, 0 to ${white.toPrecision(3)}, received ${std.join(", ")}`);
      }),
    output: z.strictObject({
      /** Of the graph's output: of the logits or the classes; of the scores, where boxes come apart from them; of what holds both, where they do not. May be left out where there is no choice. */
      name: z.string().min(1).optional(),
      /** `logits` [1, classes, height, width]; `classes` [1, height, width], an argmax, through which nothing can be learnt; `boxes`: scores of classes for each of a number of boxes. */
      kind: z.enum(["logits", "classes", "boxes"]),
      /** Of boxes: the output that holds them, where they come apart from their scores. */
      boxes: z.string().min(1).optional(),
      /**
       * Of boxes: what the scores are. `softmax` where channels are ignored and `sigmoid` where none are, if boxes come apart; else `probability`. `best`: the probability of the surest class alone,
       * and behind it which one that is, [1, Q, 6], as end-to-end models answer.
       */
      scores: z.enum(["sigmoid", "softmax", "probability", "best"]).optional(),
      /** Of boxes: centre and sides, which is usual, or two corners, which is usual beside `best`. */
      corners: z.enum(["cxcywh", "xyxy"]).optional(),
      /** Of boxes: shares of the input's sides, which is usual where they come apart from their scores, or its pixels, which is usual where they do not. */
      unit: z.enum(["share", "pixels"]).optional(),
      /** Of boxes: whether several may be one object, as is usual where scores do not come apart, `best` apart; all but the surest are taken away then. */
      overlapping: z.boolean().optional(),
      /** A name for each channel that is not ignored, in their order. */
      classes: z.array(z.string().min(1)).superRefine((names, context) => {
        try {
          checkVocabulary(names);
        } catch (error) {
          context.addIssue({ code: "custom", message: error instanceof NightshiftError ? `expected ${error.expected}, received ${error.received}` : String(error) });
        }
      }),
      /** Channels that are no class, such as a background that was never taught, or "no object"; where the output is classes, what it says is one of them has no name. */
      ignoreChannels: z.array(z.number().int().min(0)).default([]),
    }),
  })
  .superRefine(({ task, output }, context) => {
    const isDetection = task === "detection";
    if (isDetection !== (output.kind === "boxes")) context.addIssue({ code: "custom", path: ["output", "kind"], message: isDetection ? "must be boxes where the task is detection" : "must be logits or classes where the task is segmentation" });
    for (const key of boxesKeys) if (!isDetection && output[key] !== undefined) context.addIssue({ code: "custom", path: ["output", key], message: "belongs to detection" });
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
  const answers = new Map<string, string>();
  const askAll = async (questions: Readonly<Record<string, string>>): Promise<void> => {
    for (const [key, question] of Object.entries(questions)) {
      const answer = (await ask(`${question} `)).trim();
      if (answer !== "") answers.set(key, answer);
    }
  };
  await askAll({ task: "Task, segmentation or detection (empty for segmentation):" });
  const isDetection = answers.get("task") === "detection";
  await askAll(questions);
  await askAll(isDetection ? detectionQuestions : segmentationQuestions);
  const set = Object.entries({ task: "segmentation", "output.kind": isDetection ? "boxes" : "logits", ...Object.fromEntries(answers) });
  return readYaml({ ...specFile, path: undefined, set: set.map(([key, answer]) => `${key}=${answer}`) });
}

const questions: Readonly<Record<string, string>> = {
  "input.name": "Name of the input (empty where there is one alone):",
  "input.size": "Height and width that it takes, as [512, 1024]:",
  "input.layout": "Layout, nchw or nhwc (empty for nchw):",
  "input.channels": "Channels, rgb or bgr (empty for rgb):",
  "input.scale": "Scale of a byte in (byte * scale - mean) / std, as 0.00392157:",
  "input.mean": "Mean, a number or one a channel in the model's order, as [0.485, 0.456, 0.406]:",
  "input.std": "Standard deviation, likewise, as [0.229, 0.224, 0.225]:",
  "output.name": "Name of the output with logits, classes or scores (empty where there is one alone):",
  "output.classes": "Names of the classes, as [road, sidewalk]:",
  "output.ignoreChannels": "Channels that are no class, as [0] (empty for none):",
};

const segmentationQuestions: Readonly<Record<string, string>> = {
  "output.kind": "What the output is, logits or classes (empty for logits):",
};

const detectionQuestions: Readonly<Record<string, string>> = {
  "output.boxes": "Name of the output with boxes (empty where they come with their scores, or there is no choice):",
  "output.scores": "What scores are, sigmoid, softmax, probability or best (empty for what is usual):",
  "output.corners": "Boxes by cxcywh or xyxy (empty for what is usual):",
  "output.unit": "Boxes in share or pixels (empty for what is usual):",
};
