import { NightshiftError } from "../../errors.js";
import { fromFloat16 } from "../../graph/float16.js";
import { sizeOf, type DType, type Shape, type Tensor, tensorOfNumbers } from "../../graph/tensor.js";

/**
 * A tensor whose numbers are all float64: floats without loss, integers exactly (int64 within +-2^53, else refused),
 * bool as 0 and 1. Row-major.
 */
export interface NdArray {
  readonly dtype: DType;
  readonly shape: Shape;
  readonly data: Float64Array;
}

export const isFloat = (dtype: DType): boolean => dtype === "float16" || dtype === "float32" || dtype === "float64";

export function refuse(expected: string, received: string, remedy = "Check what the graph is fed."): never {
  throw new NightshiftError("E_ENGINE", { expected, received, remedy });
}

/** An integer as its type holds it: narrow types wrap around as ONNX Runtime's do. */
export function asInteger(dtype: DType, value: bigint): number {
  switch (dtype) {
    case "int64":
      if (value > 9007199254740991n || value < -9007199254740991n) refuse("integers within 2^53", String(value), "Use smaller integers.");
      return Number(value);
    case "int32":
      return Number(BigInt.asIntN(32, value));
    case "int8":
      return Number(BigInt.asIntN(8, value));
    case "uint8":
      return Number(BigInt.asUintN(8, value));
    case "bool":
      return value === 0n ? 0 : 1;
    default:
      return refuse("an integer type", dtype);
  }
}

export function stridesOf(shape: Shape): number[] {
  const strides = shape.map(() => 1);
  for (let i = shape.length - 2; i >= 0; i--) strides[i] = strides[i + 1] * shape[i + 1];
  return strides;
}

/** An array from the value at each index. The index is reused between calls: do not keep it. */
export function fill(dtype: DType, shape: Shape, at: (index: readonly number[]) => number): NdArray {
  const data = new Float64Array(sizeOf(shape));
  const index = shape.map(() => 0);
  for (let i = 0; i < data.length; i++) {
    data[i] = at(index);
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      index[axis]++;
      if (index[axis] < shape[axis]) break;
      index[axis] = 0;
    }
  }
  return { dtype, shape, data };
}

/** Reads an array by indices of `rank` axes, as if it were repeated along the axes that it lacks or that have extent 1. */
export function broadcastReader(x: NdArray, rank: number): (index: readonly number[]) => number {
  const steps = stridesOf(x.shape).map((step, i) => (x.shape[i] === 1 ? 0 : step));
  const skip = rank - x.shape.length;
  return (index) => {
    let offset = 0;
    for (let i = 0; i < steps.length; i++) offset += steps[i] * index[i + skip];
    return x.data[offset];
  };
}

/** The extents before, at and after an axis: element (o, k, i) along it lies at (o * extent + k) * inner + i. */
export const aroundAxis = (shape: Shape, axis: number): { outer: number; extent: number; inner: number } => ({
  outer: sizeOf(shape.slice(0, axis)),
  extent: shape[axis],
  inner: sizeOf(shape.slice(axis + 1)),
});

export function fromTensor(tensor: Tensor): NdArray {
  const { dtype, shape, data } = tensor;
  if (data.length !== sizeOf(shape)) refuse(`${sizeOf(shape)} elements for [${shape.join(", ")}]`, String(data.length));
  if (data instanceof BigInt64Array) return { dtype, shape, data: Float64Array.from(data, (n) => asInteger("int64", n)) };
  if (data instanceof Uint16Array) return { dtype, shape, data: Float64Array.from(fromFloat16(data)) };
  return { dtype, shape, data: Float64Array.from(data) };
}

/** The array in its declared type, as other engines answer it. */
export const toTensor = ({ dtype, shape, data }: NdArray): Tensor => tensorOfNumbers(dtype, shape, data);

/** The same numbers rounded to what the declared type can hold. */
export const rounded = (x: NdArray): NdArray =>
  x.dtype === "float32" || x.dtype === "float16" ? { ...x, data: fromTensor(toTensor(x)).data } : x;
