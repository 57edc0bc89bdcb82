import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { streamEvent } from "../../stream/events.js";
import { Publisher } from "../../stream/publisher.js";
import type { ReceiverReport, ReceiverRequest } from "./receiver-process.js";

/** A publisher, and a subscriber in another process that has received everything since it connected. */
export class Receiver {
  #last: ReceiverReport | undefined;
  #wake: () => void = () => undefined;

  private constructor(
    readonly publisher: Publisher,
    private readonly child: ChildProcess,
  ) {
    child.on("message", (report: ReceiverReport) => {
      this.#last = report;
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
    while (receiver.#last?.kind !== "connected") {
      publisher.publishEvent(streamEvent("stream_started", "Are you there?"));
      await sleep(20);
    }
    return receiver;
  }

  /** Has the other process count this many frames from now on. */
  async expect(frames: number): Promise<void> {
    this.child.send({ expect: frames } satisfies ReceiverRequest);
    await this.#told("expecting", 10_000);
  }

  /** From capture to the other process, milliseconds, for each expected frame, once masks and boxes of all have come. Rejects where they have not after `timeoutMs`. */
  async received(timeoutMs = 30_000): Promise<readonly number[]> {
    return (await this.#told("received", timeoutMs)).latenciesMs;
  }

  async close(): Promise<void> {
    await this.publisher.close();
    if (this.child.exitCode !== null) return;
    const exit = once(this.child, "exit");
    if (this.child.connected) this.child.disconnect();
    await exit;
  }

  async #told<K extends ReceiverReport["kind"]>(kind: K, timeoutMs: number): Promise<Extract<ReceiverReport, { kind: K }>> {
    const deadline = AbortSignal.timeout(timeoutMs);
    const isOf = (report: ReceiverReport | undefined): report is Extract<ReceiverReport, { kind: K }> => report?.kind === kind;
    for (;;) {
      if (isOf(this.#last)) return this.#last;
      await new Promise<void>((resolve, reject) => {
        this.#wake = resolve;
        deadline.addEventListener("abort", () => reject(new Error(`The subscriber did not report "${kind}" within ${timeoutMs} ms`)), { once: true });
      });
    }
  }
}
