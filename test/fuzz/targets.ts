import { createPrivateKey } from "node:crypto";
import { create, type DescMessage, fromBinary, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { PpmReader } from "../../adapters/cameras/ppm.js";
import { parseNames } from "../../adapters/datasets/names.js";
import { parseAnnotation } from "../../adapters/datasets/voc.js";
import { FrameMemory } from "../../sdk/adaptation/memory.js";
import { readMemory, writeMemory } from "../../sdk/adaptation/memory-file.js";
import { sealed, unsealed } from "../../sdk/adaptation/sealed.js";
import { decodeEmbeddings, encodeEmbeddings } from "../../sdk/bundle/embeddings.js";
import { decodeExemplars, encodeExemplars } from "../../sdk/bundle/exemplars.js";
import { decodeGolden, encodeGolden } from "../../sdk/bundle/golden.js";
import { type Manifest, parseManifest } from "../../sdk/bundle/manifest.js";
import { checkSignature, signatureOf } from "../../sdk/bundle/signature.js";
import { decodeWeights, encodeWeights } from "../../sdk/bundle/weights.js";
import type { Operator } from "../../sdk/graph/attributes.js";
import { encodings } from "../../sdk/graph/onnx/encoding.js";
import { decompositions } from "../../sdk/graph/onnx/decompose.js";
import { ModelProtoSchema } from "../../sdk/graph/onnx/onnx_pb.js";
import { readOnnx } from "../../sdk/graph/onnx/read.js";
import { writeOnnx } from "../../sdk/graph/onnx/write.js";
import { readSafetensors } from "../../sdk/graph/safetensors.js";
import type { Random } from "../../sdk/random.js";
import { boxesMessage, headerMessage, maskMessage } from "../../sdk/stream/answer.js";
import { parseAllowed } from "../../sdk/stream/allow-list.js";
import { certificate, keysOf } from "../../sdk/stream/curve.js";
import { answer, type ControlHandler, readRequest } from "../../sdk/stream/control-handler.js";
import { BoxesSchema, ControlRequestSchema, DepthSchema, EventSchema, MaskSchema } from "../../sdk/stream/messages/nightshift_pb.js";
import { unpackPlane } from "../../sdk/stream/planes.js";
import { packMessage, unpackMessage } from "../../sdk/stream/topics.js";
import { readRequest as readPageRequest } from "../../sdk/viewer/request.js";
import { description, tinyContents } from "../bundle/contents.js";
import { graphOf } from "../graph/build.js";
import { cases } from "../graph/cases.js";
import { perceptionOf } from "../stream/perceptions.js";
import { foreignModel } from "../support/foreign-model.js";
import { chosen, mutateBytes, mutateTree } from "./mutate.js";

/** A parser of what strangers may send. It promises to throw `NightshiftError` and nothing else, soon, and without taking much more memory than it is given. */
export interface Target {
  parse(bytes: Uint8Array): unknown;
  /** What it accepts. */
  seeds(): readonly Uint8Array[] | Promise<readonly Uint8Array[]>;
  /** How else than byte by byte a valid input becomes another that is nearly valid. */
  mutate?(bytes: Uint8Array, random: Random): Uint8Array;
}

const [text, bytesOf] = [(bytes: Uint8Array): string => new TextDecoder().decode(bytes), (value: string): Uint8Array => new TextEncoder().encode(value)];

/** Changes what a message says. Throws where the bytes are no message. */
const messages =
  (schema: DescMessage, words?: readonly string[]) =>
  (bytes: Uint8Array, random: Random): Uint8Array => {
    const message = fromBinary(schema, bytes);
    mutateTree(message, random, words);
    return toBinary(schema, message);
  };

/** Changes what a JSON text says. Throws where it is none. */
function json(bytes: Uint8Array, random: Random): Uint8Array {
  const value: unknown = JSON.parse(text(bytes));
  if (typeof value !== "object" || value === null) return bytes;
  mutateTree(value, random);
  return bytesOf(JSON.stringify(value));
}

/** Changes the header of a safetensors file, and has its length say so. */
function tensors(bytes: Uint8Array, random: Random): Uint8Array {
  const file = Buffer.from(bytes);
  const length = Number(file.readBigUInt64LE());
  const header = random.chance(0.7) ? json(file.subarray(8, 8 + length), random) : mutateBytes(file.subarray(8, 8 + length), random, []);
  const head = Buffer.alloc(8);
  head.writeBigUInt64LE(BigInt(header.length));
  return new Uint8Array(Buffer.concat([head, header, file.subarray(8 + length)]));
}

/** What a topic's part says. */
function part(bytes: Uint8Array, random: Random): Uint8Array {
  const received = unpackMessage(bytes);
  if (!received) return bytes;
  const { kind, topic } = received;
  const body = bytes.subarray(topic.length + 1);
  const schema: DescMessage = { mask: MaskSchema, boxes: BoxesSchema, depth: DepthSchema, events: EventSchema }[kind];
  return new Uint8Array(Buffer.concat([Buffer.from(`${topic}\0`), messages(schema)(body, random)]));
}

const done = (): void => undefined;
const camera = { camera: "front", framesIn: 1, answered: 1, dropped: 0, lost: 0, fps: 1, latencyMs: { p50: 1, p95: 1, p99: 1 }, isLost: false };
const status = { generation: 0, vocabulary: [], condition: "clear", adaptation: "idle", paused: false, framesRemembered: 0, uptimeSeconds: 0, cameras: [camera] } as const;
const handler: ControlHandler = { status: () => status, setVocabulary: done, adaptNow: done, pause: done, resume: done, rollBack: done, vehicleState: done, eraseFrames: done };

const controlRequests: MessageInitShape<typeof ControlRequestSchema>["request"][] = [
  { case: "setVocabulary", value: { names: ["road", "car"] } },
  { case: "vehicleState", value: { wipers: 2, lamps: 1, parked: true, speedMps: 3 } },
  { case: "status", value: {} },
];

const contents = tinyContents();
const manifest: Manifest = { ...description, formatVersion: 1, exemplars: { names: ["sky", "road"], boxNames: ["car"], ids: ["a"] }, files: [{ path: "a/b", bytes: 3, sha256: "0".repeat(64) }] };
const sample = { id: "a", width: 8, height: 6, rgb: new Uint8Array(8 * 6 * 3).fill(90), mask: new Uint8Array(48).fill(1), boxes: [{ x1: 1, y1: 1, x2: 5, y2: 4, label: "car" }] };
const shapes = ["Shape", "Size", "Range", "ConstantOfShape", "ReduceProd", "Constant"];
const voc = "<annotation><size><width>20</width><height>16</height></size><object><name>car</name><bndbox><xmin>1</xmin><ymin>2</ymin><xmax>9</xmax><ymax>8</ymax></bndbox></object></annotation>";

const sealingKey = new Uint8Array(32).fill(7);
const signedManifest = bytesOf("{}");
/** The same in every run, so that seeds are. */
const fixedKey = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g\n-----END PRIVATE KEY-----\n";

function memoryFile(): Uint8Array {
  const memory = new FrameMemory({ width: 32, height: 32 });
  memory.offer({ id: "front/1", condition: "night", captureTimeNs: 5n, scene: { thumbnail: new Uint8Array(432), shares: new Map([["road", 0.5]]) }, rgb: () => new Uint8Array(32 * 32 * 3) });
  return writeMemory(memory);
}

/** Reads the files of one exemplar that are in a single string: an image, a mask and boxes, each with its length before it. */
function exemplar(bytes: Uint8Array): Promise<unknown> {
  const parts: Uint8Array[] = [];
  for (let at = 0; at + 2 <= bytes.length; at += 2 + (parts.at(-1)?.length ?? 0)) parts.push(bytes.subarray(at + 2, at + 2 + bytes[at] * 256 + bytes[at + 1]));
  return decodeExemplars(manifest, (path) => Promise.resolve(parts[["webp", "png", "json"].indexOf(path.split(".").at(-1) ?? "")]));
}

async function exemplarFile(): Promise<Uint8Array> {
  const { files } = await encodeExemplars({ names: ["sky", "road"], boxNames: ["car"], samples: [sample] });
  return new Uint8Array(Buffer.concat([...files.values()].flatMap((file) => [Buffer.from([file.length >> 8, file.length & 255]), file])));
}

export const targets = {
  onnx: {
    parse: (bytes) => readOnnx(bytes),
    seeds: () => [...(Object.keys(cases) as Operator[]).flatMap((operator) => cases[operator].slice(0, 2).map((each) => writeOnnx(graphOf(operator, each).graph))), foreignModel()],
    mutate: messages(ModelProtoSchema, [...Object.keys(encodings), ...Object.keys(decompositions), ...shapes]),
  },
  safetensors: { parse: (bytes) => readSafetensors(bytes), seeds: () => [encodeWeights(contents.weights)], mutate: tensors },
  weights: { parse: (bytes) => decodeWeights(bytes, "weights"), seeds: () => [encodeWeights(contents.weights)], mutate: tensors },
  embeddings: { parse: (bytes) => decodeEmbeddings(bytes, contents.embeddings.tasks.shape[1], "embeddings"), seeds: () => [encodeEmbeddings(contents.embeddings)], mutate: tensors },
  golden: { parse: (bytes) => decodeGolden(bytes, "golden"), seeds: () => [encodeGolden(contents.golden)], mutate: tensors },
  sealed: {
    parse: (bytes) => unsealed(bytes, sealingKey, "memory"),
    seeds: () => [sealed(bytesOf("frames"), sealingKey)],
  },
  certificate: { parse: (bytes) => keysOf(text(bytes)), seeds: () => [bytesOf(certificate({ publicKey: "a".repeat(40), secretKey: "b".repeat(40) }))] },
  allowed: { parse: (bytes) => parseAllowed(text(bytes), "allowed"), seeds: () => [bytesOf(`# who\nreader ${"a".repeat(40)} dashboard\ncontroller ${"b".repeat(40)} fleet\n`)] },
  signature: {
    parse: (bytes) => checkSignature(bytes, signedManifest, "bundle"),
    seeds: () => [signatureOf(signedManifest, createPrivateKey(fixedKey))],
    mutate: json,
  },
  memory: { parse: (bytes) => readMemory(bytes), seeds: () => [memoryFile()], mutate: tensors },
  manifest: { parse: (bytes) => parseManifest(text(bytes), "manifest.json"), seeds: () => [bytesOf(JSON.stringify(manifest))], mutate: json },
  exemplars: { parse: exemplar, seeds: async () => [await exemplarFile()] },
  classes: { parse: (bytes) => parseNames(text(bytes), "classes.json"), seeds: () => [bytesOf('{"classes":{"0":"sky","2":"road"},"ignore":[1],"boxes":["car"]}')], mutate: json },
  voc: { parse: (bytes) => parseAnnotation(text(bytes), "a.xml", ["car"]), seeds: () => [bytesOf(voc)] },
  ppm: {
    parse: (bytes) => {
      const reader = new PpmReader();
      // In two pieces, as a pipe may cut it.
      return [...reader.push(Buffer.from(bytes.subarray(0, bytes.length >> 1))), ...reader.push(Buffer.from(bytes.subarray(bytes.length >> 1)))];
    },
    seeds: () => [Buffer.concat([Buffer.from("P6\n2 2\n255\n"), Buffer.alloc(12, 7), Buffer.from("P6\n1 1\n255\n"), Buffer.alloc(3)])],
  },
  control: {
    parse: (bytes) => answer(handler, readRequest([bytes])),
    seeds: () => controlRequests.map((request) => toBinary(ControlRequestSchema, create(ControlRequestSchema, { schemaVersion: 1, request }))),
    mutate: messages(ControlRequestSchema),
  },
  page: { parse: (bytes) => readPageRequest(text(bytes)), seeds: () => ['{"type":"setVocabulary","names":["car"]}', '{"type":"pause"}'].map(bytesOf), mutate: json },
  message: {
    parse: (bytes) => {
      const received = unpackMessage(bytes);
      return received?.kind === "mask" ? [received.message.categories, received.message.scores].map((plane) => plane && unpackPlane(plane)) : received;
    },
    seeds: () => {
      const perception = perceptionOf(1);
      const header = headerMessage(perception, "night");
      return [packMessage("mask", "front", maskMessage(perception, header, true)), packMessage("boxes", "front", boxesMessage(perception, header))];
    },
    mutate: part,
  },
} as const satisfies Record<string, Target>;

export type TargetName = keyof typeof targets;

export const targetNames = Object.keys(targets) as TargetName[];

/** One more input, made of what is there. */
export function offspring(target: Target, corpus: readonly Uint8Array[], random: Random): Uint8Array {
  const parent = chosen(random, corpus);
  if (target.mutate && random.chance(0.7))
    try {
      return target.mutate(parent, random);
    } catch {
      // What a mutation made of an earlier input is not always a message; bytes always are.
    }
  return mutateBytes(parent, random, corpus.slice(-20));
}
