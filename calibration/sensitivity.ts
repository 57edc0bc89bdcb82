import type { Candidate } from "./candidate.js";
import { type Conversion, tensorsIn, type Tolerance } from "./conversion.js";
import type { Divergence } from "./heads.js";
import type { Layer } from "./layers.js";

/** What a group of neighbouring layers costs where it alone is converted. */
export interface Sensitivity {
  readonly layers: readonly Layer[];
  readonly divergence: Divergence;
}

/** A layer, what it costs where it alone is converted, and whether it stays in float. */
export interface LayerReport extends Divergence {
  readonly layer: string;
  /** Its share of the multiplications, percent. */
  readonly work: number;
  readonly float: boolean;
}

/** Measurements of groups, however deep the network: each takes a session and a few frames. */
const mostGroups = 80;

/** Layers that stay in float at most, as a share of the groups. */
const mostKept = 0.25;

/** What is lost of each head, as a share of what is tolerated. */
const shares = ({ pixels, boxScore, boxSide, depth }: Divergence, tolerated: Tolerance): readonly number[] =>
  // What is no number is as far from float as can be.
  [pixels / tolerated.pixels, (boxScore ?? 0) / tolerated.boxScore, (boxSide ?? 0) / (tolerated.boxSide ?? Infinity), (depth ?? 0) / tolerated.depth].map((share) => (Number.isNaN(share) ? Infinity : share));

/** One number for all heads; 1 is what is tolerated of one. */
export const severity = (divergence: Divergence, tolerated: Tolerance): number => shares(divergence, tolerated).reduce((sum, share) => sum + share, 0);

export const isTolerated = (divergence: Divergence, tolerated: Tolerance): boolean => shares(divergence, tolerated).every((share) => share <= 1);

/** Measures layers one at a time, or in groups where there are many; the worst first. */
export async function sensitivities(candidate: Candidate, { layers: all, tolerated, apply }: Conversion, onProgress: (done: number, total: number) => void): Promise<readonly Sensitivity[]> {
  const size = Math.ceil(all.length / mostGroups);
  const groups = Array.from({ length: Math.ceil(all.length / size) }, (_, at) => all.slice(at * size, (at + 1) * size));
  const measured: Sensitivity[] = [];
  for (const layers of groups) {
    measured.push({ layers, divergence: await candidate.divergence(apply(tensorsIn(layers))) });
    onProgress(measured.length, groups.length);
  }
  return measured.sort((a, b) => severity(b.divergence, tolerated) - severity(a.divergence, tolerated) || 0);
}

export interface Choice {
  /** Of what is converted, for plans. */
  readonly tensors: ReadonlySet<string>;
  readonly divergence: Divergence;
  /** The worst first. */
  readonly reports: readonly LayerReport[];
}

/**
 * Leaves none, one, two, four and so on of the most sensitive groups in float, the first of these that keeps the whole within what is tolerated; the nearest to float, all heads together,
 * where none does.
 */
export async function chooseLayers(candidate: Pick<Candidate, "divergence">, { layers, tolerated, apply }: Conversion, worstFirst: readonly Sensitivity[]): Promise<Choice> {
  let best: { readonly tensors: ReadonlySet<string>; readonly divergence: Divergence; readonly kept: readonly Layer[] } | undefined;
  for (let count = 0; count <= worstFirst.length * mostKept; count = count === 0 ? 1 : count * 2) {
    const kept = worstFirst.slice(0, count).flatMap((group) => group.layers);
    const tensors = tensorsIn(layers.filter((layer) => !kept.includes(layer)));
    const divergence = await candidate.divergence(apply(tensors));
    const isEnough = isTolerated(divergence, tolerated);
    if (isEnough || !best || severity(divergence, tolerated) < severity(best.divergence, tolerated)) best = { tensors, divergence, kept };
    if (isEnough) break;
  }
  if (!best) throw new TypeError("no layers to choose from");
  const { kept, ...choice } = best;
  return { ...choice, reports: worstFirst.flatMap(({ layers: group, divergence }) => group.map((layer) => ({ layer: layer.name, work: layer.work, ...divergence, float: kept.includes(layer) }))) };
}
