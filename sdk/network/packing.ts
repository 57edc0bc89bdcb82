/**
 * Small parameters travel in a few long vectors. A network has hundreds of scales and offsets of some hundred numbers each;
 * one by one their optimiser steps would cost more in overhead than all large matrices in arithmetic.
 */
import type { Graph, Value } from "../graph/graph.js";
import { reshape, split } from "../graph/ops.js";
import { sizeOf, type FloatTensor, type Shape, type Weights } from "../graph/tensor.js";
import type { ParameterSource, ParameterSpec } from "./parameters.js";
import { weightOf } from "./parameters.js";

/** A tensor of a training step's state: one large parameter, or several small ones end to end. */
export interface Pack {
  readonly name: string;
  readonly shape: Shape;
  readonly parts: readonly ParameterSpec[];
  /** Whether gradients reach it. */
  readonly statistic: boolean;
}

const smallest = 20_000;

export const isEncoder = (name: string): boolean => name.startsWith("encoder.");

/** Groups parameters into packs, in a fixed order. `trains` says which of them learn; the others are left out, but for statistics. */
export function packParameters(specs: readonly ParameterSpec[], trains: (spec: ParameterSpec) => boolean): readonly Pack[] {
  const packs: Pack[] = [];
  const small = new Map<string, ParameterSpec[]>();
  for (const spec of specs) {
    if (!spec.statistic && !trains(spec)) continue;
    if (!spec.statistic && sizeOf(spec.shape) >= smallest) {
      packs.push({ name: spec.name, shape: spec.shape, parts: [spec], statistic: false });
      continue;
    }
    // Vectors are not decayed, matrices are: they go into packs of their own.
    const kind = sizeOf(spec.shape) === Math.max(...spec.shape) ? "vectors" : "matrices";
    const key = spec.statistic ? "statistics" : `${isEncoder(spec.name) ? "encoder" : "decoder"}.${kind}`;
    const group = small.get(key) ?? [];
    group.push(spec);
    small.set(key, group);
  }
  for (const [name, parts] of small)
    packs.push({ name, shape: [parts.reduce((sum, p) => sum + sizeOf(p.shape), 0)], parts, statistic: name === "statistics" });
  return packs;
}

/** Whether weight decay applies: to matrices, not to scales, offsets and the like. */
export const isDecayed = (pack: Pack): boolean => pack.parts.every((part) => sizeOf(part.shape) !== Math.max(...part.shape));

/** The numbers of a pack, from weights by parameter. */
export function packWeights(pack: Pack, weights: Weights): FloatTensor {
  const data = new Float32Array(sizeOf(pack.shape));
  let offset = 0;
  for (const part of pack.parts) {
    const tensor = weightOf(weights, part);
    data.set(tensor.data, offset);
    offset += tensor.data.length;
  }
  return { dtype: "float32", shape: pack.shape, data };
}

/** Copies of a pack's parameters, by name. */
export function unpackWeights(pack: Pack, packed: FloatTensor): Weights {
  const weights = new Map<string, FloatTensor>();
  let offset = 0;
  for (const { name, shape } of pack.parts) {
    weights.set(name, { dtype: "float32", shape, data: packed.data.slice(offset, offset + sizeOf(shape)) });
    offset += sizeOf(shape);
  }
  return weights;
}

/** Parameters as inputs of a graph, one a pack, named `prefix + pack`; what is in no pack comes from `rest`. */
export class PackedParameters implements ParameterSource {
  /** The graph's input of each pack. */
  readonly inputs = new Map<Pack, Value>();
  /** The parameters of each pack, flat where there are several, in the pack's order. */
  readonly parts = new Map<Pack, readonly Value[]>();
  readonly #values = new Map<string, Value>();

  constructor(
    graph: Graph,
    prefix: string,
    packs: readonly Pack[],
    private readonly rest?: ParameterSource,
  ) {
    for (const pack of packs) {
      const input = graph.input(prefix + pack.name, "float32", pack.shape);
      this.inputs.set(pack, input);
      const parts = pack.parts.length === 1 && sizeOf(pack.parts[0].shape) === input.size ? [input] : split(input, pack.parts.map((p) => sizeOf(p.shape)), 0);
      this.parts.set(pack, parts);
      pack.parts.forEach((part, i) => this.#values.set(part.name, parts[i].shape.join() === part.shape.join() ? parts[i] : reshape(parts[i], part.shape)));
    }
  }

  get(graph: Graph, spec: ParameterSpec): Value {
    const value = this.#values.get(spec.name);
    if (value) return value;
    if (this.rest) return this.rest.get(graph, spec);
    throw new Error(`parameter ${spec.name} is in no pack`);
  }
}
