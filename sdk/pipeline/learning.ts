import { resolve } from "node:path";
import { judge, type JudgeBounds, judgeBoundsFor, untimed } from "../adaptation/judge/index.js";
import { AdaptationLoop } from "../adaptation/loop.js";
import { defaultLoopOptions, type LoopChanges } from "../adaptation/options.js";
import type { FrameMemory } from "../adaptation/memory.js";
import { WeatherMonitor } from "../adaptation/monitor/index.js";
import { checkTrainingOptions, type Machine, type Trainer, trainingOptionsFor } from "../adaptation/trainer/index.js";
import type { Bundle, Trust } from "../bundle/index.js";
import { checkTrains, isTrainableNetwork } from "../network/trainable.js";
import type { ConditionName, StreamEvent } from "../stream/events.js";
import { ownExemplars } from "./exemplars.js";
import { defaultSeed, type NightshiftOptions } from "./options.js";
import type { ServedModel } from "./served-model.js";
import type { State } from "./state.js";

export interface LearningParts {
  readonly options: NightshiftOptions;
  readonly delivered: Bundle;
  readonly model: ServedModel;
  readonly state: State;
  readonly memory: FrameMemory;
  readonly trainer: Trainer;
  readonly trust: Trust | undefined;
  readonly onEvent: (event: StreamEvent) => void;
}

/** The adaptation loop with its parts. Throws as `ownExemplars` does. */
export async function learning({ options, delivered, model, state, memory, trainer, trust, onEvent }: LearningParts): Promise<AdaptationLoop> {
  const { adaptation, exemplars, textEncoder, seed = defaultSeed, lockstep = false } = options;
  const { training, ...others } = adaptation || {};
  const bounds = (condition: ConditionName): JudgeBounds => (lockstep ? untimed(judgeBoundsFor(condition)) : judgeBoundsFor(condition));
  const loop = new AdaptationLoop(
    {
      bundle: model.bundle,
      delivered,
      engine: model,
      trainer,
      memory,
      monitor: new WeatherMonitor(),
      judge: (measurements, condition) => judge(measurements, bounds(condition)),
      generations: state.generations,
      ...(exemplars !== undefined && { exemplars: [await ownExemplars(exemplars, delivered.network)] }),
      ...(textEncoder !== undefined && { textEncoder: resolve(textEncoder) }),
      trust,
      options: { ...others, training: { seed, ...training } },
    },
    onEvent,
  );
  // What cannot be taught is served as it is, and where nothing can be kept, nothing is learnt.
  if (adaptation === false || whyNotLearning(delivered, state) !== undefined) loop.turnOff();
  return loop;
}

/** Throws `E_CONFIG` for options that cannot be, or where this machine cannot keep a training's limits, or the bundle has nothing of what is to learn. */
export function checkTraining({ training = {} }: LoopChanges, { network }: Bundle, machine: Machine): void {
  checkTrainingOptions(training);
  machine.require(training);
  // The same in every condition.
  if (isTrainableNetwork(network)) checkTrains(trainingOptionsFor("clear", training).trains, network);
}

/** What keeps from learning whatever the options say, in words; undefined where nothing does. */
export function whyNotLearning({ network }: Bundle, state: State): string | undefined {
  if (!isTrainableNetwork(network)) return "a model that cannot be taught";
  return state.unwritable && "a state folder in which nothing can be kept";
}

/** Changes how is learnt, or whether; `wasOff`: the options before said not at all. A pause that was asked for meanwhile stays. */
export function learnOtherwise(loop: AdaptationLoop, adaptation: false | LoopChanges, wasOff: boolean, { delivered, state, seed }: { readonly delivered: Bundle; readonly state: State; readonly seed: number }): void {
  if (adaptation === false) return loop.turnOff();
  const { conditions, furtherRounds } = defaultLoopOptions;
  loop.reconfigure({ conditions, furtherRounds, ...adaptation, training: { seed, ...adaptation.training } });
  if (wasOff && whyNotLearning(delivered, state) === undefined) loop.resume();
}
