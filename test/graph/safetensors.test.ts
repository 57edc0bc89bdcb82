import test from "ava";
import { NightshiftError } from "../../sdk/errors.js";
import { readSafetensors, writeSafetensors } from "../../sdk/graph/safetensors.js";
import { type Tensor, float32, int64 } from "../../sdk/graph/tensor.js";

const sample: ReadonlyMap<string, Tensor> = new Map<string, Tensor>([
  ["bytes", { dtype: "uint8", shape: [3], data: Uint8Array.of(0, 128, 255) }],
  ["weight", float32([2, 3], [1, -2, 3.5, 0, 1e-40, Infinity])],
  ["index", int64([2], [-1, 2 ** 40])],
  ["half", { dtype: "float16", shape: [1, 3], data: Uint16Array.of(1, 2, 0xffff) }],
  ["quantised", { dtype: "int8", shape: [2, 2], data: Int8Array.of(-127, 0, 1, 127) }],
  ["count", { dtype: "int32", shape: [], data: Int32Array.of(-5) }],
  ["empty", float32([0, 4], [])],
  ["__proto__", { dtype: "float64", shape: [1], data: Float64Array.of(Math.PI) }],
  ["flags", { dtype: "bool", shape: [2], data: Uint8Array.of(1, 0) }],
]);

/** A file with any header and any data. */
function file(header: unknown, data: number, length?: bigint): Uint8Array {
  const json = Buffer.from(typeof header === "string" ? header : JSON.stringify(header));
  const size = Buffer.alloc(8);
  size.writeBigUInt64LE(length ?? BigInt(json.length));
  return Buffer.concat([size, json, Buffer.alloc(data)]);
}

const f32 = (shape: unknown, start: unknown, end: unknown): unknown => ({ dtype: "F32", shape, data_offsets: [start, end] });

test("what is written is read again, from any offset in memory", (t) => {
  const bytes = writeSafetensors(sample, { format: "nightshift", note: "ü" });
  const moved = new Uint8Array(bytes.length + 3);
  moved.set(bytes, 3);
  for (const source of [bytes, moved.subarray(3), Buffer.from(bytes)]) {
    const { tensors, metadata } = readSafetensors(source);
    t.deepEqual(metadata, { format: "nightshift", note: "ü" });
    t.is(tensors.size, sample.size);
    for (const [name, tensor] of sample) t.deepEqual(tensors.get(name), tensor, name);
  }
});

test("the bytes do not depend on the order of the map, and data is aligned", (t) => {
  const bytes = writeSafetensors(sample);
  t.deepEqual(writeSafetensors(new Map([...sample].reverse())), bytes);
  t.is(Number(new DataView(bytes.buffer).getBigUint64(0, true)) % 8, 0);
  t.deepEqual([...readSafetensors(bytes).tensors.keys()].slice(0, 2), ["__proto__", "index"]);
});

test("tensors own their data", (t) => {
  const bytes = writeSafetensors(sample);
  const { tensors } = readSafetensors(bytes);
  bytes.fill(0);
  t.deepEqual(tensors.get("weight"), sample.get("weight"));
});

test("a view into a larger array is written alone", (t) => {
  const data = Float32Array.of(9, 1, 2, 9).subarray(1, 3);
  const { tensors } = readSafetensors(writeSafetensors(new Map([["view", { dtype: "float32", shape: [2], data }]])));
  t.deepEqual(tensors.get("view"), float32([2], [1, 2]));
});

test("every truncation is refused", (t) => {
  const bytes = writeSafetensors(sample, { format: "nightshift" });
  for (let length = 0; length < bytes.length; length++) {
    const error = t.throws(() => readSafetensors(bytes.subarray(0, length)), { instanceOf: NightshiftError }, `${length} bytes`);
    t.is(error.code, "E_BUNDLE_FORMAT");
  }
});

const malformed: Readonly<Record<string, Uint8Array>> = {
  "a header longer than the file": file({}, 0, 3n),
  "a header of 2^63 bytes": file({}, 0, 2n ** 63n),
  "a header that is no JSON": file("{", 0),
  "a header that is no UTF-8": Buffer.concat([file({}, 0, 3n), Buffer.of(0xff)]),
  "a header that is an array": file([], 0),
  "a header that is null": file("null", 0),
  "an entry that is a number": file({ a: 1 }, 0),
  "an unknown type": file({ a: { dtype: "BF16", shape: [1], data_offsets: [0, 2] } }, 2),
  "a type that is a property of objects": file({ a: { dtype: "constructor", shape: [1], data_offsets: [0, 2] } }, 2),
  "no shape": file({ a: f32(undefined, 0, 4) }, 4),
  "a negative size": file({ a: f32([-1], 0, -4) }, 4),
  "a fractional size": file({ a: f32([0.5], 0, 2) }, 2),
  "a size beyond exact integers": file({ a: f32([2 ** 40, 2 ** 40], 0, 4) }, 4),
  "one offset": file({ a: { dtype: "F32", shape: [1], data_offsets: [0] } }, 4),
  "offsets in the wrong order": file({ a: f32([1], 4, 0) }, 4),
  "too few bytes for the shape": file({ a: f32([2], 0, 4) }, 4),
  "overlapping tensors": file({ a: f32([2], 0, 8), b: f32([1], 4, 8) }, 8),
  "the same bytes twice": file({ a: f32([1], 0, 4), b: f32([1], 0, 4) }, 4),
  "a gap": file({ a: f32([1], 0, 4), b: f32([1], 8, 12) }, 12),
  "data before the first tensor": file({ a: f32([1], 4, 8) }, 8),
  "data after the last tensor": file({ a: f32([1], 0, 4) }, 5),
  "tensors beyond the end": file({ a: f32([1], 0, 4) }, 3),
  "metadata that is no object": file({ __metadata__: "x" }, 0),
  "metadata that is no string": file({ __metadata__: { a: 1 } }, 0),
};

for (const [name, bytes] of Object.entries(malformed)) {
  test(`refused: ${name}`, (t) => {
    t.is(t.throws(() => readSafetensors(bytes), { instanceOf: NightshiftError }).code, "E_BUNDLE_FORMAT");
  });
}

test("a file may be long: offsets are no shape", (t) => {
  const bytes = (data: Uint8Array): Tensor => ({ dtype: "uint8", shape: [data.length], data });
  const { tensors } = readSafetensors(writeSafetensors(new Map([["a", bytes(new Uint8Array(100_000_000))], ["b", bytes(Uint8Array.of(3, 4))]])));
  t.deepEqual([...tensors.get("b")!.data], [3, 4]);
});

test("tensors that do not fit their shape are not written", (t) => {
  const wrong = new Map([["a", float32([3], [1, 2])]]);
  t.is(t.throws(() => writeSafetensors(wrong), { instanceOf: NightshiftError }).code, "E_BUNDLE_FORMAT");
  const reserved = new Map([["__metadata__", float32([1], [1])]]);
  t.is(t.throws(() => writeSafetensors(reserved), { instanceOf: NightshiftError }).code, "E_BUNDLE_FORMAT");
});
