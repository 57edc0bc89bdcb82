import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import type { Seen } from "./witness-process.js";

/** A subscriber in another process, and what has come there. */
export class Witness {
  /** The generation that both messages of a frame state; -1 where they do not agree. */
  readonly generations = new Map<number, number>();

  private constructor(private readonly child: ChildProcess) {
    child.on("message", (seen: Seen) => {
      for (const [sequence, generation] of seen) this.generations.set(sequence, generation);
    });
  }

  /** Resolves once it is subscribed and something has come. */
  static async open(address: string): Promise<Witness> {
    const child = fork(fileURLToPath(new URL("./witness-process.js", import.meta.url)), [address]);
    const witness = new Witness(child);
    await once(child, "message");
    return witness;
  }

  freeze(): void {
    this.child.kill("SIGSTOP");
  }

  wake(): void {
    this.child.kill("SIGCONT");
  }

  kill(): void {
    this.child.kill("SIGKILL");
  }

  /** Lets it tell the rest. */
  async close(): Promise<void> {
    const exit = once(this.child, "exit");
    this.wake();
    this.child.send("end");
    await exit;
  }
}
