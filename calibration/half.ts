import type { HalfQuantisation } from "../sdk/bundle/index.js";
import { NightshiftError } from "../sdk/errors.js";
import type { Operator } from "../sdk/graph/attributes.js";
import type { Graph, Node } from "../sdk/graph/graph.js";
import { halvable, halved, largestHalf, leastHalf } from "../sdk/graph/half.js";
import type { Range } from "../sdk/graph/quantisation.js";
import type { FloatTensor } from "../sdk/graph/tensor.js";
import type { Candidate } from "./candidate.js";
import type { Conversion } from "./conversion.js";
import { type Layer, runsOf } from "./layers.js";
import { extents } from "./observe.js";
import type { CalibrationFrame } from "./probe.js";
import { type Choice, chooseLayers, sensitivities } from "./sensitivity.js";

/**
 * Why a node stays in float32 whatever is measured. `sum`: it adds up many numbers, and which engine does that in float32 cannot be seen from here. `range`: what it
 * was seen to take or give comes near the largest float16. `constant`: one of its constants is not among the numbers of float16, being too large or too small.
 */
export type FloatReason = "sum" | "range" | "constant";

export interface HalfChoice extends Choice {
  readonly plan: Pick<HalfQuantisation, "precision" | "layers">;
  /** Nodes that stay in float32 by rule. */
  readonly inFloat: readonly { readonly layer: string; readonly node: string; readonly operator: Operator; readonly reason: FloatReason }[];
}

/** A tenth of what int8 may cost, as float16 has eight times as many digits; and of boxes a tenth of a pixel, as coordinates reach 512. */
const tolerated = { pixels: 0.1, boxScore: 0.001, boxSide: 0.1, depth: 0.2 };

/** Of the largest float16, for frames that were not seen and for what is learnt later. */
const headroom = 8;

/** Convolutions and matrix products add up too, but there engines say that they do so in float32, or let it be asked for. */
const sums: ReadonlySet<Operator> = new Set<Operator>(["ReduceSum", "ReduceSumSquare", "ReduceMean", "GlobalAveragePool", "Softmax", "LogSoftmax"]);

/** Chooses what computes in float16. Throws `E_CALIBRATION` where nothing can. */
export async function chooseHalf(candidate: Candidate, frames: readonly CalibrationFrame[], onProgress: (line: string) => void): Promise<HalfChoice> {
  const { graph } = candidate;
  const nodes = halvable(graph);
  const tensors = new Set(nodes.flatMap(({ inputs, outputs }) => [...inputs, ...outputs]).filter((value) => value.dtype === "float32" && !graph.constants.has(value) && !graph.inputs.includes(value)));
  let looks = 0;
  const ranges = await candidate.probed([...tensors].map(({ name }) => name), (probe) => extents(probe, frames, () => onProgress(`observing: ${++looks} of ${frames.length} frames`)));
  const reasons = new Map(nodes.map((node) => [node, reasonFor(node, graph, ranges)]));
  const layers = runsOf(candidate, nodes.filter((node) => reasons.get(node) === undefined));
  if (layers.length === 0) throw new NightshiftError("E_CALIBRATION", { expected: "nodes that can compute in float16", received: "none", remedy: "Serve this network in float." });
  const conversion: Conversion = { layers, tolerated, apply: (chosen) => halved(graph, { layers: chosen }, "rounded") };
  const measured = await sensitivities(candidate, conversion, (done, total) => onProgress(`one in float16 at a time: ${done} of ${total} layers`));
  const choice = await chooseLayers(candidate, conversion, measured);
  return { ...choice, plan: { precision: "float16", layers: choice.tensors }, inFloat: kept(runsOf(candidate, nodes), reasons) };
}

function reasonFor({ operator, inputs, outputs }: Node, graph: Graph, ranges: ReadonlyMap<string, Range>): FloatReason | undefined {
  if (sums.has(operator)) return "sum";
  const constants = inputs.flatMap((input) => (input.dtype === "float32" ? ((graph.constants.get(input) as FloatTensor | undefined) ?? []) : []));
  if (constants.some((constant) => !survives(constant))) return "constant";
  return [...inputs, ...outputs].some(({ name }) => (ranges.get(name) ?? []).some((end) => Math.abs(end) * headroom > largestHalf)) ? "range" : undefined;
}

/** Small numbers among larger ones may go, as they would in any sum; a constant all of whose numbers are small loses its digits. */
function survives({ data }: FloatTensor): boolean {
  const most = data.reduce((greatest, value) => Math.max(greatest, Math.abs(value)), 0);
  return most === 0 || (most <= largestHalf && most >= leastHalf);
}

function kept(runs: readonly Layer[], reasons: ReadonlyMap<Node, FloatReason | undefined>): HalfChoice["inFloat"] {
  const layers = new Map(runs.flatMap(({ name, tensors }) => tensors.map((tensor) => [tensor, name] as const)));
  return [...reasons].flatMap(([{ operator, outputs: [{ name }] }, reason]) => (reason ? [{ layer: layers.get(name) ?? name, node: name, operator, reason }] : []));
}
