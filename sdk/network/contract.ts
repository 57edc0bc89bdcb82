/**
 * Every tensor that crosses the border of the network, by name, with shape and unit.
 *
 * K is the padded size of the vocabulary: the smallest of `vocabularySizes` that holds all its names.
 */
import { NightshiftError } from "../errors.js";

/** What the deployed network takes. */
export const inputNames = {
  /** uint8 [1, frame height, frame width, 3]: packed RGB of the camera's size; resized and normalised inside the graph. */
  frame: "frame",
  /** float32 [K + 2, d]: E of eq. 2, d the width of the text encoder's embeddings, 384 by default. Rows 0 and 1 are the task embeddings (segmentation, detection), then one row a name, then zeros. */
  text: "text",
  /** float32 [K]: 1 for a name that is used, 0 for padding. */
  used: "used",
} as const;

/** What the deployed network answers. */
export const outputNames = {
  /** uint8 [height, width] at the network's input resolution: index into the vocabulary, or `noName`. */
  mask: "mask",
  /** uint8 [height / 4, width / 4]: the greatest softmax probability, 255 is certain. */
  maskScore: "mask_score",
  /** float32 [100, 4]: x1, y1, x2, y2 in pixels of the network's input. */
  boxes: "boxes",
  /** float32 [100]: 0 to 1, descending is not promised. */
  boxScore: "box_score",
  /** int64 [100]: index into the vocabulary. */
  boxLabel: "box_label",
} as const;

/** What it answers besides where it was taught to. */
export const optionalOutputNames = {
  /** float32 [height / 4, width / 4]: metres along the viewing axis. */
  depth: "depth",
} as const;

/** What a mask holds where pixels are not named: everywhere, of a model that detects only; of one that answers classes, where it says what is none of the names. */
export const noName = 255;

/** Sizes of the padded vocabulary: a graph is built for one of them. */
export const vocabularySizes = [16, 32, 64] as const;
export type VocabularySize = (typeof vocabularySizes)[number];

/** Width of the default text encoder's embeddings (all-MiniLM-L6-v2). */
export const textWidth = 384;

/** Side of the patches that attention is given for and that masks hide, pixels: the cells of the encoder's last stage. */
export const patchSize = 32;

/** Rows of `text` before the first name: one a task. */
export const tasks = ["semantic segmentation", "object detection"] as const;

/** What a network of our own can be built to answer. */
export const taskKinds = ["segmentation", "detection"] as const;

export type Task = (typeof taskKinds)[number];

/** The size of the padded vocabulary for `count` names. Throws `E_VOCABULARY`. */
export function paddedVocabularySize(count: number): VocabularySize {
  const size = vocabularySizes.find((s) => s >= count);
  if (count < 1 || size === undefined)
    throw new NightshiftError("E_VOCABULARY", {
      expected: `1 to ${vocabularySizes[vocabularySizes.length - 1]} names`,
      received: `${count} names`,
      remedy: count < 1 ? "Name what to look for." : "Ask for fewer names.",
    });
  return size;
}

/** Throws `E_VOCABULARY` for an empty or too long list, and for empty or repeated names. */
export function checkVocabulary(names: readonly string[]): void {
  paddedVocabularySize(names.length);
  const seen = new Set<string>();
  for (const name of names) {
    const key = name.trim().toLowerCase();
    if (key === "" || seen.has(key))
      throw new NightshiftError("E_VOCABULARY", {
        expected: "names that are not empty and differ from each other",
        received: key === "" ? "an empty name" : `${JSON.stringify(name)} twice`,
        remedy: "Remove the empty or repeated name.",
      });
    seen.add(key);
  }
}

/** The sizes that define a network; everything else about it follows from them. */
export interface NetworkConfig {
  /** Pixels; a multiple of 32. */
  readonly width: number;
  /** Pixels; a multiple of 32. */
  readonly height: number;
  /** Channels after the stem, at stride 2. */
  readonly stem: number;
  /** Channels of the stages at strides 4, 8, 16 and 32. */
  readonly channels: readonly [number, number, number, number];
  /** Blocks in each stage. */
  readonly depths: readonly [number, number, number, number];
  /** Hidden channels of a block as a multiple of its channels. */
  readonly expansion: number;
  /** Width d of visual concepts and queries. */
  readonly embedding: number;
  readonly heads: number;
  /** Layers of the unified proposal decoder. */
  readonly decoderLayers: number;
  /** Region queries, which is the number of boxes answered. */
  readonly regions: number;
  /** Width of the text encoder's embeddings; the default one's where it is left out. */
  readonly textWidth?: number;
  /** Whether it tells depth too. */
  readonly depth?: boolean;
  /** What it answers; both masks and boxes where it is left out. */
  readonly tasks?: readonly Task[];
  /** False: names do not look at the image before they become queries, as a study of what that is worth. */
  readonly fusion?: boolean;
}

export const defaultNetwork: NetworkConfig = {
  width: 512,
  height: 256,
  stem: 24,
  channels: [48, 96, 192, 384],
  depths: [2, 3, 4, 4],
  expansion: 2,
  embedding: 128,
  heads: 4,
  decoderLayers: 1,
  regions: 100,
};
