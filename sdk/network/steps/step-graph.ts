import { NightshiftError } from "../../errors.js";
import type { Operator } from "../../graph/attributes.js";
import { consumersOf, type Graph, type Node, type Value } from "../../graph/graph.js";
import { live } from "../../graph/live.js";
import { writeOnnx } from "../../graph/onnx/write.js";
import { concat, where } from "../../graph/ops.js";
import { sizeOf, type FloatTensor, type Tensor, type Weights } from "../../graph/tensor.js";
import { adamW, clipping } from "../../autodiff/adamw.js";
import { backward } from "../../autodiff/backward.js";
import { ema } from "../../autodiff/ema.js";
import type { Recompute } from "../../autodiff/recompute.js";
import { isDecayed, isEncoder, packWeights, type Pack, type PackedParameters } from "../packing.js";

/**
 * A training step as one standard ONNX graph. Whatever persists between steps is an input `name` and an output
 * `next/name`; everything else that goes in is data, noise, or a scalar rate or weight.
 */
export interface StepGraph {
  readonly model: Uint8Array;
  /** What persists, with its first value. */
  readonly state: ReadonlyMap<string, FloatTensor>;
  /** The scalar inputs and their defaults. */
  readonly scalars: Readonly<Record<string, number>>;
  /** How the state's tensors divide into parameters. */
  readonly packs: readonly Pack[];
  /** Outputs that are not state: losses (scalars) and gradients of inputs. */
  readonly results: readonly string[];
}

export type Feeds = Readonly<Record<string, Tensor>>;

/** Prefixes of the state's names. */
export const prefixes = { student: "student/", teacher: "teacher/", first: "first/", second: "second/", next: "next/" } as const;

/** The learning rates of the encoder and the decoder, as the paper gives them, and the optimiser's other scalars. */
export const optimiserScalars = {
  rateEncoder: 6e-5,
  rateDecoder: 6e-4,
  correction1: 1,
  correction2: 1,
  decay: 0.01,
  clip: 1,
  alpha: 0.99,
} as const;

export const scalarInputs = <K extends string>(graph: Graph, scalars: Readonly<Record<K, number>>): Readonly<Record<K, Value>> =>
  Object.fromEntries(Object.keys(scalars).map((name) => [name, graph.input(name, "float32", [])])) as Record<K, Value>;

/**
 * Ends a step: gradients of `loss`, clipping, AdamW and the EMA teacher for every trained pack, as state outputs. Where loss or gradients are not finite the state stays as it is.
 *
 * @param teacher the teacher's packs where the forward pass reads them; made here where it does not
 * @param also other values that the loss's gradients are wanted for
 */
export function optimise(
  graph: Graph,
  loss: Value,
  student: PackedParameters,
  teacher: PackedParameters | undefined,
  scalars: Readonly<Record<keyof typeof optimiserScalars, Value>>,
  { also = [], recompute = "none" }: { readonly also?: readonly Value[]; readonly recompute?: Recompute } = {},
): { readonly gradients: readonly Value[]; readonly norm: Value; readonly isFinite: Value } {
  const trained = [...student.inputs].filter(([pack]) => !pack.statistic);
  const partsOf = (pack: Pack): readonly Value[] => student.parts.get(pack) ?? [];
  const parts = trained.flatMap(([pack]) => partsOf(pack));
  const { gradients, contributions } = backward(loss, [...parts, ...also], { recompute });
  const gradientOf = new Map(parts.map((part, at) => [part, gradients[at]]));
  const others = gradients.slice(parts.length);
  // No state is written before the other gradients are made: on their way they read it.
  const clip = clipping(graph, loss, { gradients: gradients.slice(0, parts.length), contributions: [...contributions, ...others] }, scalars.clip);
  const alpha = where(clip.isFinite, scalars.alpha, graph.scalar(1));
  for (const [pack, value] of trained) {
    const { name, shape } = pack;
    const gradient = concat(partsOf(pack).flatMap((part) => gradientOf.get(part) ?? []), 0);
    const rate = isEncoder(name) ? scalars.rateEncoder : scalars.rateDecoder;
    const decay = isDecayed(pack) ? scalars.decay : graph.scalar(0);
    const first = graph.input(prefixes.first + name, "float32", shape);
    const second = graph.input(prefixes.second + name, "float32", shape);
    const next = adamW(value, gradient, first, second, clip, { ...scalars, rate, decay });
    const mean = teacher?.inputs.get(pack) ?? graph.input(prefixes.teacher + name, "float32", shape);
    graph.output(prefixes.next + prefixes.student + name, next.parameter);
    graph.output(prefixes.next + prefixes.first + name, next.first);
    graph.output(prefixes.next + prefixes.second + name, next.second);
    graph.output(prefixes.next + prefixes.teacher + name, ema(mean, next.parameter, alpha));
  }
  return { gradients: others, norm: clip.norm, isFinite: clip.isFinite };
}

/**
 * Writes a step that is run in place: `next/x` goes where `x` was, so whatever reads x must come before next/x is made, by what it feeds.
 *
 * @throws `E_GRAPH_SHAPE` where something reads x that next/x does not wait for
 */
export function writeStep(graph: Graph): Uint8Array {
  const readers = readersOf(live(graph).nodes);
  const inputs = new Map(graph.inputs.map((input) => [input.name, input]));
  const norm = graph.outputs.find(({ name }) => name === "gradientNorm")?.value;
  const shared = norm ? ancestors(graph, norm) : new Set<Node>();
  for (const { name, value } of graph.outputs) {
    const before = name.startsWith(prefixes.next) ? inputs.get(name.slice(prefixes.next.length)) : undefined;
    if (!before) continue;
    const own = ancestors(graph, value, shared);
    const waitsForAll = norm !== undefined && own.has(graph.producer(norm)!);
    const late = readers(before).find((node) => !own.has(node) && !(waitsForAll && shared.has(node)));
    if (!late) continue;
    throw new NightshiftError("E_GRAPH_SHAPE", {
      expected: `a step that has read ${before.name} when it writes ${name}`,
      received: `${late.outputs[0].name}, which may read it later`,
      remedy: "Let the new state depend on it.",
    });
  }
  // ONNX Runtime begins with what the last output needs: all gradients, in the order of `clipping`.
  graph.outputs.sort((a, b) => Number(a.value === norm) - Number(b.value === norm));
  return writeOnnx(graph);
}

/** Operators whose output may be their input's memory. */
const views: ReadonlySet<string> = new Set<Operator>(["Reshape", "Squeeze", "Unsqueeze", "Identity"]);

/** Who reads the memory of a value. */
function readersOf(nodes: readonly Node[]): (value: Value) => readonly Node[] {
  const direct = consumersOf(nodes);
  const readers = (value: Value): readonly Node[] =>
    (direct.get(value) ?? []).flatMap((node) => (views.has(node.operator) ? [node, ...readers(node.outputs[0])] : [node]));
  return readers;
}

/** The nodes that a value needs, not looked for beyond those of `known`. */
function ancestors(graph: Graph, value: Value, known: ReadonlySet<Node> = new Set()): ReadonlySet<Node> {
  const found = new Set<Node>();
  const open = [value];
  for (let next = open.pop(); next; next = open.pop()) {
    const node = graph.producer(next);
    if (!node || found.has(node)) continue;
    found.add(node);
    if (!known.has(node)) open.push(...node.inputs);
  }
  return found;
}

/** The state that `optimise` keeps, from its first weights. */
export function optimiserState(packs: readonly Pack[], weights: Weights): Map<string, FloatTensor> {
  const state = new Map<string, FloatTensor>();
  for (const pack of packs.filter((p) => !p.statistic)) {
    const zeros = (): FloatTensor => ({ dtype: "float32", shape: pack.shape, data: new Float32Array(sizeOf(pack.shape)) });
    state.set(prefixes.student + pack.name, packWeights(pack, weights));
    state.set(prefixes.teacher + pack.name, packWeights(pack, weights));
    state.set(prefixes.first + pack.name, zeros());
    state.set(prefixes.second + pack.name, zeros());
  }
  return state;
}
