import type { Frame } from "../../frame.js";
import type { ConditionName } from "../../stream/events.js";
import { type ConditionThresholds, type Context, defaultConditionThresholds, type Likelihoods, likelihoods, type Weather } from "./conditions.js";
import { defaultFitnessLimits, type Fitness, FitnessCheck, type FitnessLimits } from "./fitness.js";
import { type FrameStatistics, frameStatistics } from "./statistics.js";

export interface MonitorOptions {
  readonly thresholds: ConditionThresholds;
  readonly fitness: FitnessLimits;
  /** Frames over which likelihoods are averaged (exponentially). */
  readonly memoryFrames: number;
  /** Frames for which another condition must be ahead before it counts. */
  readonly holdFrames: number;
  /** How far ahead, and how likely at least, 0 to 1. */
  readonly lead: number;
  readonly least: number;
  /** Share of the network's usual confidence on clear days below which a day is not believed to be clear. */
  readonly leastConfidence: number;
}

export const defaultMonitorOptions: MonitorOptions = {
  thresholds: defaultConditionThresholds,
  fitness: defaultFitnessLimits,
  memoryFrames: 10,
  holdFrames: 8,
  lead: 0.15,
  least: 0.5,
  leastConfidence: 0.75,
};

export interface WeatherReport {
  readonly condition: ConditionName;
  /** How likely that is by now, 0 to 1; of `unknown`, how unlikely all others are. */
  readonly confidence: number;
  /** Averaged over the latest frames. */
  readonly likelihoods: Likelihoods;
  /** Whether the condition changed with this frame, and what it was before. */
  readonly changed: boolean;
  readonly previous: ConditionName;
  /** Frames for which the condition has held. */
  readonly heldFrames: number;
  readonly fitness: Fitness;
  readonly statistics: FrameStatistics;
}

const weathers = ["clear", "dusk", "night", "fog"] as const satisfies readonly Weather[];

/** Judges the weather from frame to frame. It changes its mind late: flicker, tunnels and a lorry ahead are not weather. */
export class WeatherMonitor {
  readonly options: MonitorOptions;
  #report: WeatherReport | undefined;
  #smooth: Record<Weather, number> | undefined;
  #condition: ConditionName = "unknown";
  #heldFrames = 0;
  #ahead: { readonly condition: ConditionName; frames: number } = { condition: "unknown", frames: 0 };
  /** Of the network on clear days, averaged slowly. */
  #usualConfidence: number | undefined;
  readonly #fitness = new Map<string, FitnessCheck>();

  constructor(options: Partial<MonitorOptions> = {}) {
    this.options = { ...defaultMonitorOptions, ...options };
  }

  /** Of the latest frame; undefined before the first. */
  get report(): WeatherReport | undefined {
    return this.#report;
  }

  observe(frame: Frame, context: Context = {}): WeatherReport {
    const statistics = frameStatistics(frame);
    const fitness = this.#fitnessOf(frame.camera).check(statistics, frame.captureTimeNs);
    const previous = this.#condition;
    // What a covered lens or a frozen camera shows is not the weather.
    if (fitness.fit) this.#average(this.#doubted(likelihoods(statistics, context, this.options.thresholds), context.confidence));
    const changed = fitness.fit && this.#decide();
    this.#heldFrames = changed ? 0 : this.#heldFrames + 1;
    const { clear = 0, dusk = 0, night = 0, fog = 0 } = this.#smooth ?? {};
    const averaged = { clear, dusk, night, fog };
    const confidence = this.#condition === "unknown" ? 1 - Math.max(clear, dusk, night, fog) : averaged[this.#condition];
    this.#report = { condition: this.#condition, confidence, likelihoods: averaged, changed, previous, heldFrames: this.#heldFrames, fitness, statistics };
    return this.#report;
  }

  /** How sure the network is on clear days is seen anew: asked in other words, it is as sure as they make it. */
  forgetConfidence(): void {
    this.#usualConfidence = undefined;
  }

  #fitnessOf(camera: string): FitnessCheck {
    const check = this.#fitness.get(camera) ?? new FitnessCheck(this.options.fitness);
    this.#fitness.set(camera, check);
    return check;
  }

  /** A network that is unusually unsure sees something that is not a clear day, whatever the pixels say. */
  #doubted(likely: Likelihoods, confidence: number | undefined): Likelihoods {
    if (confidence === undefined) return likely;
    const usual = this.#usualConfidence;
    if (this.#condition === "clear") this.#usualConfidence = usual === undefined ? confidence : usual + (confidence - usual) / 200;
    if (usual === undefined || confidence >= usual * this.options.leastConfidence) return likely;
    return { ...likely, clear: likely.clear / 2 };
  }

  #average(now: Likelihoods): void {
    const share = 1 / this.options.memoryFrames;
    this.#smooth ??= { ...now };
    for (const each of weathers) this.#smooth[each] += share * (now[each] - this.#smooth[each]);
  }

  /** Whether the condition changes now. */
  #decide(): boolean {
    const { holdFrames, lead, least } = this.options;
    const smooth = this.#smooth;
    if (!smooth) return false;
    const [first] = [...weathers].sort((a, b) => smooth[b] - smooth[a]);
    const present = this.#condition === "unknown" ? 0 : smooth[this.#condition];
    let candidate: ConditionName = this.#condition;
    if (first && smooth[first] >= least && smooth[first] >= present + lead) candidate = first;
    else if (first && smooth[first] < least - lead) candidate = "unknown";
    if (candidate !== this.#ahead.condition) this.#ahead = { condition: candidate, frames: 0 };
    this.#ahead.frames++;
    if (candidate === this.#condition || this.#ahead.frames < holdFrames) return false;
    this.#condition = candidate;
    return true;
  }
}
