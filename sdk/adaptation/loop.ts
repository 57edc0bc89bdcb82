import type { Bundle, GenerationStore, Trust } from "../bundle/index.js";
import type { Perception } from "../engine/perception.js";
import { NightshiftError } from "../errors.js";
import type { Frame } from "../frame.js";
import { type ConditionName, type StreamEvent, streamEvent } from "../stream/events.js";
import type { VehicleState } from "../stream/vehicle.js";
import type { Measurements, Verdict } from "./judge/index.js";
import type { FrameMemory } from "./memory.js";
import type { WeatherMonitor, WeatherReport } from "./monitor/index.js";
import { defaultLoopOptions, type LoopChanges, type LoopOptions } from "./options.js";
import { type LiveSample, LiveProxies, LiveWindow, Probation } from "./probation.js";
import { type Outcome, runRound, type Tell } from "./round.js";
import { maskShares } from "./scene.js";
import { isGivenUp, Serving, type SwapTarget } from "./serving.js";
import { shrink } from "./shrink.js";
import { askedFor, TriggerPolicy } from "./trigger.js";
import { type LabelledSet, type Trainer, trainingOptionsFor } from "./trainer/index.js";

export interface LoopParts {
  /** What serves now. */
  readonly bundle: Bundle;
  /** What serves in a condition that nothing was learnt in. */
  readonly delivered: Bundle;
  readonly engine: SwapTarget;
  readonly trainer: Trainer;
  readonly memory: FrameMemory;
  readonly monitor: WeatherMonitor;
  readonly judge: (measurements: Measurements, condition: ConditionName) => Verdict;
  /** Where new generations are kept. */
  readonly generations: GenerationStore;
  /** Labelled frames besides those of the bundle. */
  readonly exemplars?: readonly LabelledSet[];
  /** As `BundleText` takes it. */
  readonly textEncoder?: string;
  /** Keys that bundles must be signed with; none where any bundle is read. */
  readonly trust?: Trust;
  readonly options?: Partial<LoopOptions>;
}

export type LoopState = "idle" | "collecting" | "training" | "judging" | "probation";

export interface LoopCounters {
  readonly triggers: number;
  readonly verdicts: { readonly accepted: number; readonly rejected: number };
  /** Learnt and accepted: swapped in, or kept for the next time of their condition. */
  readonly generations: number;
  readonly rolledBack: number;
  readonly trainerFailures: number;
}

/**
 * Goes on learning while frames stream by: idle, collecting, training, judging, then probation of what was swapped in, and idle again. When a condition
 * comes back, so does what was learnt in it, and by day the delivered weights. `observe` is called
 * for each answered frame and takes a millisecond or two, some ten where the frame is remembered; everything slow happens in the trainer's process.
 */
export class AdaptationLoop {
  #options: LoopOptions;
  readonly #serving: Serving;
  readonly #proxies = new LiveProxies();
  readonly #window: LiveWindow;
  /** What answers were like when each condition was last left. */
  readonly #usual = new Map<ConditionName, Required<LiveSample>>();
  readonly #triggers: TriggerPolicy;
  #counts = { triggers: 0, accepted: 0, rejected: 0, generations: 0, rolledBack: 0, trainerFailures: 0 };
  #state: LoopState = "idle";
  #framesInState = 0;
  /** Answered frames of each camera: they take turns, so one in so many of all might always be the same camera's. */
  readonly #frames = new Map<string, number>();
  #isPaused = false;
  /** Whether frames are remembered: not where nothing will be learnt from them. */
  #remembers = true;
  #vehicle: VehicleState = {};
  #vocabulary: readonly string[];
  /** The latest condition that was known. */
  #weather: ConditionName = "unknown";
  /** What is adapted to, or was last. */
  #condition: ConditionName | undefined;
  #probation: Probation | undefined;
  #work: Promise<void> | undefined;
  #abort = new AbortController();

  constructor(
    private readonly parts: LoopParts,
    private readonly onEvent: (event: StreamEvent) => void,
  ) {
    this.#options = { ...defaultLoopOptions, ...parts.options };
    const { probation, generationsKept } = this.options;
    const { bundle, delivered, engine, generations } = parts;
    this.#serving = new Serving({ bundle, delivered, engine, store: generations, kept: generationsKept, onError: (error) => this.#stateError(error) });
    this.#triggers = new TriggerPolicy(this.options);
    this.#window = new LiveWindow(probation.frames);
    this.#vocabulary = parts.bundle.manifest.vocabulary;
  }

  get options(): LoopOptions {
    return this.#options;
  }

  get state(): LoopState {
    return this.#state;
  }

  get isPaused(): boolean {
    return this.#isPaused;
  }

  /** What the monitor made of the latest frame; undefined before the first. */
  get weather(): WeatherReport | undefined {
    return this.parts.monitor.report;
  }

  get counters(): LoopCounters {
    const { accepted, rejected, ...counts } = this.#counts;
    return { ...counts, verdicts: { accepted, rejected } };
  }

  /** Takes in an answered frame. Returns what the monitor makes of it: a frame that is not fit makes its answer invalid, for `fitness.reasons`. */
  observe(frame: Frame, perception: Perception): WeatherReport {
    const count = (this.#frames.get(frame.camera) ?? 0) + 1;
    this.#frames.set(frame.camera, count);
    this.#framesInState++;
    if (perception.vocabulary.join("\n") !== this.#vocabulary.join("\n")) this.#wordsChanged(perception.vocabulary);
    const shares = maskShares(perception.mask, perception.vocabulary);
    const live = this.#proxies.sample(perception, shares);
    const report = this.parts.monitor.observe(frame, { confidence: live.confidence, vehicle: this.#vehicle });
    if (report.changed) this.#weatherChanged(report);
    if (report.fitness.fit && perception.valid) {
      if (count % this.options.offerEvery === 0) this.#offer(frame, report, shares);
      this.#watch(perception.generation, live);
    }
    this.#advance(report);
    return report;
  }

  /** Takes in what the vehicle says; what it leaves out stays as it was. */
  vehicle(state: VehicleState): void {
    this.#vehicle = { ...this.#vehicle, ...state };
  }

  /** Learns otherwise from now on; a training under way goes on as it began. */
  reconfigure(changes: LoopChanges): void {
    this.#options = { ...this.#options, ...changes };
    this.#triggers.reconfigure(this.#options);
  }

  /** Adapts to the present condition, changed or not. Throws `E_CONTROL` while paused or parked. Does nothing more while an adaptation is under way. */
  adaptNow(): void {
    const obstacle = this.#isPaused ? "it is paused" : this.#vehicle.parked ? "the vehicle is parked" : undefined;
    if (obstacle) throw new NightshiftError("E_CONTROL", { expected: "an adaptation that may start", received: obstacle, remedy: "Resume it, or drive on, first." });
    if (this.#state === "idle" || this.#state === "probation") this.#triggers.ask();
  }

  /** Starts nothing and changes nothing until `resume`; a training under way is stopped. */
  pause(): void {
    if (this.#isPaused) return;
    this.#isPaused = true;
    this.#triggers.forget();
    this.#abort.abort();
    if (this.#state === "collecting") this.#enter("idle");
    this.#tell("adaptation_paused", "Adaptation is paused.");
  }

  /** Pauses, and remembers no more frames until `resume`. */
  turnOff(): void {
    this.#remembers = false;
    this.pause();
  }

  resume(): void {
    if (!this.#isPaused) return;
    this.#isPaused = false;
    this.#remembers = true;
    this.#triggers.resumed();
    this.#tell("adaptation_resumed", "Adaptation goes on.");
    // The weather may have turned meanwhile.
    if (this.#weather !== "unknown") this.#follow(this.#turnTo(this.#weather));
  }

  /** Puts the previous generation back. A training under way is stopped, as it started from what is taken back. Throws `E_ENGINE` where there is none. */
  async rollBack(reason = askedFor, numbers: Readonly<Record<string, unknown>> = {}): Promise<void> {
    if (this.#serving.hasPrevious) this.#abort.abort();
    const { from, to } = await this.#serving.rollBack();
    this.#counts.rolledBack++;
    this.#probation = undefined;
    this.#window.clear();
    this.#triggers.rolledBack();
    if (this.#state === "probation") this.#enter("idle");
    this.#tell("rolled_back", `Generation ${from.generation} was taken back for ${to.generation}: ${reason}.`, { from: from.generation, generation: to.generation, reason, ...numbers });
  }

  /** Forgets every frame that was remembered; a training under way is stopped, as it holds them too. */
  async eraseFrames(): Promise<void> {
    this.#abort.abort();
    this.parts.memory.clear();
    await this.settled();
  }

  /** Resolves once no training, judging or swap is under way. */
  async settled(): Promise<void> {
    while (this.#work) await this.#work;
  }

  /** Stops a training under way. The loop starts nothing more. */
  async close(): Promise<void> {
    this.#isPaused = true;
    this.#abort.abort();
    await this.settled();
  }

  #weatherChanged({ condition, confidence, previous }: WeatherReport): void {
    if (this.#window.count >= this.options.probation.leastFrames) this.#usual.set(previous, this.#window.means);
    this.#compareAnew();
    this.#triggers.weatherChanged();
    this.#tell("weather_changed", `The weather turned from ${previous} to ${condition}.`, { from: previous, to: condition, confidence });
    if (condition === "unknown") return;
    this.#weather = condition;
    if (!this.#isPaused) this.#follow(this.#turnTo(condition));
  }

  #wordsChanged(names: readonly string[]): void {
    this.#vocabulary = names;
    this.parts.monitor.forgetConfidence();
    this.#usual.clear();
    this.#compareAnew();
  }

  /** Answers in another light, or in other words, cannot be compared with those of before. */
  #compareAnew(): void {
    this.#window.clear();
    if (!this.#probation) return;
    this.#probation = undefined;
    this.#enter("idle");
  }

  async #turnTo(condition: ConditionName): Promise<void> {
    const change = await this.#serving.turnTo(condition);
    if (!change) return;
    const { from, to } = change;
    this.#window.clear();
    const usual = this.#usual.get(condition);
    const isItsOwn = to.condition === condition && to.directory !== this.parts.delivered.directory;
    // It may have been accepted when its condition was over, and then nobody has watched it yet.
    if (usual && isItsOwn && this.#state === "idle") {
      this.#probation = new Probation(usual, this.options.probation);
      this.#enter("probation");
    }
    this.#tell("generation_swapped", `Generation ${to.generation} serves again, as it is ${condition}.`, { from: from.generation, generation: to.generation, condition });
  }

  #offer(frame: Frame, { condition, statistics: { thumbnail } }: WeatherReport, shares: ReadonlyMap<string, number>): void {
    // A vehicle that stands sees the same again and again.
    if (!this.#remembers || this.#vehicle.parked || this.#vehicle.speedMps === 0 || condition === "unknown") return;
    const { camera, sequence, captureTimeNs } = frame;
    const { memory } = this.parts;
    memory.offer({ id: `${camera}/${sequence}`, condition, captureTimeNs, scene: { thumbnail, shares }, rgb: () => shrink(frame, memory.options) });
  }

  #watch(generation: number, live: LiveSample): void {
    // Answers that were under way at a swap are still the old weights'.
    if (generation !== this.#serving.current.generation) return;
    if (!this.#probation) return this.#window.add(live);
    // It ends when adaptation goes on: until then nothing changes.
    if (this.#isPaused) return;
    const { before } = this.#probation;
    const outcome = this.#probation.observe(live);
    if (!outcome) return;
    const { after, frames } = this.#probation;
    this.#probation = undefined;
    this.#enter("idle");
    if (!outcome.passed) this.#follow(this.rollBack(outcome.reasons.join("; "), { before, after, frames }));
  }

  #advance({ condition, heldFrames }: WeatherReport): void {
    if (this.#work || this.#isPaused) return;
    if (this.#state === "idle" && !this.#vehicle.parked) this.#trigger(condition, heldFrames);
    if (this.#state !== "collecting") return;
    const held = this.parts.memory.frames(condition).length;
    const { framesWanted, framesNeeded, patienceFrames } = this.options;
    if (condition !== this.#condition) this.#enter("idle");
    else if (held >= framesWanted || (held >= framesNeeded && this.#framesInState >= patienceFrames)) this.#follow(this.#adapt(condition));
  }

  #trigger(condition: ConditionName, heldFrames: number): void {
    const reason = this.#triggers.reason(condition, heldFrames, this.#framesInState);
    if (reason === undefined) return;
    this.#triggers.forget();
    this.#condition = condition;
    this.#counts.triggers++;
    this.#enter("collecting");
    this.#tell("trigger", `Adaptation to ${condition} begins: ${reason}.`, { condition, reason });
  }

  async #adapt(condition: ConditionName): Promise<void> {
    const { trainer, judge, memory, exemplars = [], textEncoder, trust } = this.parts;
    this.#enter("training");
    const { signal } = (this.#abort = new AbortController());
    const onPhase = (phase: string): void => void (phase === "measuring" && this.#enter("judging"));
    const targets = memory.frames(condition).map(({ rgb }) => rgb);
    const plan = { condition, vocabulary: this.#vocabulary, textEncoder, trust, targets, exemplars, options: trainingOptionsFor(condition, this.options.training) };
    try {
      const weather = (): ConditionName => this.#weather;
      this.#judged(await runRound({ serving: this.#serving, trainer, judge, tell: this.#tell, weather, onPhase }, plan, signal));
    } catch (error) {
      this.#enter("idle");
      if (!signal.aborted) this.#failed(error);
    }
  }

  #judged(outcome: Outcome): void {
    const accepted = outcome !== "rejected";
    this.#counts[accepted ? "accepted" : "rejected"]++;
    this.#triggers.judged(accepted);
    if (accepted) this.#counts.generations++;
    if (outcome !== "serves") return this.#enter("idle");
    this.#probation = new Probation(this.#window.means, this.options.probation);
    this.#enter("probation");
  }

  #failed(error: unknown): void {
    if (isGivenUp(error)) return;
    this.#counts.trainerFailures++;
    const failures = this.#triggers.failed();
    const { code, message } = error instanceof NightshiftError ? error : { code: "E_TRAINER", message: String(error) };
    this.#tell("trainer_failed", message, { code, failures });
    if (failures < this.options.mostFailures) return;
    this.#isPaused = true;
    this.#tell("adaptation_paused", `Adaptation is paused after ${failures} failures in a row; the stream goes on.`, { failures });
  }

  #stateError(error: unknown): void {
    const { code, message } = error instanceof NightshiftError ? error : { code: "E_DISK", message: String(error) };
    this.#tell("state_error", message, { code });
  }

  /** Keeps hold of work under way, beside what may be under way already. */
  #follow(work: Promise<void>): void {
    const caught = work.catch((error: unknown) => this.#failed(error));
    const held = Promise.all([this.#work, caught]).then(() => void (this.#work === held && (this.#work = undefined)));
    this.#work = held;
  }

  #enter(state: LoopState): void {
    this.#state = state;
    this.#framesInState = 0;
  }

  readonly #tell: Tell = (kind, text, details) => this.onEvent(streamEvent(kind, text, details));
}
