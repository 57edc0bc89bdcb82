import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { crc32 } from "node:zlib";
import { create, toBinary } from "@bufbuild/protobuf";
import test, { type ExecutionContext } from "ava";
import { Publisher as ZmqPublisher } from "zeromq";
import { packageRoot } from "../../sdk/paths.js";
import { streamEvent } from "../../sdk/stream/events.js";
import { EventSchema } from "../../sdk/stream/messages/nightshift_pb.js";
import { Publisher } from "../../sdk/stream/publisher.js";
import { cppSubscriber, pythonSamples, samples } from "../support/samples.js";
import { perceptionOf } from "./perceptions.js";

const frames = 12;
/** What every published frame's boxes must hold; see `perceptionOf`. */
const boxes = [
  { x2: 300.25, label: 2, name: "car", score: 0.75 },
  { y2: 1079, label: 4, name: "Straße", score: 0.5 },
];

interface Program {
  readonly command: string;
  readonly env?: NodeJS.ProcessEnv;
}

/** Runs a subscriber in a process of its own, publishes frames and one event, and answers with the lines that it printed of them. */
async function linesOf(t: ExecutionContext, { command, env }: Program, args: readonly string[], folder?: string, camera?: string): Promise<string[]> {
  const publisher = await Publisher.open({ addresses: ["tcp://127.0.0.1:*"], onError: (error) => t.fail(String(error)) });
  const child: ChildProcess = spawn(command, [...args, publisher.addresses[0] ?? "", ...(folder === undefined ? [] : ["", "0", folder])], { ...(env && { env }), stdio: ["ignore", "pipe", "inherit"] });
  t.teardown(() => child.kill("SIGKILL"));
  const lines: string[] = [];
  if (child.stdout) createInterface(child.stdout).on("line", (line) => lines.push(line));
  // Nothing tells a publisher that a subscription has arrived but what comes out at the other end.
  while (lines.length === 0 && child.exitCode === null) {
    publisher.publishEvent(streamEvent("stream_started", "hello"));
    await sleep(20);
  }
  for (let sequence = 0; sequence < frames; sequence++) {
    publisher.publish(perceptionOf(sequence, camera), "night");
    await sleep(5);
  }
  publisher.publishEvent(streamEvent("verdict", 'accepted: "+1.5" mIoU', { gain: 1.5 }));
  while (!lines.at(-1)?.includes("accepted") && child.exitCode === null) await sleep(10);
  await publisher.close();
  return lines.filter((line) => !line.includes("hello"));
}

/** What a program prints of two messages that a later Nightshift might send, an event of another kind and a topic of its own, and then of an event that it knows. */
async function linesOfLater(t: ExecutionContext, { command, env }: Program, args: readonly string[]): Promise<string[]> {
  const publisher = new ZmqPublisher();
  await publisher.bind("tcp://127.0.0.1:*");
  const child = spawn(command, [...args, publisher.lastEndpoint ?? ""], { ...(env && { env }), stdio: ["ignore", "pipe", "inherit"] });
  t.teardown(() => {
    child.kill("SIGKILL");
    publisher.close();
  });
  const lines: string[] = [];
  createInterface(child.stdout).on("line", (line) => lines.push(line));
  const send = (topic: string, body: Uint8Array): Promise<void> => publisher.send(Buffer.concat([Buffer.from(`${topic}\0`), body]));
  const event = (kind: number, text: string): Uint8Array => toBinary(EventSchema, create(EventSchema, { schemaVersion: 1, kind, text, detailsJson: "{}" }));
  while (!lines.at(-1)?.includes("the last") && child.exitCode === null) {
    await send("events", event(999, "of another kind"));
    await send("flow/front", Buffer.from([0xff, 0xff]));
    await send("events", event(1, "the last"));
    await sleep(20);
  }
  return lines;
}

/** One JSON object. */
function parse(line: string): Readonly<Record<string, unknown>> {
  const value: unknown = JSON.parse(line);
  if (typeof value !== "object" || value === null) throw new TypeError(`no JSON object: ${line}`);
  return { ...value };
}

async function check(t: ExecutionContext, program: Program, args: readonly string[]): Promise<Readonly<Record<string, unknown>>[]> {
  const folder = mkdtempSync(join(tmpdir(), "nightshift-masks-"));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const messages = (await linesOf(t, program, args, folder)).map(parse);
  const topics = Array.from({ length: frames }, () => ["mask/front", "boxes/front"]).flat();
  t.deepEqual(messages.map(({ topic }) => topic), [...topics, "events"]);
  for (let sequence = 0; sequence < frames; sequence++) {
    const { mask } = perceptionOf(sequence);
    t.true(Buffer.from(mask).equals(readFileSync(join(folder, `front-${sequence}.mask`))), `mask ${sequence}`);
    t.is(messages[sequence * 2]?.crc32, crc32(mask));
  }
  return messages;
}

test.serial("the Python subscriber receives every message as it was published", async (t) => {
  const python = await pythonSamples(t);
  if (!python) return;
  t.is(spawnSync(python.command, [join(samples, "subscriber.py"), "--key", "key"], { env: python.env }).status, 2, "half of what CURVE needs");
  const messages = await check(t, python, [join(samples, "subscriber.py")]);
  t.like(messages[2], { camera: "front", sequence: 1, generation: 4, valid: false, width: 512, height: 256 });
  t.like(messages[3], { sequence: 1, generation: 4, boxes: [boxes[0], { x1: 0, y1: 0, x2: 10, y2: 1079, label: 4, name: "Straße", score: 0.5 }] });
  t.like(messages.at(-1), { kind: "EVENT_KIND_VERDICT", text: 'accepted: "+1.5" mIoU', details: { gain: 1.5 } });
});

test.serial("the bridge to ROS 2 publishes masks, detections and events as their definitions have them; no ROS, a double of it", async (t) => {
  const python = await pythonSamples(t);
  if (!python) return;
  const double = join(packageRoot(), "test", "stream", "ros2_double.py");
  const published = (await linesOf(t, python, [double, join(samples, "ros2_bridge.py")])).map(parse);
  const of = (topic: string) => published.filter((each) => each.topic === `/nightshift/${topic}`);
  const reliable = Array.from({ length: frames }, (_, sequence) => sequence).filter((sequence) => perceptionOf(sequence).valid);
  const masks = of("front/mask").map(({ message }) => message as Record<string, unknown>);
  t.is(masks.length, reliable.length, "what must not be relied on is left out");
  for (const [at, sequence] of reliable.entries()) {
    t.like(masks[at], { width: 512, height: 256, step: 512, encoding: "mono8", header: { frame_id: "front" } });
    t.true(Buffer.from(String(masks[at]?.data), "base64").equals(Buffer.from(perceptionOf(sequence).mask)));
  }
  const [first] = of("front/detections");
  t.like(first, { type: "Detection2DArray", latched: false });
  const { detections } = first?.message as { detections: unknown[] };
  t.like(detections[0], { bbox: { center: { position: { x: 150.875, y: 201 } }, size_x: 298.75, size_y: 398 }, results: { 0: { hypothesis: { class_id: "car", score: 0.75 } } } });
  t.is(detections.length, 2);
  const [words, ...more] = of("front/vocabulary");
  t.deepEqual(more, [], "told once, as it does not change");
  t.true(words?.latched === true && String((words.message as { data: string }).data).includes("Stra"));
  const event = JSON.parse((of("events").at(-1)?.message as { data: string }).data) as unknown;
  t.deepEqual(event, { kind: "EVENT_KIND_VERDICT", text: 'accepted: "+1.5" mIoU', details: { gain: 1.5 } });
});

test.serial("programs that were built for an earlier Nightshift go on where a later one says more", async (t) => {
  const [python, cpp] = [await pythonSamples(t), await cppSubscriber(t)];
  const double = join(packageRoot(), "test", "stream", "ros2_double.py");
  for (const [program, args] of [[python, [join(samples, "subscriber.py")]], [python, [double, join(samples, "ros2_bridge.py")]], [cpp === undefined ? undefined : { command: cpp }, []]] as const) {
    if (!program) continue;
    t.regex((await linesOfLater(t, program, args)).join("\n"), /999[^]*the last/, args.join(" "));
  }
});

test.serial("the bridge to ROS 2 makes names of topics that ROS takes of cameras that are named by their address", async (t) => {
  const python = await pythonSamples(t);
  if (!python) return;
  const double = join(packageRoot(), "test", "stream", "ros2_double.py");
  const published = (await linesOf(t, python, [double, join(samples, "ros2_bridge.py")], undefined, "10-0-0-7")).map(parse);
  t.deepEqual([...new Set(published.map(({ topic }) => topic))].sort(), ["/nightshift/camera_10_0_0_7/detections", "/nightshift/camera_10_0_0_7/mask", "/nightshift/camera_10_0_0_7/vocabulary", "/nightshift/events"]);
});

test.serial("the C++ subscriber receives every message as it was published", async (t) => {
  const command = await cppSubscriber(t);
  if (command === undefined) return;
  t.is(spawnSync(command, ["tcp://127.0.0.1:1", "", "0", "", "key"], { timeout: 10_000 }).status, 2, "half of what CURVE needs");
  const messages = await check(t, { command }, []);
  t.like(messages[2], { header: { camera: "front", sequence: "1", generation: 4, condition: "CONDITION_NIGHT", cameraWidth: 1920 } });
  t.like(messages[3], { message: { boxes } });
  t.like(messages.at(-1), { message: { kind: "EVENT_KIND_VERDICT", text: 'accepted: "+1.5" mIoU', detailsJson: '{"gain":1.5}' } });
});
