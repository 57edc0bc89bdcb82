/** The trainer's process. Started by `TrainerProcess` with an IPC channel; trains once and leaves. */
import type { Exemplar } from "../../bundle/index.js";
import { failureOf, NightshiftError } from "../../errors.js";
import { Budget } from "./budget.js";
import { learners } from "./learners.js";
import type { FromTrainer, ToTrainer } from "./messages.js";
import { lowerPriority, yieldMemory } from "./priority.js";
import { train } from "./train.js";

const targets: Uint8Array[] = [];
const samples: Exemplar[][] = [];
let order: Extract<ToTrainer, { kind: "job" }> | undefined;
let budget: Budget | undefined;

const tell = (message: FromTrainer): Promise<void> =>
  new Promise((resolve, reject) => {
    process.send?.(message, undefined, undefined, (error) => (error ? reject(error) : resolve()));
  });

async function start(): Promise<void> {
  if (!order) throw new NightshiftError("E_TRAINER", { expected: "a job before the start", received: "none", remedy: "Send the job first." });
  const { job, sets } = order;
  const createLearner = await learners[job.options.learner]();
  const exemplars = sets.map((set, at) => ({ ...set, samples: samples[at] ?? [] }));
  // Progress that cannot be told any more means that the parent is gone, which ends this process below.
  const result = await train({ ...job, targets, exemplars }, createLearner, (progress) => void tell({ kind: "progress", progress }).catch(() => process.exit(1)), budget);
  await tell({ kind: "done", result });
}

function take(message: ToTrainer): void {
  if (message.kind === "job") {
    order = message;
    budget = new Budget(message.job.options.duty);
    lowerPriority(message.job.options.niceness);
    yieldMemory();
  } else if (message.kind === "target") targets.push(message.rgb);
  else if (message.kind === "exemplar") (samples[message.set] ??= []).push(message.sample);
  else if (message.kind === "rest") budget?.hold();
  else if (message.kind === "go on") budget?.goOn();
  else start().catch(fail);
}

function fail(cause: unknown): void {
  const failure = failureOf(cause, { code: "E_TRAINER", expected: "the training to go through", remedy: "The weights that serve are untouched; see the trainer's message." });
  // The parent ends this process once it has read the message: leaving now could overtake it.
  tell({ kind: "failed", failure }).catch(() => process.exit(1));
}

// Whoever trains for nobody should stop.
process.on("disconnect", () => process.exit());
process.on("uncaughtException", fail);
process.on("message", take);
void tell({ kind: "ready" });
