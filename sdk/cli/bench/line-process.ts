import { spawn, type ChildProcess } from "node:child_process";
import { createInterface, type Interface } from "node:readline";
import { NightshiftError } from "../../errors.js";

/** A program that is asked line by line. */
export interface LineProgram {
  readonly command: string;
  /** What comes before its own arguments: the script, after what the interpreter is told. */
  readonly script: readonly string[];
  /** Variables of its environment, besides this process's own. */
  readonly environment?: Readonly<Record<string, string>>;
  /** What to do where the program, or a module that it needs, is missing. */
  readonly remedy: string;
}

/** What a process says, as a line of JSON: of some kind, with what belongs to it. `missing`: a module is not installed, `what` says which. */
interface Answer {
  readonly kind: string;
  readonly version?: string;
  readonly what?: string;
}

/**
 * A process that does what it is asked, one JSON object a line in, one a line out, and waits otherwise, so that two can take turns.
 * `Answers`: what belongs to an answer, by its kind.
 */
export class LineProcess<Request, Answers> {
  readonly #answers: AsyncIterator<string>;
  readonly #lines: Interface;
  readonly #exit: Promise<string>;

  private constructor(
    private readonly child: ChildProcess,
    lines: Interface,
    private readonly remedy: string,
  ) {
    this.#lines = lines;
    this.#answers = lines[Symbol.asyncIterator]();
    this.#exit = new Promise((resolve) => {
      child.once("error", (error) => resolve(error.message));
      child.once("exit", (code, signal) => resolve(`exit code ${code ?? signal ?? "unknown"}`));
    });
    // A process that has ended is found out by the answer that does not come.
    child.stdin?.on("error", () => undefined);
  }

  /**
   * Starts a program as a process and waits until it says that it is ready.
   *
   * @throws `E_MISSING_TOOL`
   */
  static async start<Request, Answers>(
    { command, script, environment, remedy }: LineProgram,
    args: readonly string[],
  ): Promise<{ readonly process: LineProcess<Request, Answers>; readonly version: string }> {
    const child = spawn(command, [...script, ...args], { stdio: ["pipe", "pipe", "inherit"], env: { ...globalThis.process.env, ...environment } });
    const { stdout } = child;
    const process = new LineProcess<Request, Answers>(child, createInterface({ input: stdout }), remedy);
    try {
      const { version = "" } = await process.#answer("ready");
      return { process, version };
    } catch (error) {
      await process.close();
      throw error;
    }
  }

  /** Asks it, and waits for an answer of this kind. Throws `E_ENGINE` where it answers something else, or ends. */
  async ask<K extends keyof Answers & string>(request: Request, kind: K): Promise<Answers[K]> {
    this.child.stdin?.write(`${JSON.stringify(request)}\n`);
    return (await this.#answer(kind)) as Answers[K];
  }

  async close(): Promise<void> {
    this.child.stdin?.end();
    this.#lines.close();
    await this.#exit;
  }

  async #answer(kind: string): Promise<Answer> {
    const line = await this.#answers.next();
    const answer = line.done === true ? undefined : (JSON.parse(line.value) as Answer);
    if (answer?.kind === kind) return answer;
    const isStarting = kind === "ready";
    throw new NightshiftError(isStarting ? "E_MISSING_TOOL" : "E_ENGINE", {
      expected: `${this.child.spawnfile} to say ${kind}`,
      received: answer ? (answer.what ?? answer.kind) : await this.#exit,
      remedy: isStarting ? this.remedy : "See what it wrote above.",
    });
  }
}
