import { fromBinary, type MessageShape, toBinary } from "@bufbuild/protobuf";
import { NightshiftError } from "../errors.js";
import { BoxesSchema, DepthSchema, EventSchema, MaskSchema } from "./messages/nightshift_pb.js";

/** Counts the fields added to the package nightshift.v1. */
export const schemaVersion = 1;

/** Everything that is published: one entry a topic. */
export const topics = {
  mask: { schema: MaskSchema, perCamera: true, what: "a category for each pixel of one frame" },
  boxes: { schema: BoxesSchema, perCamera: true, what: "the objects found in one frame" },
  depth: { schema: DepthSchema, perCamera: true, what: "how far everything in one frame is, of bundles that tell it" },
  events: { schema: EventSchema, perCamera: false, what: "what happened to the stream and to the adaptation" },
} as const;

export type TopicKind = keyof typeof topics;
type Schema = (typeof topics)[TopicKind]["schema"];
export type TopicMessage<Kind extends TopicKind> = MessageShape<(typeof topics)[Kind]["schema"]>;

const isTopic = (kind: string): kind is TopicKind => Object.hasOwn(topics, kind);

/** The name of a topic: `mask/<camera>`, `boxes/<camera>`, `depth/<camera>`, or `events` whatever the camera. */
export const topicName = (kind: TopicKind, camera: string): string => (topics[kind].perCamera ? `${kind}/${camera}` : kind);

/** One part for ZeroMQ: topic, a zero byte, the message. */
export function packMessage<Kind extends TopicKind>(kind: Kind, camera: string, message: TopicMessage<Kind>): Uint8Array {
  const head = new TextEncoder().encode(`${topicName(kind, camera)}\0`);
  const body = toBinary<Schema>(topics[kind].schema, message);
  const part = new Uint8Array(head.length + body.length);
  part.set(head);
  part.set(body, head.length);
  return part;
}

/** A message as it came, told apart by `kind`. */
export type Received = { [Kind in TopicKind]: { readonly kind: Kind; readonly topic: string; readonly message: TopicMessage<Kind> } }[TopicKind];

/** Reads one part; undefined for a topic that a later version has. Throws `E_FRAME_FORMAT` where it is not a message of this schema. */
export function unpackMessage(part: Uint8Array): Received | undefined {
  const zero = part.indexOf(0);
  if (zero < 0) throw notAMessage(`${part.length} bytes without a zero byte`, undefined);
  const topic = new TextDecoder().decode(part.subarray(0, zero));
  const kind = topic.split("/", 1)[0] ?? "";
  if (!isTopic(kind)) return undefined;
  try {
    return { kind, topic, message: fromBinary<Schema>(topics[kind].schema, part.subarray(zero + 1)) } as Received;
  } catch (cause) {
    throw notAMessage(`${part.length} bytes on topic ${topic} that do not decode`, cause);
  }
}

const notAMessage = (received: string, cause: unknown): NightshiftError =>
  new NightshiftError("E_FRAME_FORMAT", {
    expected: "one part: a topic, a zero byte, the topic's message",
    received,
    remedy: "Connect to the publisher's address, and use the schema of its version.",
    cause,
  });
