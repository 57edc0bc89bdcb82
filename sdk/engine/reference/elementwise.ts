import type { Operator } from "../../graph/attributes.js";
import type { DType } from "../../graph/tensor.js";
import { asInteger, broadcastReader, fill, isFloat, refuse, type NdArray } from "./array.js";
import { erf, gelu, geluTanh, roundHalfToEven, softplus } from "./functions.js";
import type { Kernel, Kernels } from "./kernel.js";

type Elementwise = Kernel<Operator>;

const unary =
  (f: (x: number) => number): Elementwise =>
  ([x]) => [{ ...x, data: x.data.map((v) => f(v)) }];

/** A function of two numbers, whichever their type. */
const binary =
  (f: (a: number, b: number) => number): Elementwise =>
  ([a, b], _, [{ dtype, shape }]) => {
    const [readA, readB] = [broadcastReader(a, shape.length), broadcastReader(b, shape.length)];
    return [fill(dtype, shape, (index) => f(readA(index), readB(index)))];
  };

/** Arithmetic: integers are computed exactly, then held as their type holds them. */
const arithmetic = (onFloats: (a: number, b: number) => number, onIntegers: (a: bigint, b: bigint) => bigint): Elementwise => {
  const floats = binary(onFloats);
  return (inputs, attributes, types) => {
    const { dtype } = types[0];
    if (isFloat(dtype)) return floats(inputs, attributes, types);
    return binary((a, b) => asInteger(dtype, onIntegers(BigInt(a), BigInt(b))))(inputs, attributes, types);
  };
};

function divideIntegers(a: bigint, b: bigint): bigint {
  if (b === 0n) refuse("integer divisors other than 0", "0");
  return a / b;
}

/** What each type can hold; int64 only as far as float64 counts. */
const ranges: Readonly<Record<"int64" | "int32" | "int8" | "uint8", readonly [number, number]>> = {
  int64: [-(2 ** 53) + 1, 2 ** 53 - 1],
  int32: [-(2 ** 31), 2 ** 31 - 1],
  int8: [-128, 127],
  uint8: [0, 255],
};

function cast(x: NdArray, to: DType): NdArray {
  if (to === "float16" || to === "float32" || to === "float64") return { ...x, dtype: to };
  if (to === "bool") return { ...x, dtype: to, data: x.data.map((v) => (v === 0 ? 0 : 1)) };
  if (!isFloat(x.dtype)) return { ...x, dtype: to, data: x.data.map((v) => asInteger(to, BigInt(v))) };
  const [low, high] = ranges[to];
  const data = x.data.map((v) => {
    const whole = Math.trunc(v);
    // What a number beyond the integer type's range becomes is undefined in ONNX, and engines differ.
    if (!(whole >= low && whole <= high)) refuse(`numbers that ${to} can hold`, String(v), "Clip before the Cast.");
    return whole;
  });
  return { ...x, dtype: to, data };
}

const truth = (f: (a: number, b: number) => boolean): Elementwise => binary((a, b) => (f(a, b) ? 1 : 0));

export const elementwise = {
  Add: arithmetic((a, b) => a + b, (a, b) => a + b),
  Sub: arithmetic((a, b) => a - b, (a, b) => a - b),
  Mul: arithmetic((a, b) => a * b, (a, b) => a * b),
  Div: arithmetic((a, b) => a / b, divideIntegers),
  Pow: binary((a, b) => a ** b),
  Max: binary(Math.max),
  Min: binary(Math.min),
  Neg: unary((x) => -x),
  Abs: unary(Math.abs),
  Sign: unary(Math.sign),
  Exp: unary(Math.exp),
  Log: unary(Math.log),
  Sqrt: unary(Math.sqrt),
  Reciprocal: unary((x) => 1 / x),
  Erf: unary(erf),
  Sin: unary(Math.sin),
  Cos: unary(Math.cos),
  Sigmoid: unary((x) => 1 / (1 + Math.exp(-x))),
  Tanh: unary(Math.tanh),
  Relu: unary((x) => Math.max(x, 0)),
  LeakyRelu: ([x], { alpha }) => [{ ...x, data: x.data.map((v) => (v < 0 ? alpha * v : v)) }],
  PRelu: binary((x, slope) => (x < 0 ? slope * x : x)),
  Gelu: ([x], { approximate }) => [{ ...x, data: x.data.map(approximate === "tanh" ? geluTanh : gelu) }],
  HardSwish: unary((x) => x * Math.min(1, Math.max(0, x / 6 + 0.5))),
  Softplus: unary(softplus),
  Floor: unary(Math.floor),
  Round: unary(roundHalfToEven),
  Clip: ([x], { min, max }) => [{ ...x, data: x.data.map((v) => Math.min(Math.max(v, min), max)) }],
  Identity: ([x]) => [x],
  Cast: ([x], { to }) => [cast(x, to)],
  Equal: truth((a, b) => a === b),
  Greater: truth((a, b) => a > b),
  GreaterOrEqual: truth((a, b) => a >= b),
  Less: truth((a, b) => a < b),
  LessOrEqual: truth((a, b) => a <= b),
  And: truth((a, b) => a !== 0 && b !== 0),
  Or: truth((a, b) => a !== 0 || b !== 0),
  Not: unary((x) => (x === 0 ? 1 : 0)),
  Where: ([condition, a, b], _, [{ dtype, shape }]) => {
    const [test, yes, no] = [condition, a, b].map((v) => broadcastReader(v, shape.length));
    return [fill(dtype, shape, (index) => (test(index) !== 0 ? yes(index) : no(index)))];
  },
} satisfies Kernels;
