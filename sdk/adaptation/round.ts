import type { ConditionName, EventKindName } from "../stream/events.js";
import type { Measurements, Verdict } from "./judge/index.js";
import type { Serving } from "./serving.js";
import { defaultLesserShares, type Trainer, type TrainingJob, type TrainingProgress, type TrainingResult } from "./trainer/index.js";
import { inWords, type Limits } from "./trainer/rest.js";

export type Tell = (kind: EventKindName, text: string, details?: Readonly<Record<string, unknown>>) => void;

export interface RoundParts {
  readonly serving: Serving;
  readonly trainer: Trainer;
  readonly judge: (measurements: Measurements, condition: ConditionName) => Verdict;
  readonly tell: Tell;
  /** The present condition. */
  readonly weather: () => ConditionName;
  readonly onPhase: (phase: TrainingProgress["phase"]) => void;
}

export type RoundPlan = Pick<TrainingJob, "condition" | "vocabulary" | "targets" | "exemplars" | "options" | "textEncoder" | "trust">;

export type Outcome = "serves" | "shelved" | "rejected";

/** One adaptation: train, judge, and swap what was accepted. Throws where the trainer or the swap fails; what served then still serves. */
export async function runRound(parts: RoundParts, plan: RoundPlan, signal: AbortSignal): Promise<Outcome> {
  const { serving, trainer, judge, tell, weather } = parts;
  const { generation, directory } = await serving.next();
  const { condition, targets, options } = plan;
  tell("trainer_started", `Learning from ${targets.length} frames of ${condition}.`, { generation, condition, frames: targets.length, steps: options.steps });
  const job = { ...plan, bundleDirectory: serving.current.directory, deliveredDirectory: serving.delivered.directory, outDirectory: directory, generation, lesserShares: defaultLesserShares };
  try {
    const result = await trainer.train(job, progressTold(parts, generation, options), signal);
    signal.throwIfAborted();
    const verdict = judge(result.measurements, condition);
    tellVerdict(tell, result, verdict, condition);
    if (!verdict.accepted) {
      tell("generation_rejected", `Generation ${generation} does not serve: ${verdict.reasons.join("; ")}.`, { generation, condition, reasons: verdict.reasons });
      await serving.discard(generation);
      return "rejected";
    }
    const from = serving.current.generation;
    if (await serving.accept({ directory, generation, condition }, weather)) {
      tell("generation_swapped", `Generation ${generation} serves, learnt in ${condition}.`, { from, generation, condition });
      return "serves";
    }
    const [now, waits] = [weather(), `Generation ${generation} waits for the next ${condition}`];
    tell("generation_shelved", now === condition ? `${waits}.` : `${waits}: it is ${now} by now.`, { generation, condition });
    return "shelved";
  } catch (error) {
    await serving.discard(generation);
    throw error;
  }
}

/** Every step and every new phase, when it rests and when it goes on, but not every sign of life. */
function progressTold({ tell, onPhase }: RoundParts, generation: number, limits: Limits): (progress: TrainingProgress) => void {
  let last: TrainingProgress | undefined;
  return (progress) => {
    const isNews = progress.phase !== last?.phase || progress.step !== last.step;
    const isOtherRest = progress.rest?.because !== last?.rest?.because;
    if (progress.phase !== last?.phase) onPhase(progress.phase);
    last = progress;
    const { phase, step, steps, losses, rest } = progress;
    if (isNews) tell("trainer_progress", `${phase}, ${step} of ${steps} steps.`, { generation, phase, step, steps, ...(losses && { loss: losses.total, losses }) });
    if (isOtherRest) tell(rest ? "trainer_rests" : "trainer_goes_on", inWords(rest, limits), { generation, ...rest });
  };
}

function tellVerdict(tell: Tell, { generation, share, seconds, losses }: TrainingResult, verdict: Verdict, condition: ConditionName): void {
  const summary = verdict.accepted ? "is accepted" : `is rejected: ${verdict.reasons.join("; ")}`;
  const part = share < 1 ? `, ${Math.round(100 * share)} % of what was learnt,` : "";
  tell("verdict", `Generation ${generation}${part} ${summary}.`, { ...verdict, generation, condition, share, seconds, steps: losses.length });
}
