/** A program of its own that subscribes to everything and tells its parent which generation each frame's messages state. Argument: address. */
import { Subscriber } from "../../../stream/subscriber.js";

/** Sequence and generation; -2 where mask and boxes do not agree. */
export type Seen = readonly (readonly [sequence: number, generation: number])[];

const tellEveryMs = 1000;

const subscriber = new Subscriber({ address: process.argv[2] ?? "" });
const masks = new Map<number, number>();
let seen: [number, number][] = [];
const tell = (): void => {
  process.send?.(seen satisfies Seen);
  seen = [];
};
const clock = setInterval(tell, tellEveryMs);
process.once("message", () => {
  clearInterval(clock);
  process.send?.(seen, () => process.exit());
});
process.once("disconnect", () => process.exit());
for await (const { kind, message } of subscriber) {
  if (kind === "events" || !message.header) continue;
  const { sequence, generation } = message.header;
  if (kind === "mask") masks.set(Number(sequence), generation);
  else {
    const ofMask = masks.get(Number(sequence));
    masks.delete(Number(sequence));
    // A subscriber that came between the two messages of a frame knows only one.
    if (ofMask !== undefined) seen.push([Number(sequence), ofMask === generation ? generation : -2]);
  }
}
