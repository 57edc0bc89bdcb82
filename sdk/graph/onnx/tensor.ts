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

/** The bytes of a file beside the model. */
export type ExternalFile = (location: string) => Uint8Array;

/** A tensor as a model file, or one beside it, holds it. Throws `E_GRAPH_FORMAT` where its data are not there or do not fit its shape. */
export function tensorOf(proto: TensorProto, external?: ExternalFile): Tensor {
  const tensor = proto.externalData.length > 0 ? tensorOfBytes(dtypeOf(proto.dataType), proto.dims.map(Number), externalBytes(proto, external)) : typed(proto);
  if (tensor.data.length !== sizeOf(tensor.shape))
    refuse(
      `${sizeOf(tensor.shape)} elements for ${proto.name} [${tensor.shape.join(", ")}]`,
      String(tensor.data.length),
      "The file is truncated or its shapes are wrong; export it again.",
    );
  return tensor;
}

function externalBytes({ name, externalData }: TensorProto, external: ExternalFile | undefined): Uint8Array {
  const said = new Map(externalData.map(({ key, value }) => [key, value]));
  const location = said.get("location") ?? "";
  if (!external) refuse("tensors inside the model file", `data of ${name} in ${JSON.stringify(location)}`, "Read the model with the files beside it, or save it as one file.");
  // A model is untrusted input: it must not read the rest of the disk.
  if (location === "" || /^[/\\]|^[A-Za-z]:|(^|[/\\])\.\.([/\\]|$)/.test(location)) refuse(`a file beside the model for ${name}`, JSON.stringify(location), "Save the model again.");
  const bytes = external(location);
  const offset = Number(said.get("offset") ?? 0);
  const length = Number(said.get("length") ?? bytes.length - offset);
  if (!Number.isSafeInteger(offset) || !Number.isSafeInteger(length) || offset < 0 || length < 0 || offset + length > bytes.length)
    refuse(`${length} bytes from ${offset} of ${location} for ${name}`, `a file of ${bytes.length} bytes`, "The file is truncated or of another model.");
  return bytes.subarray(offset, offset + length);
}

/** The numbers of a tensor that stands for an attribute. "To the end", written as the largest int64, is as far as numbers count exactly. */
export function numbersOf({ data }: Tensor): number[] {
  if (data instanceof Uint16Array) return Array.from(fromFloat16(data));
  const exact = (n: number | bigint): number =>
    typeof n === "number" ? n : Math.min(Number.MAX_SAFE_INTEGER, Math.max(Number.MIN_SAFE_INTEGER, Number(n)));
  return Array.from(data as ArrayLike<number | bigint>, exact);
}
