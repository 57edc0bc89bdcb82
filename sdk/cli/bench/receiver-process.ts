/** A program of its own that subscribes, unpacks every mask and every list of boxes, and tells its parent what came. */
import { nowNs } from "../../frame.js";
import { unpackPlane } from "../../stream/planes.js";
import { Subscriber } from "../../stream/subscriber.js";

/** What the process tells its parent. */
export type ReceiverReport =
  | { readonly kind: "connected" }
  /** Both messages of a frame have come. `latencyMs`: from capture to here. */
  | { readonly kind: "frame"; readonly sequence: number; readonly latencyMs: number; readonly boxes: number };

const [address] = process.argv.slice(2);
const report = (message: ReceiverReport): void => void process.send?.(message);

if (address) {
  const subscriber = new Subscriber({ address });
  process.once("disconnect", () => subscriber.close());
  let maskOf: bigint | undefined;
  for await (const received of subscriber) {
    if (received.kind === "events") report({ kind: "connected" });
    else if (received.kind === "mask") {
      if (received.message.categories) unpackPlane(received.message.categories);
      maskOf = received.message.header?.sequence;
    } else if (received.message.header?.sequence === maskOf && received.message.header) {
      const { sequence, captureTimeNs } = received.message.header;
      report({ kind: "frame", sequence: Number(sequence), latencyMs: Number(nowNs() - captureTimeNs) / 1e6, boxes: received.message.boxes.length });
    }
  }
}
