import { existsSync } from "node:fs";
import { copyFile, open, readFile, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createFileRegistry, fromBinary } from "@bufbuild/protobuf";
import { FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import { McapIndexedReader } from "@mcap/core";
import test, { type ExecutionContext } from "ava";
import { type Answer, type Frame, Nightshift, type NightshiftOptions, type StreamEvent } from "../../sdk/index.js";
import { replay } from "../../sdk/pipeline/replay.js";
import { RecordingCamera } from "../../sdk/recording/camera.js";
import { RunDigest } from "../../sdk/recording/digest.js";
import { decodeImage } from "../../sdk/recording/images.js";
import { type Entry, readRecording } from "../../sdk/recording/read.js";
import { unpackPlane } from "../../sdk/stream/planes.js";
import { CompressedImageSchema, ImageAnnotationsSchema } from "../../sdk/recording/messages/foxglove_pb.js";
import { BoxesSchema, DepthSchema, EventSchema, MaskSchema, WeatherSchema } from "../../sdk/stream/messages/nightshift_pb.js";
import { type Look, picture } from "../adaptation/pictures.js";
import { temporaryFolder } from "../bundle/contents.js";
import { nightshift as command, json } from "../support/command.js";
import { tinyBundle, tinyNetwork } from "../support/tiny-bundle.js";

const bundle = await tinyBundle();
test.after.always(() => bundle.remove());

const street = (look: Look, from: number, count: number): Frame[] => Array.from({ length: count }, (_, at) => picture(look, from + at, 160, 96));

/** A day that turns to night, told with the times that the frames state. */
const evening = [...street("day", 0, 24), ...street("night", 24, 60)];

/** Small trainings, soon. */
const learning: NightshiftOptions["adaptation"] = {
  triggerFrames: 4,
  offerEvery: 1,
  framesWanted: 10,
  framesNeeded: 8,
  patienceFrames: 12,
  furtherRounds: 0,
  training: { steps: 2, judgeFrames: 4 },
};

interface Recorded {
  readonly path: string;
  readonly answers: readonly Answer[];
  readonly events: readonly StreamEvent[];
}

async function record(t: ExecutionContext, frames: readonly Frame[], options: NightshiftOptions = {}, during: (nightshift: Nightshift, answer: Answer) => void | Promise<void> = () => undefined): Promise<Recorded> {
  const folder = await temporaryFolder(t);
  const path = join(folder, "run.mcap");
  const events: StreamEvent[] = [];
  const source = { name: "front", live: false, frames: async function* () { yield* frames; } };
  const nightshift = await Nightshift.start({ bundle: bundle.directory, source, state: join(folder, "state"), publish: false, control: false, adaptation: false, record: { path, lossless: true }, onEvent: (event) => events.push(event), onError: () => undefined, ...options });
  const answers: Answer[] = [];
  for await (const answer of nightshift.answers()) {
    answers.push(answer);
    await during(nightshift, answer);
  }
  await nightshift.ended;
  await nightshift.stop();
  return { path, answers, events };
}

async function* messagesOf(reader: McapIndexedReader): AsyncGenerator<{ readonly topic: string; readonly sequence: number; readonly logTime: bigint; readonly data: Uint8Array }> {
  for await (const message of reader.readMessages()) yield { ...message, topic: reader.channelsById.get(message.channelId)!.topic };
}

async function indexed(t: ExecutionContext, path: string): Promise<McapIndexedReader> {
  const handle = await open(path);
  t.teardown(() => handle.close());
  const readable = { size: async () => BigInt((await handle.stat()).size), read: async (offset: bigint, size: bigint) => (await handle.read(new Uint8Array(Number(size)), 0, Number(size), Number(offset))).buffer };
  return McapIndexedReader.Initialize({ readable });
}

async function entries(path: string): Promise<{ readonly entries: Entry[]; readonly error: unknown }> {
  const read: Entry[] = [];
  try {
    for await (const entry of readRecording(path)) read.push(entry);
    return { entries: read, error: undefined };
  } catch (error) {
    return { entries: read, error };
  }
}

test("a recording is an indexed MCAP file that carries its schemas, and says what was answered", async (t) => {
  const { path, answers, events } = await record(t, street("day", 0, 6));
  const reader = await indexed(t, path);
  const schemas = new Map([...reader.channelsById.values()].map(({ topic, schemaId }) => [topic, reader.schemasById.get(schemaId)!]));
  const own = { "mask/front": MaskSchema, "boxes/front": BoxesSchema, "weather/front": WeatherSchema, events: EventSchema };
  const foxglove = { "image/front": CompressedImageSchema, "mask-image/front": CompressedImageSchema, "annotations/front": ImageAnnotationsSchema };
  t.deepEqual([...schemas.keys()].sort(), Object.keys({ ...own, ...foxglove }).sort());
  for (const [topic, schema] of Object.entries({ ...own, ...foxglove })) {
    const { name, encoding, data } = schemas.get(topic)!;
    t.deepEqual([name, encoding], [schema.typeName, "protobuf"]);
    t.deepEqual(createFileRegistry(fromBinary(FileDescriptorSetSchema, data)).getMessage(name)?.fields.map((field) => `${field.number} ${field.name}`), schema.fields.map((field) => `${field.number} ${field.name}`));
  }
  const counts = new Map<string, number>();
  for await (const { topic, sequence, logTime, data } of messagesOf(reader)) {
    counts.set(topic, (counts.get(topic) ?? 0) + 1);
    const answer = answers[sequence];
    if (topic !== "events") t.is(logTime, answer.captureTimeNs);
    if (topic === "mask/front") t.deepEqual(Buffer.from(unpackPlane(fromBinary(MaskSchema, data).categories!)), Buffer.from(answer.mask));
    if (topic === "annotations/front") t.is(fromBinary(ImageAnnotationsSchema, data).points.length, answer.boxes.length);
    if (topic === "image/front") t.deepEqual(Buffer.from((await decodeImage(fromBinary(CompressedImageSchema, data).data)).rgb), Buffer.from(street("day", sequence, 1)[0].rgb));
    if (topic === "mask-image/front") t.like(await decodeImage(fromBinary(CompressedImageSchema, data).data), { width: 128, height: 64 });
  }
  // Before the stream was open, nobody could record that it does not learn.
  const told = events.filter(({ kind }) => kind !== "adaptation_paused");
  t.deepEqual([...counts].sort(), [...Object.keys({ ...own, ...foxglove })].map((topic) => [topic, topic === "events" ? told.length : 6] as [string, number]).sort());
});

test("depths are recorded, of a bundle that tells them, and a replay tells whether they are the same", async (t) => {
  const deep = await tinyBundle(0, { ...tinyNetwork, depth: true });
  t.teardown(() => deep.remove());
  const { path, answers } = await record(t, street("day", 0, 3), { bundle: deep.directory });
  const recorded: unknown[] = [];
  const images: unknown[] = [];
  for await (const { topic, data } of messagesOf(await indexed(t, path))) {
    if (topic === "depth/front") recorded.push([...new Uint16Array(fromBinary(DepthSchema, data).centimetres.slice().buffer)]);
    if (topic === "depth-image/front") images.push(await decodeImage(fromBinary(CompressedImageSchema, data).data));
  }
  t.deepEqual(recorded, answers.map(({ depth }) => Array.from(depth!, (metres) => Math.round(metres * 100))));
  t.is(images.length, 3);
  for (const image of images) t.like(image, { width: 32, height: 16 });
  const digest = (change: number): string => {
    const run = new RunDigest();
    for (const answer of answers) run.answer({ ...answer, depth: answer.depth!.map((metres) => metres + change) }, "clear");
    return run.end().masks;
  };
  t.is(digest(0), digest(0));
  t.not(digest(0), digest(0.001));
});

test("two replays with an adaptation give the same masks, boxes, triggers and generations bit by bit; another seed gives others", async (t) => {
  const { path } = await record(t, evening, { adaptation: learning });
  const [first, second, other] = [await replay(path, {}), await replay(path, {}), await replay(path, { seed: 2 })];
  const { fps: _, ...same } = first;
  t.like(second, same);
  t.is(first.frames, evening.length);
  t.is(first.triggers, 1);
  t.is(first.verdicts.accepted + first.verdicts.rejected, 1);
  t.true(first.sameBundle);
  t.is(first.torn, null);
  t.not(other.sha256.events, first.sha256.events);
});

test("a replay of a lossless recording answers as the network did when it was recorded", async (t) => {
  const { path, answers } = await record(t, street("day", 0, 12));
  const camera = await Nightshift.start({ bundle: bundle.directory, source: path, lockstep: true, state: await temporaryFolder(t), publish: false, control: false, adaptation: false });
  t.teardown(() => camera.stop());
  const again: Answer[] = [];
  for await (const answer of camera.answers()) again.push(answer);
  const known = ({ timings: _, ...rest }: Answer): unknown => rest;
  t.deepEqual(again.map(known), answers.map(known));
});

test("what was told and asked under way is told and asked again, between the same frames", async (t) => {
  const during = async (nightshift: Nightshift, { sequence }: Answer): Promise<void> => {
    if (sequence === 4) nightshift.vehicleState({ parked: true, speedMps: 0 });
    if (sequence === 8) await nightshift.setVocabulary(["road", "sky"]);
    if (sequence === 9) await nightshift.eraseFrames();
    if (sequence === 11) await nightshift.reconfigure(async () => ({ changes: { adaptation: { conditions: [] } } }));
  };
  const { path, events } = await record(t, street("day", 0, 16), { lockstep: true }, during);
  const told: StreamEvent[] = [];
  const again = await Nightshift.start({ bundle: bundle.directory, source: path, lockstep: true, state: await temporaryFolder(t), publish: false, control: false, adaptation: false, onEvent: (event) => told.push(event) });
  t.teardown(() => again.stop());
  const words: string[][] = [];
  for await (const { vocabulary } of again.answers()) words.push([...vocabulary]);
  const asked = (all: readonly StreamEvent[]): unknown => all.filter(({ kind }) => kind === "vehicle_state" || kind === "vocabulary_changed" || kind === "frames_erased" || kind === "adaptation_resumed").map(({ kind, details }) => ({ kind, details }));
  t.deepEqual(asked(told), asked(events));
  t.false(again.status.paused, "it learns from where it was told to");
  t.is(words.length, 16);
  t.deepEqual(words.at(-1), ["road", "sky"]);
});

test("who is not to learn from a recording does not, though it was paused and resumed when it was recorded", async (t) => {
  const during = (nightshift: Nightshift, { sequence }: Answer): void => {
    if (sequence === 4) nightshift.pause();
    if (sequence === 8) nightshift.resume();
  };
  const { path, events } = await record(t, street("day", 0, 16), { adaptation: {}, lockstep: true }, during);
  t.true(events.some(({ kind }) => kind === "adaptation_resumed"));
  const again = await Nightshift.start({ bundle: bundle.directory, source: path, lockstep: true, state: await temporaryFolder(t), publish: false, control: false, adaptation: false });
  t.teardown(() => again.stop());
  let answered = 0;
  for await (const _ of again.answers()) answered++;
  t.is(answered, 16);
  t.true(again.status.paused);
});

test("stopping in lockstep gives up the training that the last frame waits for", async (t) => {
  const source = { name: "front", live: false, frames: async function* () { yield* evening; } };
  let trains = (): void => undefined;
  const training = new Promise<void>((resolve) => (trains = resolve));
  const onEvent = ({ kind }: StreamEvent): void => void (kind === "trainer_started" && trains());
  const nightshift = await Nightshift.start({ bundle: bundle.directory, source, lockstep: true, state: await temporaryFolder(t), publish: false, control: false, adaptation: { ...learning, training: { steps: 1_000_000 } }, onEvent });
  const answers = (async () => {
    for await (const _ of nightshift.answers());
  })();
  await training;
  await nightshift.stop();
  await answers;
  t.deepEqual(nightshift.learned.verdicts, { accepted: 0, rejected: 0 });
});

test("a torn recording is read up to the tear, and says so; a damaged byte is found", async (t) => {
  const { path } = await record(t, street("day", 0, 40));
  const whole = await readFile(path);
  const { entries: all, error } = await entries(path);
  t.is(error, undefined);
  const frames = (read: readonly Entry[]): unknown[] => read.filter(({ kind }) => kind === "frame");
  t.is(frames(all).length, 40);
  const torn = path.replace("run.mcap", "torn.mcap");
  let [most, least] = [0, Infinity];
  for (let at = 0; at < 24; at++) {
    await copyFile(path, torn);
    const bytes = Math.floor((whole.length * at) / 24);
    await truncate(torn, bytes);
    const found = await entries(torn);
    t.like(found.error, { code: "E_RECORDING" }, `${bytes} bytes`);
    t.deepEqual(found.entries, all.slice(0, found.entries.length), "what is read is what was written");
    [most, least] = [Math.max(most, found.entries.length), Math.min(least, found.entries.length)];
  }
  t.is(least, 0);
  t.true(most >= 30, `${most}`);
  const damaged = Uint8Array.from(whole);
  damaged[Math.floor(whole.length * 0.3)] ^= 1;
  await writeFile(torn, damaged);
  t.like((await entries(torn)).error, { code: "E_RECORDING" });
  await copyFile(path, torn);
  await truncate(torn, Math.floor(whole.length * 0.95));
  const { out, err } = await command("replay", torn, "--json");
  const replayed = json(out);
  t.regex(String(replayed.torn), /ends in the middle/, err);
  t.true(Number(replayed.frames) > 0 && Number(replayed.frames) < 40);
});

test("what is no recording, is there already, or has no such camera is refused", async (t) => {
  const { path } = await record(t, street("day", 0, 2));
  const options = { times: "replay", onError: () => undefined } as const;
  await t.throwsAsync(RecordingCamera.open(path, { ...options, camera: "rear" }), { code: "E_CONFIG", message: /front/ });
  const other = join(await temporaryFolder(t), "other.mcap");
  await writeFile(other, "not at all");
  await t.throwsAsync(RecordingCamera.open(other, options), { code: "E_RECORDING" });
  await t.throwsAsync(RecordingCamera.open("/nowhere.mcap", options), { code: "E_RECORDING", message: /ENOENT.*Check the path/ });
  const start = { bundle: bundle.directory, publish: false, control: false, state: await temporaryFolder(t), adaptation: false } as const;
  for (const taken of [path, `${path}.avi`]) await t.throwsAsync(Nightshift.start({ ...start, record: { path: taken } }), { code: "E_RECORDING" });
  t.false(existsSync(`${path}.avi`));
  await t.throwsAsync(Nightshift.start({ ...start, source: path, loop: 2 }), { code: "E_CONFIG" });
});
