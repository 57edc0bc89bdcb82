/** A program of its own that subscribes, unpacks every mask and every list of boxes, and tells its parent what came. Arguments: address, kind. */
import { Subscriber as SubscriberSocket } from "zeromq";
import { nowNs } from "../../frame.js";
import { unpackPlane } from "../../stream/planes.js";
import { Subscriber } from "../../stream/subscriber.js";

/** `answers`: a publisher's messages, unpacked. `bare`: messages of `bareMessage`, looked at no further. */
export type ReceiverKind = "answers" | "bare";

/** What the parent asks: to count this many frames from now on, or how many of them have come. */
export type ReceiverRequest = { readonly expect: number } | "count";

/** What the process tells its parent. */
export type ReceiverReport =
  | { readonly kind: "connected" }
  | { readonly kind: "expecting" }
  /** Both messages of each expected frame have come. `latenciesMs`: from capture to here. Told once, so that telling does not slow what is measured. */
  | { readonly kind: "received"; readonly latenciesMs: readonly number[] }
  | { readonly kind: "counted"; readonly frames: number };

/** The first byte of a bare message, before 8 bytes of time. A frame is a mask, then boxes. */
export const bareKinds = { hello: 0, mask: 1, boxes: 2 } as const;

/** A message of so many bytes that says only what it is and when it was sent. */
export function bareMessage(kind: keyof typeof bareKinds, size: number): Buffer {
  const message = Buffer.alloc(Math.max(9, size));
  message[0] = bareKinds[kind];
  message.writeBigInt64LE(nowNs(), 1);
  return message;
}

/** What each message means here: `hello`, a frame's time in nanoseconds when its last part has come, or nothing yet. */
async function* arrivals(address: string, kind: ReceiverKind, closing: (close: () => void) => void): AsyncGenerator<"hello" | bigint> {
  if (kind === "bare") {
    const socket = new SubscriberSocket({ linger: 0 });
    socket.connect(address);
    socket.subscribe("");
    closing(() => socket.close());
    for await (const [part] of socket)
      if (part?.[0] === bareKinds.hello) yield "hello";
      else if (part?.[0] === bareKinds.boxes) yield part.readBigInt64LE(1);
    return;
  }
  const subscriber = new Subscriber({ address });
  closing(() => subscriber.close());
  let maskOf: bigint | undefined;
  for await (const received of subscriber) {
    if (received.kind === "events") yield "hello";
    else if (received.kind === "mask") {
      if (received.message.categories) unpackPlane(received.message.categories);
      maskOf = received.message.header?.sequence;
    } else if (received.message.header && received.message.header.sequence === maskOf) yield received.message.header.captureTimeNs;
  }
}

const [address, kind] = process.argv.slice(2);
const report = (message: ReceiverReport): void => void process.send?.(message);

if (address && process.send) {
  let expected = 0;
  let latenciesMs: number[] = [];
  process.on("message", (request: ReceiverRequest) => {
    if (request === "count") return report({ kind: "counted", frames: latenciesMs.length });
    [expected, latenciesMs] = [request.expect, []];
    report({ kind: "expecting" });
  });
  const closing = (close: () => void): void => void process.once("disconnect", close);
  for await (const arrival of arrivals(address, kind === "bare" ? "bare" : "answers", closing)) {
    if (arrival === "hello") {
      report({ kind: "connected" });
      continue;
    }
    latenciesMs.push(Number(nowNs() - arrival) / 1e6);
    if (latenciesMs.length === expected) report({ kind: "received", latenciesMs });
  }
}
