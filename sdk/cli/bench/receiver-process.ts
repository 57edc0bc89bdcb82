/** A program of its own that subscribes, unpacks every mask and every list of boxes, and tells its parent what came. */
import { nowNs } from "../../frame.js";
import { unpackPlane } from "../../stream/planes.js";
import { Subscriber } from "../../stream/subscriber.js";

/** What the parent asks: to count this many frames from now on. */
export interface ReceiverRequest {
  readonly expect: number;
}

/** What the process tells its parent. */
export type ReceiverReport =
  | { readonly kind: "connected" }
  | { readonly kind: "expecting" }
  /** Both messages of each expected frame have come. `latenciesMs`: from capture to here. Told once, so that telling does not slow what is measured. */
  | { readonly kind: "received"; readonly latenciesMs: readonly number[] };

const [address] = process.argv.slice(2);
const report = (message: ReceiverReport): void => void process.send?.(message);

if (address) {
  const subscriber = new Subscriber({ address });
  let expected = 0;
  let latenciesMs: number[] = [];
  process.on("message", ({ expect }: ReceiverRequest) => {
    [expected, latenciesMs] = [expect, []];
    report({ kind: "expecting" });
  });
  process.once("disconnect", () => subscriber.close());
  let maskOf: bigint | undefined;
  for await (const received of subscriber) {
    if (received.kind === "events") report({ kind: "connected" });
    else if (received.kind === "mask") {
      if (received.message.categories) unpackPlane(received.message.categories);
      maskOf = received.message.header?.sequence;
    } else if (received.message.header && received.message.header.sequence === maskOf) {
      latenciesMs.push(Number(nowNs() - received.message.header.captureTimeNs) / 1e6);
      if (latenciesMs.length === expected) report({ kind: "received", latenciesMs });
    }
  }
}
