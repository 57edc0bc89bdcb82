import { deflate } from "node:zlib";
import { promisify } from "node:util";
import sharp from "sharp";
import type { Perception } from "../engine/perception.js";
import type { Frame } from "../frame.js";
import type { ConditionName } from "../stream/events.js";
import type { FrameHead } from "./page/wire.js";

const deflated = promisify(deflate);

/** The most pixels in a row that a page gets to see. */
const widest = 960;
/** Boxes below this are not shown: the network always answers with 100. */
const leastScore = 0.3;

/** One answer with its frame, as `FrameHead` describes the message. Works on libuv's threads, not on the caller's. */
export async function pictureMessage(frame: Frame, perception: Perception, condition: ConditionName): Promise<Buffer> {
  const { width, height, rgb } = frame;
  const raw = Buffer.from(rgb.buffer, rgb.byteOffset, rgb.byteLength);
  const [picture, mask] = await Promise.all([
    sharp(raw, { raw: { width, height, channels: 3 } })
      .resize({ width: widest, withoutEnlargement: true, kernel: "linear" })
      .jpeg({ quality: 80 })
      .toBuffer(),
    deflated(perception.mask, { level: 1 }),
  ]);
  const head = Buffer.from(JSON.stringify(frameHead(perception, condition, picture.length, mask.length)));
  const length = Buffer.alloc(4);
  length.writeUInt32BE(head.length);
  return Buffer.concat([length, head, picture, mask]);
}

function frameHead(perception: Perception, condition: ConditionName, pictureBytes: number, maskBytes: number): FrameHead {
  const { camera, sequence, generation, vocabulary, width, height, cameraWidth, cameraHeight, valid, invalidReasons } = perception;
  const boxes = perception.boxes.filter(({ score }) => score >= leastScore);
  const latencyMs = perception.timings.totalMs;
  return { camera, sequence, generation, vocabulary, width, height, cameraWidth, cameraHeight, boxes, condition, valid, invalidReasons, latencyMs, pictureBytes, maskBytes };
}
