import { NightshiftError } from "../../errors.js";
import type { ArrayOf, DType, Tensor } from "../tensor.js";
import { sizeOf } from "../tensor.js";
import { TensorProto_DataType } from "./onnx_pb.js";

export const onnxTypes: Readonly<Record<DType, TensorProto_DataType>> = {
  float32: TensorProto_DataType.FLOAT,
  float64: TensorProto_DataType.DOUBLE,
  float16: TensorProto_DataType.FLOAT16,
  int32: TensorProto_DataType.INT32,
  int64: TensorProto_DataType.INT64,
  uint8: TensorProto_DataType.UINT8,
  int8: TensorProto_DataType.INT8,
  bool: TensorProto_DataType.BOOL,
};

const byOnnxType = new Map(Object.entries(onnxTypes).map(([dtype, type]) => [type, dtype as DType]));

export function dtypeOf(type: number): DType {
  const dtype = byOnnxType.get(type);
  if (!dtype)
    throw new NightshiftError("E_GRAPH_FORMAT", {
      expected: `an element type of ${[...byOnnxType.values()].join(", ")}`,
      received: TensorProto_DataType[type] ?? String(type),
      remedy: "Convert the model to one of these types.",
    });
  return dtype;
}

export const isDType = (name: string): name is DType => name in onnxTypes;

const constructors: { readonly [T in DType]: new (buffer: ArrayBuffer) => ArrayOf[T] } = {
  float32: Float32Array,
  float64: Float64Array,
  float16: Uint16Array,
  int32: Int32Array,
  int64: BigInt64Array,
  uint8: Uint8Array,
  int8: Int8Array,
  bool: Uint8Array,
};

/** A tensor over a copy of little-endian bytes. Throws `E_GRAPH_FORMAT` where the length does not fit. */
export function tensorOfBytes(dtype: DType, shape: readonly number[], bytes: Uint8Array): Tensor {
  const copy = new Uint8Array(bytes).buffer;
  const make = constructors[dtype];
  const unit = new make(new ArrayBuffer(0)).BYTES_PER_ELEMENT;
  if (copy.byteLength !== sizeOf(shape) * unit)
    throw new NightshiftError("E_GRAPH_FORMAT", {
      expected: `${sizeOf(shape) * unit} bytes for ${dtype}[${shape.join(", ")}]`,
      received: `${copy.byteLength} bytes`,
      remedy: "The file is truncated or its shapes are wrong; export it again.",
    });
  return { dtype, shape, data: new make(copy) };
}

export const bytesOf = (tensor: Tensor): Uint8Array =>
  new Uint8Array(tensor.data.buffer, tensor.data.byteOffset, tensor.data.byteLength);
