import { spawn, type ChildProcess } from "node:child_process";
import { createInterface, type Interface } from "node:readline";
import { NightshiftError } from "../../errors.js";

/** What a process that runs training steps is asked, one JSON object a line. */
export type StepRequest = { readonly kind: "steps"; readonly count: number } | { readonly kind: "save"; readonly path: string };

export interface Stepped {
  readonly kind: "stepped";
  /** Milliseconds of each step. */
  readonly ms: readonly number[];
  /** Losses and the gradient's norm of the last step. */
  readonly results: Readonly<Record<string, number>>;
  /** Peak resident memory above what the process had before it loaded the model. */
  readonly peakMb: number;
}

/** What it answers, one JSON object a line. `saved`: `student/<parameter>` and `first/<parameter>` are in the file. */
export type StepAnswer =
  | Stepped
  | { readonly kind: "ready"; readonly version: string }
  | { readonly kind: "saved" }
  /** A module that is not installed. */
  | { readonly kind: "missing"; readonly what: string };

/** A process that runs training steps when it is asked to and waits otherwise, so that two can take turns. */
export class StepProcess {
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
   * Starts a process and waits until its model is loaded.
   *
   * @param remedy what to do where the program, or a module that it needs, is missing
   * @throws `E_MISSING_TOOL`
   */
  static async start(command: string, args: readonly string[], remedy: string): Promise<{ readonly process: StepProcess; readonly version: string }> {
    const child = spawn(command, args, { stdio: ["pipe", "pipe", "inherit"] });
    const { stdout } = child;
    const process = new StepProcess(child, createInterface({ input: stdout }), remedy);
    try {
      const answer = await process.#answer("ready");
      return { process, version: answer.version };
    } catch (error) {
      await process.close();
      throw error;
    }
  }

  /** Does this many steps. */
  steps(count: number): Promise<Stepped> {
    return this.#ask({ kind: "steps", count }, "stepped");
  }

  /** Writes the student's weights and the first moments of its gradients as safetensors. */
  async save(path: string): Promise<void> {
    await this.#ask({ kind: "save", path }, "saved");
  }

  async close(): Promise<void> {
    this.child.stdin?.end();
    this.#lines.close();
    await this.#exit;
  }

  #ask<K extends StepAnswer["kind"]>(request: StepRequest, kind: K): Promise<Extract<StepAnswer, { kind: K }>> {
    this.child.stdin?.write(`${JSON.stringify(request)}\n`);
    return this.#answer(kind);
  }

  async #answer<K extends StepAnswer["kind"]>(kind: K): Promise<Extract<StepAnswer, { kind: K }>> {
    const line = await this.#answers.next();
    const answer = line.done === true ? undefined : (JSON.parse(line.value) as StepAnswer);
    if (answer && isKind(answer, kind)) return answer;
    const isStarting = kind === "ready";
    throw new NightshiftError(isStarting ? "E_MISSING_TOOL" : "E_ENGINE", {
      expected: `${this.child.spawnfile} to say ${kind}`,
      received: answer?.kind === "missing" ? answer.what : (answer?.kind ?? (await this.#exit)),
      remedy: isStarting ? this.remedy : "See what it wrote above.",
    });
  }
}

const isKind = <K extends StepAnswer["kind"]>(answer: StepAnswer, kind: K): answer is Extract<StepAnswer, { kind: K }> => answer.kind === kind;
