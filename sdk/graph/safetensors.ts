import { NightshiftError } from "../errors.js";
import { type ArrayOf, type DType, type Shape, type Tensor, sizeOf } from "./tensor.js";

/** The content of a safetensors file: tensors in the order of their data, and the free-form strings of its `__metadata__`. */
export interface Safetensors {
  readonly tensors: Map<string, Tensor>;
  readonly metadata: Record<string, string>;
}

interface Entry {
  readonly name: string;
  readonly dtype: DType;
  readonly shape: Shape;
  readonly start: number;
  readonly end: number;
}

const metadataKey = "__metadata__";
const lengthBytes = 8;
const largestHeader = 100_000_000;

const codes: { readonly [D in DType]: string } = {
  float32: "F32",
  float64: "F64",
  float16: "F16",
  int32: "I32",
  int64: "I64",
  uint8: "U8",
  int8: "I8",
  bool: "BOOL",
};

const dtypes: ReadonlyMap<string, DType> = new Map(
  (["float32", "float64", "float16", "int32", "int64", "uint8", "int8", "bool"] as const).map((dtype) => [codes[dtype], dtype]),
);

const bytesOf: { readonly [D in DType]: number } = {
  float32: 4,
  float64: 8,
  float16: 2,
  int32: 4,
  int64: 8,
  uint8: 1,
  int8: 1,
  bool: 1,
};

const arrays: { readonly [D in DType]: (buffer: ArrayBuffer) => ArrayOf[D] } = {
  float32: (buffer) => new Float32Array(buffer),
  float64: (buffer) => new Float64Array(buffer),
  float16: (buffer) => new Uint16Array(buffer),
  int32: (buffer) => new Int32Array(buffer),
  int64: (buffer) => new BigInt64Array(buffer),
  uint8: (buffer) => new Uint8Array(buffer),
  int8: (buffer) => new Int8Array(buffer),
  bool: (buffer) => new Uint8Array(buffer),
};

/**
 * Reads a safetensors file. The tensors own copies of their data, so `bytes` may be reused.
 * Throws E_BUNDLE_FORMAT for a file that is truncated or malformed, whose tensors overlap or leave gaps, or that holds an
 * element type other than {@link DType}.
 */
export function readSafetensors(bytes: Uint8Array): Safetensors {
  const { header, dataStart } = readHeader(bytes);
  const entries = Object.entries(header)
    .filter(([name]) => name !== metadataKey)
    .map(([name, value]) => readEntry(name, value))
    .sort((a, b) => a.start - b.start || a.end - b.end);
  let position = 0;
  for (const { name, start, end } of entries) {
    if (start !== position) throw malformed(`tensor ${quote(name)} at byte ${position}, where the one before it ends`, `byte ${start}`);
    position = end;
  }
  const held = bytes.length - dataStart;
  if (held !== position) throw malformed(`${position} bytes of tensor data`, `${held}`);
  const tensors = new Map(entries.map((entry) => [entry.name, readTensor(entry, bytes, dataStart)]));
  return { tensors, metadata: readMetadata(header[metadataKey]) };
}

/**
 * Writes tensors as a safetensors file: the same tensors give the same bytes, whatever order the map has. Larger elements come
 * first, so that all data is aligned. Throws E_BUNDLE_FORMAT where a tensor's data does not fit its shape.
 */
export function writeSafetensors(tensors: ReadonlyMap<string, Tensor>, metadata: Readonly<Record<string, string>> = {}): Uint8Array {
  const ordered = [...tensors].sort(([a, x], [b, y]) => bytesOf[y.dtype] - bytesOf[x.dtype] || (a < b ? -1 : 1));
  const header: [string, unknown][] = Object.keys(metadata).length === 0 ? [] : [[metadataKey, metadata]];
  let size = 0;
  for (const [name, { dtype, shape, data }] of ordered) {
    if (name === metadataKey) throw malformed(`a tensor name other than ${metadataKey}`, name);
    if (data.length !== sizeOf(shape)) throw malformed(`${sizeOf(shape)} elements in ${quote(name)}, of shape [${shape.join()}]`, `${data.length}`);
    header.push([name, { dtype: codes[dtype], shape, data_offsets: [size, size + data.byteLength] }]);
    size += data.byteLength;
  }
  const json = new TextEncoder().encode(JSON.stringify(Object.fromEntries(header)));
  const headerBytes = Math.ceil(json.length / lengthBytes) * lengthBytes;
  const out = new Uint8Array(lengthBytes + headerBytes + size);
  new DataView(out.buffer).setBigUint64(0, BigInt(headerBytes), true);
  out.fill(0x20, lengthBytes, lengthBytes + headerBytes);
  out.set(json, lengthBytes);
  let position = lengthBytes + headerBytes;
  for (const [, { data }] of ordered) {
    out.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), position);
    position += data.byteLength;
  }
  return out;
}

function readHeader(bytes: Uint8Array): { header: Record<string, unknown>; dataStart: number } {
  if (bytes.length < lengthBytes) throw malformed(`at least ${lengthBytes} bytes`, `${bytes.length}`);
  const length = Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true));
  const longest = Math.min(largestHeader, bytes.length - lengthBytes);
  if (length > longest) throw malformed(`a header of at most ${longest} bytes`, `${length}`);
  const dataStart = lengthBytes + length;
  try {
    const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes.subarray(lengthBytes, dataStart));
    const header: unknown = JSON.parse(text);
    if (isRecord(header)) return { header, dataStart };
  } catch (cause) {
    throw malformed("a header in JSON", "something else", cause);
  }
  throw malformed("a JSON object as header", "another JSON value");
}

function readEntry(name: string, value: unknown): Entry {
  if (!isRecord(value)) throw malformed(`an object for tensor ${quote(name)}`, typeof value);
  const dtype = typeof value.dtype === "string" ? dtypes.get(value.dtype) : undefined;
  if (dtype === undefined) throw malformed(`one of ${[...dtypes.keys()].join(", ")} as type of ${quote(name)}`, quote(value.dtype));
  const { shape, data_offsets: offsets } = value;
  if (!isCounts(shape)) throw malformed(`a shape of whole numbers for ${quote(name)}`, quote(shape));
  if (!isCounts(offsets) || offsets.length !== 2) throw malformed(`two data_offsets for ${quote(name)}`, quote(offsets));
  const [start, end] = offsets;
  const needed = sizeOf(shape) * bytesOf[dtype];
  if (end - start !== needed) throw malformed(`${needed} bytes for ${quote(name)}, ${dtype} of shape [${shape.join()}]`, `${end - start}`);
  return { name, dtype, shape, start, end };
}

function readTensor({ dtype, shape, start, end }: Entry, bytes: Uint8Array, dataStart: number): Tensor {
  // A copy, because a view would need its start to be a multiple of the element's size, which files need not grant.
  const copy = new Uint8Array(end - start);
  copy.set(bytes.subarray(dataStart + start, dataStart + end));
  return { dtype, shape, data: arrays[dtype](copy.buffer) };
}

function readMetadata(value: unknown): Record<string, string> {
  if (value === undefined) return {};
  if (!isRecord(value)) throw malformed("an object as metadata", quote(value));
  const strings = Object.entries(value).map(([key, text]): [string, string] => {
    if (typeof text !== "string") throw malformed(`a string as metadata ${quote(key)}`, quote(text));
    return [key, text];
  });
  return Object.fromEntries(strings);
}

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === "object" && value !== null && !Array.isArray(value);

const isCounts = (value: unknown): value is number[] =>
  Array.isArray(value) && value.every((count) => Number.isSafeInteger(count) && count >= 0);

/** For errors: short whatever a file holds, and lists within lists are not followed, as there is no end to how deep they may be. */
function quote(value: unknown): string {
  if (Array.isArray(value)) return `[${value.slice(0, 8).map((each) => (typeof each === "object" ? typeof each : quote(each))).join(", ")}${value.length > 8 ? ", ..." : ""}]`;
  return typeof value === "object" ? "an object" : (JSON.stringify(value)?.slice(0, 100) ?? "nothing");
}

function malformed(expected: string, received: string, cause?: unknown): NightshiftError {
  return new NightshiftError("E_BUNDLE_FORMAT", { expected, received, remedy: "Fetch or write the safetensors file again.", cause });
}
