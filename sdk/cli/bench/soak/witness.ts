import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { generations } from "./frame-log.js";
import type { Seen } from "./witness-process.js";

/** A subscriber in another process, and what has come there. */
export class Witness {
  /** By sequence: the generation that both messages of a frame state; -2 where they do not agree, -1 where they did not come. */
  readonly generations: Int32Array;

  private constructor(
    private readonly child: ChildProcess,
    capacity: number,
  ) {
    this.generations = generations(capacity);
    child.on("message", (seen: Seen) => {
      for (const [sequence, generation] of seen) this.generations[sequence] = generation;
    });
  }

  /** Resolves once it is subscribed and something has come. */
  static async open(address: string, capacity: number): Promise<Witness> {
    const child = fork(fileURLToPath(new URL("./witness-process.js", import.meta.url)), [address]);
    const witness = new Witness(child, capacity);
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
