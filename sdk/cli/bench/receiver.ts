import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { streamEvent } from "../../stream/events.js";
import { Publisher } from "../../stream/publisher.js";
import type { ReceiverReport } from "./receiver-process.js";

/** A publisher, and a subscriber in another process that has received everything since it connected. */
export class Receiver {
  /** From capture to the other process, milliseconds, for each frame whose mask and boxes have come. */
  latenciesMs: number[] = [];
  #isConnected = false;
  #wake: () => void = () => undefined;

  private constructor(
    readonly publisher: Publisher,
    private readonly child: ChildProcess,
  ) {
    child.on("message", (report: ReceiverReport) => {
      if (report.kind === "connected") this.#isConnected = true;
      else this.latenciesMs.push(report.latencyMs);
      this.#wake();
    });
  }

  static async open(): Promise<Receiver> {
    const publisher = await Publisher.open({
      addresses: ["tcp://127.0.0.1:*"],
      onError: (error) => {
        throw error;
      },
    });
    const child = fork(fileURLToPath(new URL("./receiver-process.js", import.meta.url)), publisher.addresses);
    const receiver = new Receiver(publisher, child);
    // A subscriber gets nothing of what was sent before its subscription has arrived.
    while (!receiver.#isConnected) {
      publisher.publishEvent(streamEvent("stream_started", "Are you there?"));
      await sleep(20);
    }
    return receiver;
  }

  /** Resolves once this many frames have come since `latenciesMs` was last emptied; rejects after `timeoutMs` without any news. */
  async received(frames: number, timeoutMs = 10_000): Promise<void> {
    while (this.latenciesMs.length < frames) {
      const news = new Promise<true>((resolve) => (this.#wake = () => resolve(true)));
      const patience = new AbortController();
      const isNews = await Promise.race([news, sleep(timeoutMs, false, { signal: patience.signal }).catch(() => false)]);
      patience.abort();
      if (!isNews) throw new Error(`The subscriber received ${this.latenciesMs.length} of ${frames} frames`);
    }
  }

  async close(): Promise<void> {
    await this.publisher.close();
    if (this.child.exitCode !== null) return;
    const exit = once(this.child, "exit");
    if (this.child.connected) this.child.disconnect();
    await exit;
  }
}
