import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { nowNs } from "../../sdk/frame.js";

/** ffmpeg's filters that write, for each frame, its time in microseconds to descriptor 3, at once. */
export const frameTimesFilter = "settb=1/1000000,metadata=add:key=t:value=0,metadata=print:file='pipe\\:3':direct=1";

/** What is older than this when it arrives was not timed by the clock that it should have been. */
const oldestNs = 10_000_000_000n;

/** When each picture in turn was captured, where its time is the kernel's monotonic clock, as V4L2's drivers have it; that of a clock set by the user would jump. */
export class FrameTimes {
  readonly #lines: AsyncIterator<string>;
  #isTold = false;

  /** `onStrange` hears, once, of times by another clock; frames are then timed as they arrive. */
  constructor(
    from: Readable,
    private readonly onStrange: (time: string) => void,
  ) {
    this.#lines = createInterface({ input: from })[Symbol.asyncIterator]();
  }

  /** Nanoseconds since the Unix epoch, of the next picture. Ask once a picture. */
  async next(): Promise<bigint> {
    const time = await this.#time();
    const ageNs = time === undefined || !/^\d+$/.test(time) ? -1n : process.hrtime.bigint() - BigInt(time) * 1000n;
    if (ageNs >= 0n && ageNs < oldestNs) return nowNs() - ageNs;
    if (!this.#isTold && time !== undefined) this.onStrange(time);
    this.#isTold = true;
    return nowNs();
  }

  async #time(): Promise<string | undefined> {
    for (let line = await this.#lines.next(); !line.done; line = await this.#lines.next()) {
      const [, time] = /^frame:\d+\s+pts:(\S+)/.exec(line.value) ?? [];
      if (time !== undefined) return time;
    }
    return undefined;
  }
}
