import type { Graph, Value } from "../../graph/graph.js";
import { sizeOf, type FloatTensor, type Tensor, type Weights } from "../../graph/tensor.js";
import { adamW, clipFactor } from "../../autodiff/adamw.js";
import { gradients } from "../../autodiff/backward.js";
import { ema } from "../../autodiff/ema.js";
import { isDecayed, isEncoder, packWeights, type Pack } from "../packing.js";

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
 * Ends a step: gradients of `loss`, clipping, AdamW and the EMA teacher for every trained pack, as state outputs.
 *
 * @param student the student's packs, with their values in the graph
 * @param teacher the teacher's values of the same packs where the forward pass reads them; made here where it does not
 * @param also other values that the loss's gradients are wanted for
 */
export function optimise(
  graph: Graph,
  loss: Value,
  student: ReadonlyMap<Pack, Value>,
  teacher: ReadonlyMap<Pack, Value>,
  scalars: Readonly<Record<keyof typeof optimiserScalars, Value>>,
  also: readonly Value[] = [],
): { readonly gradients: readonly Value[]; readonly norm: Value } {
  const trained = [...student].filter(([pack]) => !pack.statistic);
  const all = gradients(loss, [...trained.map(([, value]) => value), ...also]);
  const { factor, norm } = clipFactor(graph, all.slice(0, trained.length), scalars.clip);
  trained.forEach(([pack, value], i) => {
    const { name, shape } = pack;
    const rate = isEncoder(name) ? scalars.rateEncoder : scalars.rateDecoder;
    const decay = isDecayed(pack) ? scalars.decay : graph.scalar(0);
    const first = graph.input(prefixes.first + name, "float32", shape);
    const second = graph.input(prefixes.second + name, "float32", shape);
    const next = adamW(value, all[i], first, second, factor, { ...scalars, rate, decay });
    const mean = teacher.get(pack) ?? graph.input(prefixes.teacher + name, "float32", shape);
    graph.output(prefixes.next + prefixes.student + name, next.parameter);
    graph.output(prefixes.next + prefixes.first + name, next.first);
    graph.output(prefixes.next + prefixes.second + name, next.second);
    graph.output(prefixes.next + prefixes.teacher + name, ema(mean, next.parameter, scalars.alpha));
  });
  return { gradients: all.slice(trained.length), norm };
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
