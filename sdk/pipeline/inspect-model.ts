import { trainability } from "../autodiff/trainability.js";
import type { Value } from "../graph/graph.js";
import type { DType, Shape } from "../graph/tensor.js";
import { openModelFile } from "./model-file.js";

interface Described {
  readonly name: string;
  readonly dtype: DType;
  readonly shape: Shape;
}

/** What an ONNX model holds, as it is read: what computes with shapes is folded away. */
export interface InspectedModel {
  readonly inputs: readonly Described[];
  readonly outputs: readonly Described[];
  /** How many nodes of each operator, the most first. */
  readonly operators: Readonly<Record<string, number>>;
  /** Float constants that are more than one number, float16 being read as float32. */
  readonly parameters: {
    readonly tensors: number;
    readonly count: number;
    readonly trainable: { readonly tensors: number; readonly count: number };
    readonly others: readonly { readonly name: string; readonly why: string }[];
  };
}

/** Reads an ONNX model of whatever origin, with the files beside it. Throws `E_GRAPH_FORMAT`, `E_GRAPH_OPERATOR` or `E_GRAPH_SHAPE`. */
export async function inspectModel(path: string, pins: Readonly<Record<string, number>> = {}): Promise<InspectedModel> {
  const halves = new Set<string>();
  const graph = (await openModelFile(path)).read({ pins, onHalf: (name) => halves.add(name) });
  const counts = new Map<string, number>();
  for (const { operator } of graph.nodes) counts.set(operator, (counts.get(operator) ?? 0) + 1);
  const described = ({ name: own, dtype, shape }: Value, name = own): Described => ({ name, dtype: halves.has(name) ? "float16" : dtype, shape });
  const [inputs, outputs] = [graph.inputs.map((value) => described(value)), graph.outputs.map(({ name, value }) => described(value, name))];
  const parameters = [...trainability(graph)].filter(([{ size }]) => size > 1);
  const of = (all: typeof parameters) => ({ tensors: all.length, count: all.reduce((sum, [{ size }]) => sum + size, 0) });
  return {
    inputs,
    outputs,
    operators: Object.fromEntries([...counts].sort(([, a], [, b]) => b - a)),
    parameters: {
      ...of(parameters),
      trainable: of(parameters.filter(([, can]) => can === "yes")),
      others: parameters.flatMap(([{ name }, can]) => (can === "yes" ? [] : [{ name, why: can === "zero" ? "nothing that it does reaches an output with a slope" : can.blockedBy }])),
    },
  };
}
