import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { streamEvent } from "../../stream/events.js";
import type { Publisher } from "../../stream/publisher.js";
import type { ReceiverKind, ReceiverReport, ReceiverRequest } from "./receiver-process.js";

/** Longer than any answer takes on a machine with much else to do: what does not come by then never will. */
const patienceMs = 120_000;

/** A subscriber in another process that has received everything since it connected. */
export class Receiver {
  readonly #reports: ReceiverReport[] = [];
  #wake: () => void = () => undefined;

  private constructor(private readonly child: ChildProcess) {
    child.on("message", (report: ReceiverReport) => {
      this.#reports.push(report);
      this.#wake();
    });
  }

  /** `greet` sends it something, until it has heard it: a subscriber gets nothing of what was sent before its subscription has arrived. */
  static async open(address: string, kind: ReceiverKind, greet: () => void | Promise<void>): Promise<Receiver> {
    const receiver = new Receiver(fork(fileURLToPath(new URL("./receiver-process.js", import.meta.url)), [address, kind]));
    while (receiver.#reports.length === 0) {
      await greet();
      await sleep(20);
    }
    return receiver;
  }

  /** A subscriber to what a publisher sends. */
  static async of(publisher: Publisher): Promise<Receiver> {
    const [address = ""] = publisher.addresses;
    return Receiver.open(address, "answers", () => publisher.publishEvent(streamEvent("stream_started", "Are you there?")));
  }

  /** Has the other process count this many frames from now on. */
  async expect(frames: number): Promise<void> {
    await this.#ask({ expect: frames }, "expecting");
  }

  /** From capture to the other process, milliseconds, for each expected frame, once masks and boxes of all have come. Rejects where they have not after `timeoutMs`. */
  async received(timeoutMs = patienceMs): Promise<readonly number[]> {
    return (await this.#told("received", timeoutMs)).latenciesMs;
  }

  /** How many of the expected frames have come. */
  async count(): Promise<number> {
    return (await this.#ask("count", "counted")).frames;
  }

  /** Stops the process where it stands: it reads nothing, and says nothing, until `wake`. */
  freeze(): void {
    this.child.kill("SIGSTOP");
  }

  wake(): void {
    this.child.kill("SIGCONT");
  }

  async close(): Promise<void> {
    if (this.child.exitCode !== null) return;
    const exit = once(this.child, "exit");
    if (this.child.connected) this.child.disconnect();
    await exit;
  }

  #ask<K extends ReceiverReport["kind"]>(request: ReceiverRequest, answer: K): Promise<Extract<ReceiverReport, { kind: K }>> {
    this.#reports.length = 0;
    this.child.send(request);
    return this.#told(answer, patienceMs);
  }

  async #told<K extends ReceiverReport["kind"]>(kind: K, timeoutMs: number): Promise<Extract<ReceiverReport, { kind: K }>> {
    const deadline = AbortSignal.timeout(timeoutMs);
    const isOf = (report: ReceiverReport): report is Extract<ReceiverReport, { kind: K }> => report.kind === kind;
    for (;;) {
      const found = this.#reports.find(isOf);
      if (found) return found;
      await new Promise<void>((resolve, reject) => {
        this.#wake = resolve;
        deadline.addEventListener("abort", () => reject(new Error(`The subscriber did not report "${kind}" within ${timeoutMs} ms`)), { once: true });
      });
    }
  }
}
