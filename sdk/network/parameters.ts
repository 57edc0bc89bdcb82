import { NightshiftError } from "../errors.js";
import type { Graph, Value } from "../graph/graph.js";
import { sizeOf, type FloatTensor, type Shape, type Weights } from "../graph/tensor.js";
import { Random } from "../random.js";

/** How a parameter starts: a normal distribution of this standard deviation, or one number everywhere. */
export type Initial = { readonly deviation: number } | { readonly fill: number };

export interface ParameterSpec {
  readonly name: string;
  readonly shape: Shape;
  readonly initial: Initial;
  /** Statistics are state that gradients do not reach: running means and variances. */
  readonly statistic: boolean;
}

/** Where a network being built gets its parameters from. */
export interface ParameterSource {
  get(graph: Graph, spec: ParameterSpec): Value;
}

/** Parameters as constants: for inference, and for whatever does not train. */
export class ConstantParameters implements ParameterSource {
  readonly #made = new Map<string, Value>();

  constructor(readonly weights: Weights) {}

  get(graph: Graph, spec: ParameterSpec): Value {
    let value = this.#made.get(spec.name);
    if (!value) {
      value = graph.constant(weightOf(this.weights, spec), spec.name);
      this.#made.set(spec.name, value);
    }
    return value;
  }
}

/** Parameters as inputs of the graph, named `prefix + name`: for training steps. */
export class InputParameters implements ParameterSource {
  readonly specs: ParameterSpec[] = [];
  readonly values = new Map<string, Value>();

  constructor(readonly prefix: string) {}

  get(graph: Graph, spec: ParameterSpec): Value {
    let value = this.values.get(spec.name);
    if (!value) {
      value = graph.input(this.prefix + spec.name, "float32", spec.shape);
      this.specs.push(spec);
      this.values.set(spec.name, value);
    }
    return value;
  }
}

export function weightOf(weights: Weights, spec: ParameterSpec): FloatTensor {
  const tensor = weights.get(spec.name);
  if (!tensor || tensor.shape.length !== spec.shape.length || tensor.shape.some((n, i) => n !== spec.shape[i]))
    throw new NightshiftError("E_BUNDLE_FORMAT", {
      expected: `a weight ${spec.name} of shape [${spec.shape.join(", ")}]`,
      received: tensor ? `shape [${tensor.shape.join(", ")}]` : "none",
      remedy: "The weights belong to another network; use those of the bundle's own network.",
    });
  return tensor;
}

export function initialTensor(spec: ParameterSpec, seed: number): FloatTensor {
  const data = new Float32Array(sizeOf(spec.shape));
  if ("fill" in spec.initial) data.fill(spec.initial.fill);
  else {
    const random = new Random(seed, spec.name);
    for (let i = 0; i < data.length; i++) data[i] = random.normal() * spec.initial.deviation;
  }
  return { dtype: "float32", shape: spec.shape, data };
}
