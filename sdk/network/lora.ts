import type { Graph, Value } from "../graph/graph.js";
import { add, matMul, reshape } from "../graph/ops.js";
import { sizeOf, type FloatTensor, type Weights } from "../graph/tensor.js";
import { initialTensor, type ParameterSource, type ParameterSpec } from "./parameters.js";

/**
 * Low-rank adaptation (LoRA): a matrix W [m, n] (a kernel [m, ...] counts as one) is taught as W + a b, with a [m, rank] and b [rank, n]. b starts at 0, so nothing
 * changes before the first step; what is kept and served is the sum.
 */
const suffixes = { a: ".lora.a", b: ".lora.b" } as const;

/** Whether a parameter is taught by factors: a matrix that has more numbers than they. */
export function hasFactors({ shape, statistic }: ParameterSpec, rank: number): boolean {
  const [m = 1] = shape;
  const n = sizeOf(shape) / m;
  return !statistic && shape.length > 1 && rank * (m + n) < m * n;
}

/** Both factors of each parameter that has them. */
export function factorSpecs(specs: readonly ParameterSpec[], rank: number): ParameterSpec[] {
  return specs.filter((spec) => hasFactors(spec, rank)).flatMap(({ name, shape, statistic }) => {
    const [m] = shape;
    const n = sizeOf(shape) / m;
    return [
      { name: name + suffixes.a, shape: [m, rank], initial: { deviation: Math.sqrt(1 / rank) }, statistic },
      { name: name + suffixes.b, shape: [rank, n], initial: { fill: 0 }, statistic },
    ];
  });
}

export const initialFactors = (specs: readonly ParameterSpec[], seed: number): Weights => new Map(specs.map((spec) => [spec.name, initialTensor(spec, seed)]));

/** Parameters of which some are the sum of what they were and of a product of factors. */
export class LowRankParameters implements ParameterSource {
  readonly #specs: ReadonlyMap<string, ParameterSpec>;
  readonly #made = new Map<string, Value>();

  constructor(
    factors: readonly ParameterSpec[],
    private readonly learnt: ParameterSource,
    private readonly fixed: ParameterSource,
  ) {
    this.#specs = new Map(factors.map((spec) => [spec.name, spec]));
  }

  get(graph: Graph, spec: ParameterSpec): Value {
    const [a, b] = [this.#specs.get(spec.name + suffixes.a), this.#specs.get(spec.name + suffixes.b)];
    const known = this.#made.get(spec.name);
    if (known || !a || !b) return known ?? this.fixed.get(graph, spec);
    const change = matMul(this.learnt.get(graph, a), this.learnt.get(graph, b));
    const sum = add(this.fixed.get(graph, spec), reshape(change, spec.shape));
    this.#made.set(spec.name, sum);
    return sum;
  }
}

/** Weights with what their factors add to them; other learnt weights take the place of theirs. */
export function withLearnt(weights: Weights, learnt: Weights): Weights {
  const all = new Map(weights);
  for (const [name, tensor] of learnt) {
    if (name.endsWith(suffixes.b)) continue;
    const whole = name.endsWith(suffixes.a) ? name.slice(0, -suffixes.a.length) : undefined;
    const base = whole === undefined ? undefined : weights.get(whole);
    const b = whole === undefined ? undefined : learnt.get(whole + suffixes.b);
    if (whole !== undefined && base && b) all.set(whole, { ...base, data: plusProduct(base.data, tensor, b) });
    else all.set(name, tensor);
  }
  return all;
}

function plusProduct(base: Float32Array, a: FloatTensor, b: FloatTensor): Float32Array {
  const [m = 0, rank = 0] = a.shape;
  const n = b.data.length / rank;
  const sum = base.slice();
  for (let row = 0; row < m; row++)
    for (let k = 0; k < rank; k++) {
      const factor = a.data[row * rank + k];
      for (let column = 0; column < n; column++) sum[row * n + column] += factor * b.data[k * n + column];
    }
  return sum;
}
