import type { ModelProto, NodeProto } from "../../../graph/onnx/onnx_pb.js";
import { type ExternalFile, tensorOf } from "../../../graph/onnx/tensor.js";
import type { Tensor } from "../../../graph/tensor.js";
import { inTransformersNames, type Named, projectionName } from "./weights.js";

/**
 * The weights in an exported CLIP text tower. Exporters transpose the matrices of linear layers and give them names of their own (`onnx::MatMul_12`), but leave
 * biases theirs: so a matrix is known by the bias that is added to its product, and the one without a bias is the projection. What comes of it is
 * checked against the model's own answers (`load.ts`), so a model that means something else cannot pass.
 */
export function namedInOnnx({ graph }: ModelProto, external: ExternalFile): Named[] {
  const nodes = graph?.node ?? [];
  const tensors = new Map((graph?.initializer ?? []).map((proto) => [proto.name, () => tensorOf(proto, external)]));
  for (const { opType, output, attribute } of nodes) {
    const held = opType === "Constant" ? attribute.find(({ name }) => name === "value")?.t : undefined;
    if (held) tensors.set(output[0], () => tensorOf(held, external));
  }
  const consumers = new Map<string, NodeProto[]>();
  for (const node of nodes) for (const name of node.input) consumers.set(name, [...(consumers.get(name) ?? []), node]);
  const matrices = new Map<string, string>();
  for (const { opType, input, output } of nodes) {
    const [, matrix] = input;
    if (opType !== "MatMul" || !tensors.has(matrix) || matrix.endsWith(".weight")) continue;
    const bias = (consumers.get(output[0]) ?? []).flatMap((node) => (node.opType === "Add" ? node.input : [])).find((name) => name.endsWith(".bias") && tensors.has(name));
    matrices.set(matrix, bias?.replace(/\.bias$/, ".weight") ?? projectionName);
  }
  return [...tensors].flatMap(([name, read]): Named[] => {
    const weight = matrices.get(name);
    if (weight !== undefined) return transposedAs(weight, read());
    return /\.(weight|bias)$|embedding$/.test(name) ? inTransformersNames(name, read()) : [];
  });
}

const transposedAs = (name: string, tensor: Tensor): Named[] => inTransformersNames(name, tensor).map((named) => ({ ...named, transposed: true }));
