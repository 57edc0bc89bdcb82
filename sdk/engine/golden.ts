import type { Golden } from "../bundle/golden.js";
import { type Vocabulary } from "../bundle/embeddings.js";
import type { Quantisation } from "../bundle/quantisation.js";
import { asStored } from "../bundle/weights.js";
import { NightshiftError } from "../errors.js";
import { boxIou, type ScoredBox } from "../frame.js";
import type { Tensor, Weights } from "../graph/tensor.js";
import { textWidthOf, type Network } from "../network/architecture.js";
import { inputNames, optionalOutputNames, outputNames, paddedVocabularySize } from "../network/contract.js";
import { type Answer, readAnswer } from "./answer.js";
import { deployedModel } from "./deployed.js";
import { vocabularyFeeds } from "./feeds.js";
import type { FrameSize } from "./model.js";
import { type Tensors } from "./onnxruntime.js";
import { runModel } from "./run.js";

/** Boxes that score less are not compared, 0 to 1. */
const scoreThreshold = 0.3;

/** How far another machine's arithmetic may lead. */
export const goldenTolerance = {
  /** Share of the mask's pixels that must agree. */
  maskAgreement: 0.99,
  /** Mean difference of the mask's confidences, of 255. */
  maskScore: 3,
  /** Difference of a box's score, 0 to 1. */
  boxScore: 0.05,
  /** Intersection over union of a box with its golden one. */
  boxOverlap: 0.8,
  /** Mean difference of depths, as a share of them. */
  depth: 0.02,
} as const;

/** Golden outputs for a bundle that is to be written: what these weights will answer once they are stored. */
export async function makeGolden(network: Network, weights: Weights, vocabulary: Vocabulary, frame: Tensor<"uint8"> = testCard(), quantisation?: Quantisation): Promise<Golden> {
  const names = paddedVocabularySize(vocabulary.names.length);
  const deployable = { network, weights: asStored(weights), quantisation };
  const model = await deployedModel(deployable, { names });
  const outputs = await runModel(model, { [inputNames.frame]: frame, ...vocabularyFeeds(vocabulary, textWidthOf(network)) });
  return { frame, outputs: Object.fromEntries(Object.values({ ...outputNames, ...optionalOutputNames }).flatMap((name) => (outputs[name] ? [[name, outputs[name]]] : []))) };
}

/** Throws `E_GOLDEN` where outputs are further from the golden ones than `goldenTolerance`. */
export function checkGolden(golden: Golden, outputs: Tensors, network: FrameSize, vocabulary: readonly string[], what: string): void {
  const expected = readAnswer(golden.outputs, network, network, vocabulary, scoreThreshold);
  // Boxes near the threshold may fall on either side of it.
  const received = readAnswer(outputs, network, network, vocabulary, scoreThreshold - goldenTolerance.boxScore);
  const faults = faultsOf(expected, received);
  if (faults.length === 0) return;
  throw new NightshiftError("E_GOLDEN", {
    expected: `the golden outputs of ${what}`,
    received: faults.join("; "),
    remedy: "The engine computes something else than the trainer did: do not serve these weights here.",
  });
}

function faultsOf(expected: Answer, received: Answer): string[] {
  const faults = [...received.invalidReasons];
  const agreement = mean(expected.mask, (value, at) => (value === received.mask[at] ? 1 : 0));
  if (!(agreement >= goldenTolerance.maskAgreement)) faults.push(`${(agreement * 100).toFixed(1)} % of the mask agrees`);
  const apart = mean(expected.maskScore, (value, at) => Math.abs(value - (received.maskScore[at] ?? 0)));
  if (!(apart <= goldenTolerance.maskScore)) faults.push(`confidences differ by ${apart.toFixed(1)} of 255`);
  const further = expected.depth && mean(expected.depth, (value, at) => Math.abs(value - (received.depth?.[at] ?? 0)) / value);
  if (further !== undefined && !(further <= goldenTolerance.depth)) faults.push(`depths differ by ${(further * 100).toFixed(1)} %`);
  const missing = expected.boxes.filter((box) => !received.boxes.some((other) => isSameBox(box, other))).length;
  if (missing > 0) faults.push(`${missing} of ${expected.boxes.length} boxes are missing`);
  // Those that score so little more than the threshold may have fallen below it.
  const invented = received.boxes.filter((box) => box.score >= scoreThreshold + goldenTolerance.boxScore && !expected.boxes.some((other) => isSameBox(other, box))).length;
  if (invented > 0) faults.push(`${invented} boxes are none of the golden ones`);
  return faults;
}

/** In a loop: with `filter` and `reduce` comparing took 13 ms of a swap. */
function mean(values: Uint8Array | Float32Array, of: (value: number, at: number) => number): number {
  let sum = 0;
  for (let at = 0; at < values.length; at++) sum += of(values[at] ?? 0, at);
  return sum / values.length;
}

function isSameBox(a: ScoredBox, b: ScoredBox): boolean {
  return a.label === b.label && Math.abs(a.score - b.score) <= goldenTolerance.boxScore && boxIou(a, b) >= goldenTolerance.boxOverlap;
}

/** A frame with slopes, edges and texture in all colours, 128 x 64: the same numbers everywhere. */
export function testCard(width = 128, height = 64): Tensor<"uint8"> {
  const data = new Uint8Array(width * height * 3);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const texture = (Math.imul(x * 73 + y * 151, 2654435761) >>> 27) - 16;
      const isBlock = x % 40 > 24 && y > height / 3 && y < (height * 3) / 4;
      const base = y < height / 2 ? [150 - y, 180 - y, 220 - y] : [90 + y / 2, 90 + x / 8, 80];
      for (let channel = 0; channel < 3; channel++)
        data[(y * width + x) * 3 + channel] = Math.max(0, Math.min(255, isBlock ? 40 + ((x * (channel + 1)) % 160) : (base[channel] ?? 0) + texture));
    }
  return { dtype: "uint8", shape: [1, height, width, 3], data };
}
