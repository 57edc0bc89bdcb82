import type { Attributes, Operator } from "../../graph/attributes.js";
import { type Graph, isOperator, type Node } from "../../graph/graph.js";
import { encodings } from "../../graph/onnx/encoding.js";
import { live } from "../../graph/live.js";
import { sizeOf, type DType, type Shape, type Tensor } from "../../graph/tensor.js";
import { defaultNetwork } from "../../network/contract.js";
import { lmcGraph } from "../../network/steps/lmc.js";
import { Random } from "../../random.js";
import { differentiable, type OperatorCase, outputTypes } from "./operator-case.js";
import { lmcOptions, stepProblem } from "./train-step-problem.js";

/** An operator on tensors of stated types, before they have numbers. */
interface Sized<K extends Operator = Operator> {
  readonly operator: K;
  readonly attributes: Attributes[K];
  readonly inputs: readonly { readonly dtype: DType; readonly shape: Shape; readonly isConstant?: boolean }[];
}

/** A case to be measured, and where it comes from. */
export interface NetworkCase extends OperatorCase {
  /** Whether the default network has it; otherwise it is an operator of imported models, at the network's sizes. */
  readonly isOwn: boolean;
}

/**
 * Every operator at the sizes of the default network's LMC step: the largest of each in its forward pass, of convolutions one for each kind. Operators that the network does not have stand
 * at sizes that it has.
 */
export function networkCases(): readonly NetworkCase[] {
  const problem = stepProblem("lmc", "all", defaultNetwork);
  const { graph } = lmcGraph(problem.network, problem.weights, lmcOptions(problem));
  const own = largest(graph);
  const known = new Set(own.map(({ operator }) => operator));
  const rest = standIns.filter(({ operator }) => !known.has(operator));
  return [...own.map((sized) => ({ ...withNumbers(sized), isOwn: true })), ...rest.map((sized) => ({ ...withNumbers(sized), isOwn: false }))];
}

/** Operators that no case is of: none, as long as the table below keeps up. */
export function uncovered(cases: readonly OperatorCase[]): readonly Operator[] {
  const covered = new Set(cases.map(({ operator }) => operator));
  return (Object.keys(encodings) as Operator[]).filter((operator) => !covered.has(operator));
}

function largest(graph: Graph): Sized[] {
  const { nodes } = live(graph);
  const backward = nodes.findIndex((node) => node.outputs[0].name.startsWith("backward/"));
  const found = new Map<string, { readonly size: number; readonly node: Node }>();
  for (const node of nodes.slice(0, backward)) {
    const size = [...node.inputs, ...node.outputs].reduce((sum, value) => sum + value.size, 0);
    const kind = kindOf(node);
    if (size > (found.get(kind)?.size ?? 0)) found.set(kind, { size, node });
  }
  return [...found.values()].map(({ node: { operator, attributes, inputs } }) => ({
    operator,
    attributes,
    inputs: inputs.map((value) => ({ dtype: value.dtype, shape: value.shape, isConstant: graph.constants.has(value) })),
  }));
}

/** The operator, and of convolutions also the kernel, the strides, the dilations, and whether each channel has a kernel of its own. */
function kindOf(node: Node): string {
  if (!isOperator(node, "Conv")) return node.operator;
  const { strides, dilations, group } = node.attributes;
  return [node.operator, node.inputs[1].shape.slice(2), strides, dilations, group > 1].join(" ");
}

const [, c8, c16] = defaultNetwork.channels;
const { height: frameHeight, width: frameWidth, embedding } = defaultNetwork;
const [h, w] = [frameHeight / 8, frameWidth / 8];
/** A feature map at stride 8 of a batch of four, and what else operators take beside it. */
const map = { dtype: "float32", shape: [4, c8, h, w] } as const;
const perChannel = { dtype: "float32", shape: [c8] } as const;
const tokens = { dtype: "float32", shape: [4 * h * w, c8] } as const;
const truths = { dtype: "bool", shape: map.shape } as const;
const none = {};
const halves = { kernel: [2, 2], strides: [2, 2], pads: [0, 0, 0, 0] } as const;

const sized = <K extends Operator>(operator: K, attributes: Attributes[K], ...inputs: Sized["inputs"]): Sized<K> => ({ operator, attributes, inputs });

/** For the operators that only imported models have. */
const standIns: readonly Sized[] = [
  sized("Pow", none, map, { dtype: "float32", shape: [], isConstant: true }),
  sized("Tanh", none, map),
  sized("LeakyRelu", { alpha: 0.1 }, map),
  sized("PRelu", none, map, { dtype: "float32", shape: [c8, 1, 1] }),
  sized("HardSwish", none, map),
  sized("Floor", none, map),
  sized("Round", none, map),
  sized("Sign", none, map),
  sized("Reciprocal", none, map),
  sized("Erf", none, map),
  sized("Or", none, truths, truths),
  sized("Not", none, truths),
  sized("Where", none, truths, map, map),
  sized("Squeeze", { axes: [1] }, { dtype: "float32", shape: [4, 1, c8, h, w] }),
  sized("Tile", { repeats: [1, 1, 2, 2] }, map),
  sized("Gather", { axis: 0 }, tokens, { dtype: "int64", shape: [4, 100] }),
  sized("GatherElements", { axis: 1 }, map, { dtype: "int64", shape: [4, 16, h, w] }),
  sized("ScatterElements", { axis: 1, reduction: "add" }, map, { dtype: "int64", shape: [4, 16, h, w] }, { dtype: "float32", shape: [4, 16, h, w] }),
  sized("DepthToSpace", { blocksize: 2, mode: "CRD" }, map),
  sized("SpaceToDepth", { blocksize: 2 }, map),
  sized("Pad", { pads: [0, 0, 1, 1, 0, 0, 1, 1], value: 0 }, map),
  sized("LogSoftmax", { axis: 1 }, map),
  sized("ReduceMin", { axes: [1], keepdims: true }, map),
  sized("Gemm", { alpha: 1, beta: 1, transA: false, transB: true }, tokens, { dtype: "float32", shape: [embedding, c8] }, { dtype: "float32", shape: [embedding] }),
  sized("ConvTranspose", { strides: [2, 2], pads: [1, 1, 1, 1], dilations: [1, 1], group: 1, outputPadding: [1, 1] }, { dtype: "float32", shape: [4, c16, h / 2, w / 2] }, { dtype: "float32", shape: [c16, c8, 3, 3] }),
  sized("AveragePool", halves, map),
  sized("MaxPool", halves, map),
  sized("GlobalAveragePool", none, map),
  sized("BatchNormalization", { epsilon: 1e-5 }, map, perChannel, perChannel, { ...perChannel, isConstant: true }, { ...perChannel, isConstant: true }),
  sized("QuantizeLinear", { axis: 0 }, { dtype: "float32", shape: [c16, c16 * 9] }, { dtype: "float32", shape: [c16], isConstant: true }),
  sized("DequantizeLinear", { axis: 0 }, { dtype: "int8", shape: [c16, c16 * 9] }, { dtype: "float32", shape: [c16], isConstant: true }),
];

/** Operators whose floats must be above 0. */
const positive: ReadonlySet<Operator> = new Set<Operator>(["Log", "Sqrt", "Reciprocal", "Pow", "Div", "BatchNormalization"]);

function withNumbers({ operator, attributes, inputs: types }: Sized): OperatorCase {
  const random = new Random(5, operator);
  const inputs = types.map(({ dtype, shape }) => numbers(dtype, shape, indexLimit(operator, attributes, types), random, positive.has(operator)));
  const wrt = differentiable(operator, attributes, types).filter((at) => types[at]?.isConstant !== true);
  const dys = outputTypes(operator, attributes, types).map(({ dtype, shape }) => (dtype === "float32" && wrt.length > 0 ? numbers(dtype, shape, 1, random, false) : undefined));
  return { operator, attributes, inputs, wrt: dys.some(Boolean) ? wrt : [], dys };
}

/** Below what an index must be that the operator takes. */
function indexLimit(operator: Operator, attributes: Attributes[Operator], [first]: Sized["inputs"]): number {
  if ("depth" in attributes) return attributes.depth;
  if (!first || !("axis" in attributes) || !/^(Gather|Scatter)/.test(operator)) return 100;
  return first.shape[(attributes.axis + first.shape.length) % first.shape.length] ?? 1;
}

function numbers(dtype: DType, shape: Shape, limit: number, random: Random, isPositive: boolean): Tensor {
  const count = sizeOf(shape);
  const whole = (below: number): number[] => Array.from({ length: count }, () => random.below(below));
  switch (dtype) {
    case "float32":
      return { dtype, shape, data: repeated(count, () => (isPositive ? 0.4 + 2 * random.uniform() : random.normal())) };
    case "int64":
      return { dtype, shape, data: BigInt64Array.from(whole(limit), BigInt) };
    case "int32":
      return { dtype, shape, data: Int32Array.from(whole(limit)) };
    case "int8":
      return { dtype, shape, data: Int8Array.from(whole(100)) };
    case "uint8":
      return { dtype, shape, data: Uint8Array.from(whole(256)) };
    case "bool":
      return { dtype, shape, data: Uint8Array.from(whole(2)) };
    default:
      throw new Error(`no numbers of type ${dtype}`);
  }
}

/** A prime, so that no axis sees the same number twice in a row. */
const drawn = 4099;

/** Numbers of which only the first are drawn: times do not depend on them. */
function repeated(count: number, draw: () => number): Float32Array {
  const data = new Float32Array(count);
  const some = Float32Array.from({ length: Math.min(count, drawn) }, draw);
  for (let from = 0; from < count; from += drawn) data.set(some.subarray(0, Math.min(drawn, count - from)), from);
  return data;
}
