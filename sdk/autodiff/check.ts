import { NightshiftError } from "../errors.js";
import { Graph, type Value } from "../graph/graph.js";
import { add, cast, mul, total } from "../graph/ops.js";
import type { Tensor } from "../graph/tensor.js";
import { gradients } from "./backward.js";

/** Computes a graph's outputs by name in float64; the reference engine's `evaluate` is one. */
export type Evaluate = (
  graph: Graph,
  feeds: ReadonlyMap<string, Tensor>,
) => ReadonlyMap<string, { readonly data: ArrayLike<number> }>;

export interface GradientCheckOptions {
  /** Half the distance of the two points of a central difference. 1e-5 unless told otherwise. */
  readonly epsilon?: number;
  /** Largest difference, divided by the larger of 1 and the two gradients. 1e-6 unless told otherwise. */
  readonly tolerance?: number;
}

export interface GradientCheck {
  /** Elements of inputs that were checked. */
  readonly elements: number;
  /** The largest difference found, as `tolerance` measures it. */
  readonly worst: number;
}

type Build = (values: readonly Value[]) => readonly Value[];

interface Loss {
  readonly graph: Graph;
  readonly loss: Value;
  readonly values: readonly Value[];
}

/** A weight for each element of an output, so that no symmetry hides a mistake: incommensurable, and none of them small. */
const weight = (i: number): number => (i % 2 ? -1 : 1) * (0.5 + ((i * 0.6180339887 + 0.377) % 1));

function lossOf(name: string, inputs: readonly Tensor[], build: Build): Loss {
  const graph = new Graph(name);
  const values = inputs.map(({ dtype, shape }, i) => graph.input(`input_${i}`, dtype === "float64" ? "float32" : dtype, shape));
  let place = 0;
  const terms = build(values).map((y) => {
    const data = Float32Array.from({ length: y.size }, () => weight(place++));
    return total(mul(cast(y, "float32"), graph.constant({ dtype: "float32", shape: y.shape, data })));
  });
  return { graph, loss: terms.reduce((a, b) => add(a, b)), values };
}

/**
 * Compares the gradients of what `build` makes of its inputs with central differences. The loss is a weighted sum of all
 * elements of all outputs.
 *
 * @param build makes outputs from one value for each input; called twice, for two graphs
 * @param inputs those of type float64 become float32 inputs of the graph, evaluated in float64, and are differentiated;
 *   all others are only fed. Keep them away from kinks by more than epsilon.
 * @throws `E_GRADIENT` naming the input and element that differ most, or what `gradients` throws
 */
export function checkGradients(build: Build, inputs: readonly Tensor[], evaluate: Evaluate, options: GradientCheckOptions = {}): GradientCheck {
  const { epsilon = 1e-5, tolerance = 1e-6 } = options;
  const forward = lossOf("forward", inputs, build);
  forward.graph.output("loss", forward.loss);
  const backward = lossOf("backward", inputs, build);
  const checked = inputs.flatMap((tensor, i) => (tensor.dtype === "float64" ? [i] : []));
  gradients(backward.loss, checked.map((i) => backward.values[i])).forEach((gradient, k) => {
    backward.graph.output(`gradient_${checked[k]}`, gradient);
  });

  const feeds = new Map(inputs.map((tensor, i) => [`input_${i}`, tensor]));
  const analytic = evaluate(backward.graph, feeds);
  let elements = 0;
  let worst = { error: 0, where: "" };
  for (const i of checked) {
    const name = `input_${i}`;
    const start = Float64Array.from(inputs[i].data as Float64Array);
    const lossAt = (element: number, offset: number): number => {
      const data = start.slice();
      data[element] += offset;
      return evaluate(forward.graph, new Map(feeds).set(name, { dtype: "float64", shape: inputs[i].shape, data })).get("loss")?.data[0] ?? NaN;
    };
    for (let element = 0; element < start.length; element++) {
      const numeric = (lossAt(element, epsilon) - lossAt(element, -epsilon)) / (2 * epsilon);
      const found = analytic.get(`gradient_${i}`)?.data[element] ?? NaN;
      const error = Math.abs(found - numeric) / Math.max(1, Math.abs(found), Math.abs(numeric));
      // NaN compares as false: it is worse than any number.
      if (!(error <= worst.error)) worst = { error, where: `${found} against ${numeric} (input ${i}, element ${element})` };
      elements++;
      if (Number.isNaN(error)) break;
    }
  }
  if (!(worst.error <= tolerance))
    throw new NightshiftError("E_GRADIENT", {
      expected: `gradients within ${tolerance} of central differences`,
      received: worst.where,
      remedy: "Mend the operator's rule in sdk/autodiff/gradients.ts, or keep the inputs away from kinks.",
    });
  return { elements, worst: worst.error };
}
