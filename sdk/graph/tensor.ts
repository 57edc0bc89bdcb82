import { toFloat16 } from "./float16.js";

/** Element types that Nightshift's graphs use, by their ONNX names. */
export type DType = "float32" | "float64" | "float16" | "int32" | "int64" | "uint8" | "int8" | "bool";

export type Shape = readonly number[];

export interface ArrayOf {
  float32: Float32Array;
  float64: Float64Array;
  /** Raw IEEE 754 binary16 bits. */
  float16: Uint16Array;
  int32: Int32Array;
  int64: BigInt64Array;
  uint8: Uint8Array;
  int8: Int8Array;
  /** One byte an element, 0 or 1. */
  bool: Uint8Array;
}

/** A dense tensor in memory, row-major. */
export interface Tensor<T extends DType = DType> {
  readonly dtype: T;
  readonly shape: Shape;
  readonly data: ArrayOf[T];
}

export type FloatTensor = Tensor<"float32">;

/** Weights by name, as bundles hold them and networks take them. */
export type Weights = ReadonlyMap<string, FloatTensor>;

export const sizeOf = (shape: Shape): number => shape.reduce((a, b) => a * b, 1);

/** Numbers as a tensor of an element type, which must be able to hold them: integers for whole types, 0 and 1 for bool. */
export function tensorOfNumbers(dtype: DType, shape: Shape, values: ArrayLike<number>): Tensor {
  switch (dtype) {
    case "float64":
      return { dtype, shape, data: Float64Array.from(values) };
    case "float32":
      return { dtype, shape, data: Float32Array.from(values) };
    case "float16":
      return { dtype, shape, data: toFloat16(Float32Array.from(values)) };
    case "int64":
      return { dtype, shape, data: BigInt64Array.from(values, BigInt) };
    case "int32":
      return { dtype, shape, data: Int32Array.from(values) };
    case "int8":
      return { dtype, shape, data: Int8Array.from(values) };
    case "uint8":
    case "bool":
      return { dtype, shape, data: Uint8Array.from(values) };
  }
}

export function float32(shape: Shape, values: ArrayLike<number>): FloatTensor {
  return { dtype: "float32", shape, data: Float32Array.from(values) };
}

export function int64(shape: Shape, values: readonly number[]): Tensor<"int64"> {
  return { dtype: "int64", shape, data: BigInt64Array.from(values, BigInt) };
}
