import { createReadStream } from "node:fs";
import { fromBinary } from "@bufbuild/protobuf";
import { McapStreamReader, type TypedMcapRecord } from "@mcap/core";
import { NightshiftError, reasonOf, systemCodeOf } from "../errors.js";
import { eventOf, type StreamEvent } from "../stream/events.js";
import { EventSchema } from "../stream/messages/nightshift_pb.js";
import { type About, aboutName, readAbout } from "./about.js";
import { CompressedImageSchema } from "./messages/foxglove_pb.js";

/** What a replay needs of a recording, in the order of the file. */
export type Entry =
  | { readonly kind: "about"; readonly about: About }
  | { readonly kind: "frame"; readonly camera: string; readonly sequence: number; readonly captureTimeNs: bigint; readonly image: Uint8Array }
  | { readonly kind: "event"; readonly event: StreamEvent };

/** A record may be larger than a chunk by the frame that filled it; one that states more than this is damaged, and is not waited for. */
const mostBytes = 1 << 28;

/**
 * Reads a recording from its beginning; no index is needed, so that one whose end is missing can be read up to there.
 * Throws `E_RECORDING` where it is no recording, and where it is torn or damaged, after everything before that was read.
 */
export async function* readRecording(path: string): AsyncGenerator<Entry, void, undefined> {
  const reader = new McapStreamReader();
  const topics = new Map<number, string>();
  try {
    for await (const bytes of createReadStream(path, { highWaterMark: 1 << 20 }) as AsyncIterable<Uint8Array>) {
      reader.append(bytes);
      for (let record = reader.nextRecord(); record; record = reader.nextRecord()) {
        if (record.type === "Channel") topics.set(record.id, record.topic);
        const entry = entryOf(record, topics);
        if (entry) yield entry;
      }
      if (reader.bytesRemaining() > mostBytes) throw new Error(`a record of more than ${mostBytes} bytes`);
    }
  } catch (cause) {
    throw cause instanceof NightshiftError ? cause : damaged(path, reasonOf(cause), cause);
  }
  if (!reader.done()) throw damaged(path, "a file that ends in the middle, as after a power cut");
}

function entryOf(record: TypedMcapRecord, topics: ReadonlyMap<number, string>): Entry | undefined {
  if (record.type === "Metadata" && record.name === aboutName) return { kind: "about", about: readAbout(record.metadata) };
  if (record.type !== "Message") return undefined;
  const [kind, camera = ""] = topics.get(record.channelId)?.split("/") ?? [];
  if (kind === "image") return { kind: "frame", camera, sequence: record.sequence, captureTimeNs: record.logTime, image: fromBinary(CompressedImageSchema, record.data).data };
  const event = kind === "events" ? eventOf(fromBinary(EventSchema, record.data)) : undefined;
  return event && { kind: "event", event };
}

const damaged = (path: string, received: string, cause?: unknown): NightshiftError =>
  new NightshiftError("E_RECORDING", {
    expected: `a whole recording without compressed chunks: ${path}`,
    received,
    remedy: systemCodeOf(cause) === undefined ? "What comes before is read; `mcap compress --compression none` rewrites one that another tool compressed." : "Check the path.",
    cause,
  });
