import { NightshiftError } from "../../errors.js";
import { fromFloat16 } from "../float16.js";
import { sizeOf, type Tensor } from "../tensor.js";
import type { TensorProto } from "./onnx_pb.js";
import { dtypeOf, tensorOfBytes } from "./types.js";

function refuse(expected: string, received: string, remedy: string): never {
  throw new NightshiftError("E_GRAPH_FORMAT", { expected, received, remedy });
}

function typed(proto: TensorProto): Tensor {
  const dtype = dtypeOf(proto.dataType);
  const shape = proto.dims.map(Number);
  if (proto.rawData.length > 0) return tensorOfBytes(dtype, shape, proto.rawData);
  switch (dtype) {
    case "float32":
      return { dtype, shape, data: Float32Array.from(proto.floatData) };
    case "float64":
      return { dtype, shape, data: Float64Array.from(proto.doubleData) };
    case "int64":
      return { dtype, shape, data: BigInt64Array.from(proto.int64Data) };
    case "int32":
      return { dtype, shape, data: Int32Array.from(proto.int32Data) };
    case "int8":
      return { dtype, shape, data: Int8Array.from(proto.int32Data) };
    case "float16":
      return { dtype, shape, data: Uint16Array.from(proto.int32Data) };
    case "uint8":
    case "bool":
      return { dtype, shape, data: Uint8Array.from(proto.int32Data) };
  }
}

/** A tensor as a model file holds it. Throws `E_GRAPH_FORMAT` where its data are elsewhere or do not fit its shape. */
export function tensorOf(proto: TensorProto): Tensor {
  if (proto.externalData.length > 0) refuse("tensors inside the model file", `external data of ${proto.name}`, "Save the model as one file.");
  const tensor = typed(proto);
  if (tensor.data.length !== sizeOf(tensor.shape))
    refuse(
      `${sizeOf(tensor.shape)} elements for ${proto.name} [${tensor.shape.join(", ")}]`,
      String(tensor.data.length),
      "The file is truncated or its shapes are wrong; export it again.",
    );
  return tensor;
}

/** The numbers of a tensor that stands for an attribute. "To the end", written as the largest int64, is as far as numbers count exactly. */
export function numbersOf({ data }: Tensor): number[] {
  if (data instanceof Uint16Array) return Array.from(fromFloat16(data));
  const exact = (n: number | bigint): number =>
    typeof n === "number" ? n : Math.min(Number.MAX_SAFE_INTEGER, Math.max(Number.MIN_SAFE_INTEGER, Number(n)));
  return Array.from(data as ArrayLike<number | bigint>, exact);
}
