import type { ChildProcess } from "node:child_process";
import { subscribe, unsubscribe } from "node:diagnostics_channel";

/** Where Node tells of every process that this one starts. */
const channel = "child_process";

/** The trainers that this process starts, deep inside of what is measured. */
export class Trainers {
  #children: ChildProcess[] = [];

  constructor() {
    subscribe(channel, this.#hear);
  }

  /** To those that run now, if any. */
  signal(signal: NodeJS.Signals): void {
    for (const child of this.#children.filter(({ spawnargs }) => spawnargs.some((argument) => argument.endsWith("trainer/main.js")))) child.kill(signal);
  }

  close(): void {
    unsubscribe(channel, this.#hear);
  }

  readonly #hear = (message: unknown): void => {
    const { process: started } = message as { process: ChildProcess };
    this.#children = [...this.#children.filter(({ exitCode, signalCode }) => exitCode === null && signalCode === null), started];
  };
}
