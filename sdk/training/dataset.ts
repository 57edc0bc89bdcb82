import type { Box } from "../frame.js";

/** A label that is never scored and never taught. */
export const ignoreLabel = 255;

export interface Sample {
  /** Stable within its dataset, for example the file name without its suffix. */
  readonly id: string;
  /** Pixels. */
  readonly width: number;
  /** Pixels. */
  readonly height: number;
  /** `height * width * 3` bytes, packed RGB. */
  readonly rgb: Uint8Array;
  /** `height * width` indices into the dataset's `names`, or `ignoreLabel`. Absent where masks are not labelled. */
  readonly mask?: Uint8Array;
  /** Absent where boxes are not labelled; an empty list says that there is nothing to find. */
  readonly boxes?: readonly Box[];
}

/** Frames with or without labels. One file in `adapters/datasets` implements it for each form on disk. */
export interface Dataset {
  readonly name: string;
  /** What the values of a sample's mask mean, in words. Empty where masks are not labelled. */
  readonly names: readonly string[];
  /** The names that boxes carry. Empty where boxes are not labelled. */
  readonly boxNames: readonly string[];
  readonly length: number;
  sample(index: number): Promise<Sample>;
}
