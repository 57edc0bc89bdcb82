import { fileURLToPath } from "node:url";
import { stepProcess } from "../../adaptation/trainer/index.js";
import { LineProcess, type LineProgram } from "./line-process.js";

/** What a process that runs training steps is asked. */
export type StepRequest = { readonly kind: "steps"; readonly count: number } | { readonly kind: "save"; readonly path: string };

export interface Stepped {
  /** Milliseconds of each step. */
  readonly ms: readonly number[];
  /** Losses and the gradient's norm of the last step. */
  readonly results: Readonly<Record<string, number>>;
  /** Peak resident memory above what the process had before it loaded the model. */
  readonly peakMb: number;
}

/** What it answers, by kind. `saved`: `student/<parameter>` and `first/<parameter>` are in the file. */
export interface StepAnswers {
  readonly ready: { readonly version: string };
  readonly stepped: Stepped;
  readonly saved: object;
}

export type StepAnswer = { readonly [K in keyof StepAnswers]: StepAnswers[K] & { readonly kind: K } }[keyof StepAnswers];

/** A program of this folder that runs training steps, as the trainer runs them. */
export const stepProgram = (file: string): LineProgram => ({
  command: process.execPath,
  script: [...stepProcess.flags, fileURLToPath(new URL(file, import.meta.url))],
  environment: stepProcess.environment,
  remedy: "See what it wrote above.",
});

/** A process that runs training steps when it is asked to. */
export class StepProcess {
  private constructor(private readonly process: LineProcess<StepRequest, StepAnswers>) {}

  /** Starts it and waits until its model is loaded. Throws as `LineProcess.start`. */
  static async start(program: LineProgram, args: readonly string[]): Promise<{ readonly process: StepProcess; readonly version: string }> {
    const { process, version } = await LineProcess.start<StepRequest, StepAnswers>(program, args);
    return { process: new StepProcess(process), version };
  }

  /** Does this many steps. */
  steps(count: number): Promise<Stepped> {
    return this.process.ask({ kind: "steps", count }, "stepped");
  }

  /** Writes the student's weights and the first moments of its gradients as safetensors. */
  async save(path: string): Promise<void> {
    await this.process.ask({ kind: "save", path }, "saved");
  }

  close(): Promise<void> {
    return this.process.close();
  }
}
