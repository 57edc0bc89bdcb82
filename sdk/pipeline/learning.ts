import { judge, type JudgeBounds, judgeBoundsFor } from "../adaptation/judge/index.js";
import { AdaptationLoop } from "../adaptation/loop.js";
import type { FrameMemory } from "../adaptation/memory.js";
import { WeatherMonitor } from "../adaptation/monitor/index.js";
import { TrainerProcess } from "../adaptation/trainer/index.js";
import type { Bundle } from "../bundle/index.js";
import type { ConditionName, StreamEvent } from "../stream/events.js";
import { ownExemplars } from "./exemplars.js";
import { defaultSeed, type NightshiftOptions } from "./options.js";
import type { ServedModel } from "./served-model.js";
import type { State } from "./state.js";

/** The adaptation loop with its parts. Throws as `ownExemplars`. */
export async function learning(options: NightshiftOptions, delivered: Bundle, model: ServedModel, state: State, memory: FrameMemory, onEvent: (event: StreamEvent) => void): Promise<AdaptationLoop> {
  const { adaptation, exemplars, seed = defaultSeed, lockstep = false } = options;
  const { training, ...others } = adaptation || {};
  const bounds = (condition: ConditionName): JudgeBounds => ({ ...judgeBoundsFor(condition), ...(lockstep && { latencyRatio: Infinity }) });
  const loop = new AdaptationLoop(
    {
      bundle: model.bundle,
      delivered,
      engine: model,
      trainer: new TrainerProcess(),
      memory,
      monitor: new WeatherMonitor(),
      judge: (measurements, condition) => judge(measurements, bounds(condition)),
      generations: state.generations,
      ...(exemplars !== undefined && { exemplars: [await ownExemplars(exemplars)] }),
      options: { ...others, training: { seed, ...training } },
    },
    onEvent,
  );
  if (adaptation === false || state.unwritable) loop.pause();
  return loop;
}
