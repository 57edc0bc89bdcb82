import type { Int8Plan, QuantisedForm, Range } from "../sdk/graph/quantisation.js";
import type { Candidate } from "./candidate.js";
import type { Divergence } from "./heads.js";
import type { Layer } from "./layers.js";

/** What a group of neighbouring layers costs where it alone is int8. */
export interface Sensitivity {
  readonly layers: readonly Layer[];
  readonly divergence: Divergence;
}

/** How far int8 may be from float, on the frames that are compared, before layers stay in float. */
export const tolerated = {
  /** Percent of pixels that are given another name. */
  pixels: 1,
  /** Mean difference of the best proposals' scores. */
  boxScore: 0.01,
} as const;

/** Measurements of groups, however deep the network: each takes a session and a few frames. */
const mostGroups = 80;

/** Layers that stay in float at most, as a share of the groups. */
const mostKept = 0.25;

/** One number for both heads; 1 is what is tolerated of one. */
export const severity = ({ pixels, boxScore }: Divergence): number => pixels / tolerated.pixels + (boxScore ?? 0) / tolerated.boxScore;

export const isTolerated = ({ pixels, boxScore }: Divergence): boolean => pixels <= tolerated.pixels && (boxScore ?? 0) <= tolerated.boxScore;

/** Measures layers one at a time, or in groups where there are many; the worst first. */
export async function sensitivities(candidate: Candidate, ranges: ReadonlyMap<string, Range>, form: QuantisedForm, onProgress: (done: number, total: number) => void): Promise<readonly Sensitivity[]> {
  const size = Math.ceil(candidate.layers.length / mostGroups);
  const groups = Array.from({ length: Math.ceil(candidate.layers.length / size) }, (_, at) => candidate.layers.slice(at * size, (at + 1) * size));
  const measured: Sensitivity[] = [];
  for (const layers of groups) {
    const alone = new Set(layers.map(({ tensor }) => tensor));
    measured.push({ layers, divergence: await candidate.divergence({ layers: alone, ranges }, form) });
    onProgress(measured.length, groups.length);
  }
  return measured.sort((a, b) => severity(b.divergence) - severity(a.divergence));
}

export interface Choice {
  readonly plan: Int8Plan;
  readonly divergence: Divergence;
  /** Layers that stay in float. */
  readonly kept: readonly Layer[];
}

/** Leaves as few of the most sensitive layers in float as keep the whole within what is tolerated; of those tried the nearest to float where none does. */
export async function chooseLayers(candidate: Candidate, ranges: ReadonlyMap<string, Range>, form: QuantisedForm, worstFirst: readonly Sensitivity[]): Promise<Choice> {
  let best: Choice | undefined;
  for (let count = 0; count <= worstFirst.length * mostKept; count = count === 0 ? 1 : count * 2) {
    const kept = worstFirst.slice(0, count).flatMap(({ layers }) => layers);
    const layers = candidate.all();
    for (const { tensor } of kept) layers.delete(tensor);
    const plan = { layers, ranges };
    const divergence = await candidate.divergence(plan, form);
    if (!best || severity(divergence) < severity(best.divergence)) best = { plan, divergence, kept };
    if (isTolerated(divergence)) break;
  }
  if (!best) throw new TypeError("no layers to choose from");
  return best;
}
