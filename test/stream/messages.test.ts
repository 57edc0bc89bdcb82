import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { deflateSync } from "node:zlib";
import test from "ava";
import { create } from "@bufbuild/protobuf";
import { packageRoot } from "../../sdk/paths.js";
import { boxesMessage, depthMessage, headerMessage, maskMessage } from "../../sdk/stream/answer.js";
import { conditionName, conditionNames, conditionNumber, eventKindNames, eventMessage, streamEvent } from "../../sdk/stream/events.js";
import { Encoding, EventKind, PlaneSchema } from "../../sdk/stream/messages/nightshift_pb.js";
import { packPlane, unpackPlane } from "../../sdk/stream/planes.js";
import { packMessage, topicName, topics, unpackMessage } from "../../sdk/stream/topics.js";
import { vehicleState, vehicleStateMessage } from "../../sdk/stream/vehicle.js";
import { needs } from "../support/shared.js";
import { perceptionOf } from "./perceptions.js";

const schemaFolder = join(packageRoot(), "sdk/stream/messages");
const recordingFolder = join(packageRoot(), "sdk/recording/messages");

for (const [from, name] of [[schemaFolder, "nightshift"], [recordingFolder, "foxglove"]] as const) test(`the generated code is what the schema gives: ${name}`, (t) => {
  const hasProtoc = spawnSync("protoc", ["--version"]).status === 0;
  if (!needs(t, hasProtoc, "protoc", "apt-get install protobuf-compiler")) return;
  const folder = mkdtempSync(join(tmpdir(), "nightshift-messages-"));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const plugin = `--plugin=protoc-gen-es=${join(packageRoot(), "node_modules/.bin/protoc-gen-es")}`;
  const output = [`--es_out=${folder}`, "--es_opt=target=ts,import_extension=js"];
  execFileSync("protoc", ["-I", from, plugin, ...output, `${name}.proto`], { stdio: "pipe" });
  const [fresh, committed] = [folder, from].map((each) => readFileSync(join(each, `${name}_pb.ts`), "utf8"));
  t.is(fresh, committed, "run npm run generate:messages");
});

test("the schema's table of topics is the code's", (t) => {
  const schema = readFileSync(join(schemaFolder, "nightshift.proto"), "utf8");
  for (const [kind, { perCamera, schema: message }] of Object.entries(topics))
    t.regex(schema, new RegExp(`^// +${kind}${perCamera ? "/<camera>" : ""} +${message.name}$`, "m"));
  t.deepEqual([topicName("mask", "front"), topicName("events", "front")], ["mask/front", "events"]);
});

test("a plane comes back bit by bit, whatever is in it", (t) => {
  const perception = perceptionOf(7);
  const noise = new Uint8Array(64 * 32).map((_, i) => (i * 2654435761) >>> 24);
  for (const [bytes, width, height] of [[perception.mask, 512, 256], [noise, 64, 32], [new Uint8Array(15), 5, 3]] as const)
    t.deepEqual(Buffer.from(unpackPlane(packPlane(bytes, width, height))), Buffer.from(bytes));
  t.deepEqual(unpackPlane(create(PlaneSchema, { width: 2, height: 1, encoding: Encoding.RAW, data: Uint8Array.of(1, 2) })), Uint8Array.of(1, 2));
  t.throws(() => packPlane(noise, 64, 33), { code: "E_FRAME_SIZE" });
});

test("planes that do not hold what they state are refused, bombs among them", (t) => {
  const plane = packPlane(new Uint8Array(1 << 20), 1024, 1024);
  const wrong = [{ width: 16, height: 16 }, { width: 2048 }, { data: plane.data.subarray(0, 20) }, { encoding: Encoding.UNSPECIFIED }];
  for (const change of wrong) t.throws(() => unpackPlane({ ...plane, ...change }), { code: "E_FRAME_FORMAT" });
  // It holds what it states, more than any mask.
  const [width, height] = [8192, 8193];
  t.throws(() => unpackPlane({ ...plane, width, height, data: deflateSync(new Uint8Array(width * height), { level: 1 }) }), { code: "E_FRAME_FORMAT" });
});

test("the messages of a frame carry what the engine answered", (t) => {
  const perception = perceptionOf(1);
  const header = headerMessage(perception, "fog");
  const received = unpackMessage(packMessage("mask", "front", maskMessage(perception, header, true)));
  if (received?.kind !== "mask") return t.fail(received?.kind);
  const { message, topic } = received;
  t.is(topic, "mask/front");
  t.deepEqual(Buffer.from(unpackPlane(message.categories ?? packPlane(new Uint8Array(), 0, 0))), Buffer.from(perception.mask));
  t.deepEqual(Buffer.from(unpackPlane(message.scores ?? packPlane(new Uint8Array(), 0, 0))), Buffer.from(perception.maskScore));
  t.deepEqual([message.toCamera?.scaleX, message.toCamera?.scaleY], [1920 / 512, 1080 / 256]);
  t.like(message.header, {
    camera: "front",
    sequence: 1n,
    captureTimeNs: perception.captureTimeNs,
    generation: 4,
    vocabulary: [...perception.vocabulary],
    valid: false,
    invalidReasons: ["the camera is covered"],
    cameraWidth: 1920,
    cameraHeight: 1080,
    schemaVersion: 1,
  });
  t.true((message.header?.publishTimeNs ?? 0n) >= perception.captureTimeNs);
  t.is(conditionName(message.header?.condition ?? 0), "fog");
  t.is(message.header?.timings?.inferenceMs, 20.5);
  const boxes = boxesMessage(perception, header).boxes.map(({ x1, y1, x2, y2, label, name, score }) => [x1, y1, x2, y2, label, name, score]);
  t.deepEqual(boxes, [[1.5, 2, 300.25, 400, 2, "car", 0.75], [0, 0, 10, 1079, 4, "Straße", 0.5]]);
  t.is(maskMessage(perception, header, false).scores, undefined);
  t.throws(() => boxesMessage({ ...perception, vocabulary: ["road"] }, header), { code: "E_VOCABULARY" });
});

test("depth travels in centimetres, and only where there is some", (t) => {
  const perception = perceptionOf(1);
  const header = headerMessage(perception, "clear");
  t.is(depthMessage(perception, header), undefined);
  const depth = new Float32Array(128 * 64).fill(12.344);
  depth.set([0.5, 300, 9000], 0);
  const message = depthMessage({ ...perception, depth }, header);
  if (!message) return t.fail("no message");
  const received = unpackMessage(packMessage("depth", "front", message));
  if (received?.kind !== "depth") return t.fail(received?.kind);
  const { centimetres, width, height, toCamera } = received.message;
  t.deepEqual([width, height, toCamera?.scaleX], [128, 64, perception.cameraWidth / 128]);
  const view = new DataView(centimetres.buffer, centimetres.byteOffset);
  t.deepEqual([0, 1, 2, 3].map((at) => view.getUint16(at * 2, true)), [50, 30000, 65535, 1234]);
});

test("what is no message is refused, and what a later version may say is none of ours", (t) => {
  const part = packMessage("events", "", eventMessage(streamEvent("verdict", "accepted", { gain: 1.5 })));
  t.is(unpackMessage(part)?.kind, "events");
  t.is(unpackMessage(Buffer.from("flow/front\0abc")), undefined);
  for (const wrong of [new Uint8Array(), part.subarray(0, 6), Buffer.from("pose/front"), Buffer.concat([part, Buffer.of(0xff)])])
    t.throws(() => unpackMessage(wrong), { code: "E_FRAME_FORMAT" });
});

test("names of conditions and events are the schema's", (t) => {
  t.deepEqual(conditionNames, ["unknown", "clear", "dusk", "night", "fog"]);
  for (const name of conditionNames) t.is(conditionName(conditionNumber(name)), name);
  t.true(eventKindNames.includes("generation_swapped"));
  t.is(eventKindNames.length, Object.keys(EventKind).length / 2 - 1);
  t.is(eventMessage(streamEvent("rolled_back", "back")).kind, EventKind.ROLLED_BACK);
});

test("what the vehicle says is told apart from what it leaves out", (t) => {
  const full = { wipers: "intermittent", lamps: "low_beam", fogLamps: true, charging: false, speedMps: 12.5, temperatureCelsius: -3 } as const;
  for (const state of [{}, { parked: false }, full]) t.deepEqual(vehicleState(vehicleStateMessage(state)), state);
});
