/** What the trainer learns from in one step. N samples of one size; H and W are the network's input, in pixels. */
export interface Batch {
  /** Counts from 0. The same seed and step give the same batch. */
  readonly step: number;
  /** `[N, H, W, 3]`, packed RGB. */
  readonly frames: Uint8Array;
  /** `[N, H / 4, W / 4]`: index into that sample's `names`, or 255. */
  readonly labels: Uint8Array;
  /** `[N, H / 2, W / 2]`, likewise; only where `labelStride` is 2. */
  readonly labelsFull?: Uint8Array;
  /** `[N, H / 4, W / 4]`: metres, 0 where unknown and in the sky; only where `depth` is asked for. */
  readonly depth?: Float32Array;
  /** For each sample, the words behind its labels: its dataset's mask names, then the box names that are not among them. */
  readonly names: readonly (readonly string[])[];
  /** For each sample, its dataset's `alsoNames`; only where a dataset has them. */
  readonly alsoNames?: readonly (ReadonlyMap<string, readonly string[]> | undefined)[];
  /** For each sample, the words that its boxes are complete for. Empty where boxes are not labelled. */
  readonly boxNames: readonly (readonly string[])[];
  /** `[N, maxBoxes, 4]`: x1, y1, x2, y2 in pixels of the network's input; zeros where there is none. */
  readonly boxes: Float32Array;
  /** `[N, maxBoxes]`: index into that sample's `names`, or -1 where there is none. */
  readonly boxLabels: Int32Array;
  /** `[N]`: 1 where the sample's mask is labelled, else 0. */
  readonly hasMask: Float32Array;
  /** `[N]`: 1 where the sample's boxes are labelled, else 0. An image without objects counts as labelled. */
  readonly hasBoxes: Float32Array;
  /** For each sample, `DATASET/ID`. */
  readonly ids: readonly string[];
}

export interface BatchOptions {
  /** Samples in a batch. */
  readonly batchSize: number;
  /** The network's input, pixels; a multiple of 4. */
  readonly width: number;
  /** The network's input, pixels; a multiple of 4. */
  readonly height: number;
  /** 2 adds `labelsFull`. */
  readonly labelStride: 2 | 4;
  /** Adds `depth`. */
  readonly depth: boolean;
  /** Random order, geometry and colours. Without it samples come in order, whole, sampled at cell centres. */
  readonly augment: boolean;
  readonly seed: number;
  /** The largest boxes are kept where there are more. */
  readonly maxBoxes: number;
  /** Decoded samples kept in memory for the next epoch, in megabytes for all sources together; further ones are decoded anew each time. */
  readonly cacheMb: number;
}

export const defaultBatchOptions: BatchOptions = {
  batchSize: 4,
  width: 512,
  height: 256,
  labelStride: 4,
  depth: false,
  augment: true,
  seed: 1,
  maxBoxes: 32,
  cacheMb: 2048,
};
