import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setImmediate as turn, setTimeout as sleep } from "node:timers/promises";
import { Publisher as PublisherSocket } from "zeromq";
import { findBundle } from "../../bundle/index.js";
import type { Perception } from "../../engine/perception.js";
import { ThreadEngine } from "../../engine/thread-engine.js";
import { nowNs } from "../../frame.js";
import { median, quantile } from "../../quantile.js";
import { boxesMessage, headerMessage, maskMessage } from "../../stream/answer.js";
import { Publisher } from "../../stream/publisher.js";
import { packMessage } from "../../stream/topics.js";
import type { Bench } from "../benches.js";
import { driveFrames } from "./looped-camera.js";
import { Receiver } from "./receiver.js";
import { bareMessage } from "./receiver-process.js";
import { rounded } from "./statistics.js";

const defaultFrames = 300;
/** Frames in a block; ours and the bare socket's take turns. */
const blockFrames = 50;
/** Frames a second where latency is measured: a fast camera. */
const pace = 30;
/** And where one subscriber is stuck: with five times the frames, enough to fill what the system itself holds for it. */
const stuckPace = 100;
const subscribers = 10;

/** Sends a frame's two messages. */
type Send = () => void | Promise<void>;

/**
 * From `publish` to a subscriber in another process that has unpacked masks and boxes, over tcp and ipc, beside bare zeromq with messages of the same sizes that nobody unpacks;
 * and ten subscribers, of which one is stopped.
 */
export const bench: Bench = async ({ bundle = "default", count = defaultFrames, onProgress }) => {
  const perception = await onePerception(findBundle(bundle));
  const sizes = sizesOf(perception);
  const folder = await mkdtemp(join(tmpdir(), "nightshift-bench-"));
  try {
    const transports: Record<string, unknown> = {};
    for (const [name, address] of [["tcp", "tcp://127.0.0.1:*"], ["ipc", `ipc://${join(folder, "answers")}`]] as const)
      transports[name] = await transport(address, perception, sizes, count, (line) => onProgress(`${name}: ${line}`));
    return { ...transports, messageBytes: sizes, pace, stuck: await stuck(perception, sizes, 5 * count, onProgress) };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
};

async function onePerception(directory: string): Promise<Perception> {
  const engine = new ThreadEngine({ threads: 1 });
  try {
    await engine.load({ kind: "bundle", directory });
    const [pixels] = driveFrames(1280, 720, 1);
    if (!pixels) throw new Error("the drive gave no frame");
    return await engine.infer({ camera: "bench", sequence: 0, captureTimeNs: nowNs(), ...pixels });
  } finally {
    await engine.close();
  }
}

function sizesOf(perception: Perception): { mask: number; boxes: number } {
  const header = headerMessage(perception, "unknown");
  const { camera } = perception;
  return { mask: packMessage("mask", camera, maskMessage(perception, header, true)).length, boxes: packMessage("boxes", camera, boxesMessage(perception, header)).length };
}

const fail = (error: unknown): never => {
  throw error;
};

async function transport(address: string, perception: Perception, sizes: { mask: number; boxes: number }, count: number, onProgress: (line: string) => void) {
  // Nothing may be dropped here: what counts is how long it takes.
  const publisher = await Publisher.open({ addresses: [address], highWaterMark: 4 * count, onError: fail });
  const socket = new PublisherSocket({ sendHighWaterMark: 4 * count, linger: 0 });
  await socket.bind(address.startsWith("ipc") ? `${address}-bare` : address);
  const receivers = [await Receiver.of(publisher), await Receiver.open(socket.lastEndpoint ?? "", "bare", () => socket.send(bareMessage("hello", 9)))] as const;
  let sequence = 0;
  const sends: readonly [Send, Send] = [
    () => publisher.publish({ ...perception, sequence: sequence++, captureTimeNs: nowNs() }, "unknown"),
    async () => {
      const boxes = bareMessage("boxes", sizes.boxes);
      await socket.send(bareMessage("mask", sizes.mask));
      await socket.send(boxes);
    },
  ];
  try {
    const [ours, bare] = await inTurns(receivers, sends, count, onProgress);
    return { ...ours, bare, throughputRatio: rounded(ours.framesPerSecond / bare.framesPerSecond) };
  } finally {
    await publisher.close();
    socket.close();
    for (const receiver of receivers) await receiver.close();
  }
}

async function inTurns(receivers: readonly [Receiver, Receiver], sends: readonly [Send, Send], count: number, onProgress: (line: string) => void) {
  const measured = [0, 1].map(() => ({ latenciesMs: [] as number[], framesPerSecond: [] as number[] }));
  for (let done = 0, block = 0; done < count; done += blockFrames, block++) {
    onProgress(`${done} of ${count} frames`);
    for (const which of block % 2 === 0 ? ([0, 1] as const) : ([1, 0] as const)) {
      const [receiver, send, figures] = [receivers[which], sends[which], measured[which]];
      figures?.latenciesMs.push(...(await paced([receiver], send, blockFrames, pace)));
      figures?.framesPerSecond.push(await flatOut(receiver, send, blockFrames));
    }
  }
  const [ours, bare] = measured.map(({ latenciesMs, framesPerSecond }) => ({ ...latency(latenciesMs), framesPerSecond: rounded(median(framesPerSecond), 0) }));
  if (!ours || !bare) throw new Error("nothing was measured");
  return [ours, bare] as const;
}

const latency = (ms: readonly number[]) => ({ latencyMs: { p50: rounded(quantile(ms, 0.5), 2), p99: rounded(quantile(ms, 0.99), 2) } });

/** Sends frames at a rate; the latencies of all receivers. */
async function paced(receivers: readonly Receiver[], send: Send, frames: number, fps: number): Promise<number[]> {
  for (const receiver of receivers) await receiver.expect(frames);
  const start = performance.now();
  for (let frame = 0; frame < frames; frame++) {
    const wait = start + (frame * 1000) / fps - performance.now();
    if (wait > 0) await sleep(wait);
    await send();
  }
  return (await Promise.all(receivers.map((receiver) => receiver.received()))).flat();
}

/** Sends frames as fast as they go; frames a second until the last has come. */
async function flatOut(receiver: Receiver, send: Send, frames: number): Promise<number> {
  await receiver.expect(frames);
  const start = performance.now();
  for (let frame = 0; frame < frames; frame++) {
    await send();
    // Lets the socket send; a stream gives it a turn after each frame too.
    await turn();
  }
  await receiver.received();
  return (frames * 1000) / (performance.now() - start);
}

/**
 * Ten subscribers of a publisher with its usual limits: latency with all well, then with one stopped, what that costs in memory, and what it missed.
 * Rejects where another missed anything.
 */
async function stuck(perception: Perception, sizes: { mask: number; boxes: number }, frames: number, onProgress: (line: string) => void) {
  const publisher = await Publisher.open({ addresses: ["tcp://127.0.0.1:*"], onError: fail });
  let sequence = 0;
  const send: Send = () => publisher.publish({ ...perception, sequence: sequence++, captureTimeNs: nowNs() }, "unknown");
  const receivers: Receiver[] = [];
  try {
    for (let at = 0; at < subscribers; at++) receivers.push(await Receiver.of(publisher));
    onProgress(`${subscribers} subscribers, all well`);
    const well = await paced(receivers, send, frames / 5, stuckPace);
    const [frozen, ...others] = receivers;
    if (!frozen) throw new Error("no subscriber");
    await frozen.expect(frames);
    onProgress(`${subscribers} subscribers, one stopped`);
    frozen.freeze();
    const before = process.memoryUsage().rss;
    const meanwhile = await paced(others, send, frames, stuckPace);
    const grownMb = (process.memoryUsage().rss - before) / 2 ** 20;
    frozen.wake();
    // What was held for it comes within this time.
    await sleep(2000);
    const missed = frames - (await frozen.count());
    return {
      subscribers,
      framesPerSecond: stuckPace,
      allWell: latency(well),
      oneStopped: latency(meanwhile),
      sentMb: rounded((frames * (sizes.mask + sizes.boxes)) / 2 ** 20, 1),
      memoryGrownMb: rounded(grownMb, 1),
      missedByTheStopped: missed,
      unsent: publisher.unsent,
    };
  } finally {
    await publisher.close();
    for (const receiver of receivers) {
      receiver.wake();
      await receiver.close();
    }
  }
}
