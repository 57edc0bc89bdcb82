import type { Learner, StepResults } from "../engine/learner.js";

export interface StepsOptions {
  readonly learner: Learner;
  /** Steps of the whole schedule, over which the rates fall; the first of them warm up. */
  readonly steps: number;
  readonly warmUp: number;
  /** Ends sooner, after this long over all runs together. */
  readonly minutes?: number;
  /** What was done in earlier runs. */
  readonly found?: { readonly steps: number; readonly minutes: number };
  /** One step, at this share of the rates. */
  readonly step: (factor: number) => Promise<StepResults>;
  /** Keeps what was learnt so far, after so many minutes over all runs. */
  readonly checkpoint: (minutes: number) => Promise<void>;
  readonly onProgress?: (line: string) => void;
}

const minutesBetweenCheckpoints = 3;

/** Warms up linearly, then falls along half a cosine. `progress` from 0 to 1. */
const rateFactor = (step: number, progress: number, warmUp: number): number =>
  Math.min(1, (step + 1) / warmUp) * (0.5 + 0.5 * Math.cos(Math.PI * Math.min(1, progress)));

/** The teacher's share that it keeps at each step: at first the average is a short one. */
export const teacherAlpha = ({ steps }: Learner): number => Math.min(0.998, (1 + steps) / (10 + steps));

/** Goes through a schedule of steps. Answers with the minutes over all runs, and the losses averaged over the last hundred steps. */
export async function goThrough({ learner, steps, warmUp, minutes: most = Infinity, found, step, checkpoint, onProgress }: StepsOptions): Promise<{ minutes: number; losses: Record<string, number> }> {
  const started = performance.now();
  const minutesBefore = found?.minutes ?? 0;
  const progressBefore = found ? Math.max(found.steps / steps, found.minutes / most) : 0;
  const minutes = (): number => minutesBefore + (performance.now() - started) / 60_000;
  const progress = (): number => Math.max(learner.steps / steps, minutes() / most);
  const losses: Record<string, number> = {};
  let lastCheckpoint = minutes();
  while (progress() < 1) {
    const result = await step(rateFactor(learner.steps, progress(), warmUp));
    for (const [name, value] of Object.entries(result)) if (value.length === 1) losses[name] = (losses[name] ?? value[0]) * 0.99 + value[0] * 0.01;
    if (learner.steps % 20 === 0) {
      const left = (minutes() - minutesBefore) * ((1 - progress()) / Math.max(1e-6, progress() - progressBefore));
      const shown = Object.entries(losses).map(([name, value]) => `${name} ${value.toFixed(3)}`);
      onProgress?.(`step ${learner.steps} of ${steps}, ${minutes().toFixed(1)} min, ${left.toFixed(0)} min left: ${shown.join(", ")}`);
    }
    if (minutes() - lastCheckpoint > minutesBetweenCheckpoints) {
      lastCheckpoint = minutes();
      await checkpoint(minutes());
    }
  }
  await checkpoint(minutes());
  return { minutes: minutes(), losses };
}
