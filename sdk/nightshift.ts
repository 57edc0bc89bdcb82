import type { AdaptationLoop, LoopCounters } from "./adaptation/loop.js";
import { defaultMemoryOptions, type FrameMemory } from "./adaptation/memory.js";
import { defaultTrainingOptions, Machine, TrainerProcess } from "./adaptation/trainer/index.js";
import { type Bundle, contentOf, findBundle, readBundle, readTrust, type Trust } from "./bundle/index.js";
import { SwappableEngine } from "./engine/hot-swap.js";
import type { Perception } from "./engine/perception.js";
import { Turns } from "./engine/turns.js";
import { NightshiftError } from "./errors.js";
import type { Frame } from "./frame.js";
import { AnswerStream } from "./pipeline/answer-stream.js";
import { createEngine } from "./pipeline/engine.js";
import { FanOut } from "./pipeline/fan-out.js";
import { checkTraining, learning, learnOtherwise, whyNotLearning } from "./pipeline/learning.js";
import { defaultBundle, defaultSeed, defaultSource, type NightshiftOptions } from "./pipeline/options.js";
import { type Handler, Outlets } from "./pipeline/outlets.js";
import { inWords, type LiveOptions, type Reconfiguration } from "./pipeline/reconfiguration.js";
import { ServedModel } from "./pipeline/served-model.js";
import { retell } from "./pipeline/retold.js";
import { openSources, shownSource, type Source } from "./pipeline/source.js";
import { State } from "./pipeline/state.js";
import type { About } from "./recording/about.js";
import { Recorder } from "./recording/recorder.js";
import type { Camera } from "./stream/camera.js";
import { type ConditionName, type EventKindName, type StreamEvent, streamEvent } from "./stream/events.js";
import { LatencyHistogram, type Percentiles } from "./stream/metrics.js";
import type { BudgetStatus, Status } from "./stream/status.js";
import type { VehicleState } from "./stream/vehicle.js";
import { version } from "./version.js";

/** No more than this of what was remembered is lost where the power fails. */
const memoryKeptEveryMs = 60_000;

/** What the network saw in one frame, and under what conditions. */
export interface Answer extends Perception {
  readonly condition: ConditionName;
}

/** What `start` opens, each before those that need it. */
interface Parts {
  readonly options: NightshiftOptions;
  readonly sources: readonly Source[];
  readonly delivered: Bundle;
  /** Who must have signed whatever serves; any bundle does where this is left out. */
  readonly trust: Trust | undefined;
  readonly state: State;
  readonly machine: Machine;
  readonly model: ServedModel;
  readonly memory: FrameMemory;
  readonly onError: (error: unknown, event?: StreamEvent) => void;
}

/**
 * The whole of it: a camera's frames go through one network, answers go out, and when night or fog falls the network learns from what it sees.
 *
 *     const nightshift = await Nightshift.start({ source: "drive", bundle: "default" });
 *     for await (const { sequence, boxes } of nightshift.answers()) console.log(sequence, boxes);
 *     await nightshift.stop();
 */
export class Nightshift {
  readonly #startedMs = performance.now();
  readonly #answers = new FanOut<Answer>("newest");
  readonly #events = new FanOut<StreamEvent>("queued");
  /** A camera each. */
  readonly #streams: readonly AnswerStream[];
  #outlets: Outlets | undefined;
  #loop: AdaptationLoop | undefined;
  readonly #trainer: TrainerProcess;
  #condition: ConditionName = "unknown";
  /** Cameras that are lost and not back, by name. */
  readonly #lostCameras = new Set<string>();
  /** When the latest frame was captured. */
  #frameTimeMs = 0;
  #ended: Promise<void> = Promise.resolve();
  #stopped: Promise<void> | undefined;
  #keeper: NodeJS.Timeout | undefined;
  #renewal: Promise<void> | undefined;
  /** Whether the options in force say not to learn. */
  #learnsNot: boolean;
  readonly #reconfigurations = new Turns();

  private constructor(private readonly parts: Parts) {
    const { options, sources, model, machine } = parts;
    this.#learnsNot = options.adaptation === false;
    this.#trainer = new TrainerProcess({}, machine);
    const turns = sources.length > 1 ? { turns: new Turns() } : {};
    this.#streams = sources.map(
      (source) =>
        new AnswerStream({
          camera: source.camera,
          policy: source.policy,
          engine: model.engine,
          ...turns,
          take: (frame, perception) => this.#take(frame, perception, source),
          renew: () => this.#renew(),
          ...(options.lockstep && { before: (frame) => this.#before(frame) }),
          onError: (error) => this.#frameFailed(source.camera.name, error),
        }),
    );
  }

  /**
   * Starts to stream. Frames come from the next turn of the event loop on, so whoever asks for `answers()` at once misses none.
   * Throws, with everything closed again: `E_BUNDLE_*`, `E_CAMERA`, `E_CONFIG`, `E_VOCABULARY`, `E_TEXT_ENCODER`, `E_ADDRESS_IN_USE`, `E_ENGINE`, `E_GOLDEN`, `E_DATASET*`,
   * `E_RECORDING`, `E_KEY`, `E_UNTRUSTED`, `E_EXPOSED`, `E_PROVIDER`; from the native module also `E_NATIVE`, `E_ONNXRUNTIME`, `E_TENSORRT*`, `E_GPU`.
   */
  static async start(options: NightshiftOptions = {}): Promise<Nightshift> {
    const onError = options.onError ?? ((error: unknown) => console.error(error));
    let nightshift: Nightshift | undefined;
    // Told as soon as somebody can hear it.
    const damage: unknown[] = [];
    const sources = await openSources(options, (camera) => ({
      onError: (error) => (nightshift ? nightshift.#tellError("camera_error", error, camera) : onError(error)),
      onLost: (error) => (nightshift ? nightshift.#lost(camera, error) : onError(error)),
      onBack: () => (nightshift ? nightshift.#back(camera) : undefined),
    }));
    const signers = options.trust && (await readTrust(options.trust));
    const delivered = await readBundle(findBundle(options.bundle ?? defaultBundle), { trust: signers });
    const state = await State.open(options, delivered, sources.map(({ camera }) => camera.name).join("+"));
    const engine = new SwappableEngine(() => createEngine(options));
    let machine: Machine | undefined;
    try {
      machine = await Machine.open();
      if (options.adaptation) checkTraining(options.adaptation, delivered, machine);
      // What serves was either delivered or learnt here.
      const trust = signers && [...signers, ...(await state.generations.publicKeys())];
      const model = await ServedModel.load(engine, await state.current(delivered, (error) => damage.push(error), trust), { names: options.vocabulary, textEncoder: options.textEncoder, trust });
      const memory = await state.memory(delivered, (error) => damage.push(error));
      nightshift = new Nightshift({ options, sources, delivered, trust, state, memory, machine, model, onError });
      await nightshift.#open();
      for (const error of damage) nightshift.#tellError("state_error", error);
      return nightshift;
    } catch (error) {
      if (nightshift) await nightshift.stop();
      else {
        machine?.close();
        await engine.close();
        await state.close();
      }
      throw error;
    }
  }

  /** Answers from now on, until the stream ends or `stop`. A camera whose policy is `every`, as a recording's, waits for whoever reads; of one whose policy is `newest`, slow readers miss frames. */
  answers(): AsyncIterable<Answer> {
    return this.#answers.reader();
  }

  /** Events from now on, to the last: weather, triggers, training, verdicts, swaps. A reader who is more than a thousand behind misses the oldest. */
  events(): AsyncIterable<StreamEvent> {
    return this.#events.reader();
  }

  /**
   * Resolves when the cameras have ended and their last frames are answered; a live one that Nightshift opened does not end, as it is opened again when it is lost.
   * Rejects then with what ended the first of them that ended otherwise, `E_CAMERA` mostly.
   */
  get ended(): Promise<void> {
    return this.#ended;
  }

  /** Resolves once no training, judging or swap is under way. */
  async settled(): Promise<void> {
    await this.#adaptation.settled();
  }

  /** Where answers are published, where control requests are taken, and where the page is. */
  get addresses(): Outlets["addresses"] {
    return this.#running.addresses;
  }

  get status(): Status {
    const { model, memory } = this.parts;
    const loop = this.#adaptation;
    const nowMs = performance.now();
    return {
      generation: model.generation,
      vocabulary: model.names,
      condition: this.#condition,
      adaptation: loop.state,
      paused: loop.isPaused,
      framesRemembered: memory.counters.held,
      uptimeSeconds: (nowMs - this.#startedMs) / 1000,
      cameras: this.#streams.map(({ camera, counters: { framesIn, answered, dropped, lost }, rate, recentLatencyMs }) => ({ camera, framesIn, answered, dropped, lost, fps: rate.perSecond(nowMs), latencyMs: recentLatencyMs, isLost: this.#lostCameras.has(camera) })),
      budget: this.#budget,
    };
  }

  get #budget(): BudgetStatus {
    const { duty: share, threads, niceness, memoryMb, mostCelsius, mostWatts } = { ...defaultTrainingOptions, ...this.#adaptation.options.training };
    const { reading, holds, lacks } = this.parts.machine;
    return { share, threads, niceness, memoryMb, ...(mostCelsius !== undefined && { mostCelsius }), ...(mostWatts !== undefined && { mostWatts }), ...this.#trainer.present, ...reading, holds, lacks };
  }

  /** Answers a second, over the whole run. */
  get fps(): number {
    return this.#streams.reduce((sum, { rate }) => sum + rate.overallPerSecond, 0);
  }

  /** Capture to answer, over the whole run; `status` tells of the latest hundred answers. */
  get latencyMs(): Percentiles {
    const all = new LatencyHistogram();
    for (const { latency } of this.#streams) all.add(latency);
    return all.percentiles;
  }

  /** What learning came to so far. */
  get learned(): LoopCounters {
    return this.#adaptation.counters;
  }

  /** Folders of the bundle that was delivered, and of the one that serves now. The second may go when Nightshift stops. */
  get bundles(): { readonly delivered: string; readonly serving: string } {
    const { delivered, model } = this.parts;
    return { delivered: delivered.directory, serving: model.bundle.directory };
  }

  /** What was recorded, where anything is. */
  get recorded(): Outlets["recorded"] {
    return this.#running.recorded;
  }

  /** Answers in other words from the next frame on. Throws `E_VOCABULARY` unless there are 1 to 64 different names. */
  async setVocabulary(names: readonly string[]): Promise<void> {
    await this.parts.model.setVocabulary(names);
    this.#publish(streamEvent("vocabulary_changed", `Answers are in ${names.length} words now.`, { vocabulary: names }));
  }

  /**
   * Changes options while frames stream; none is lost. What `read` says that needs a restart is told along with what changed.
   * Whatever `read` throws, or `E_VOCABULARY`, is told too, thrown, and leaves everything as it was.
   */
  reconfigure(read: () => Promise<Reconfiguration>): Promise<void> {
    return this.#reconfigurations.take(async () => {
      try {
        const asked = await read();
        await this.#change(asked.changes);
        this.#publish(streamEvent("configuration_reloaded", inWords(asked), { changed: Object.keys(asked.changes), needsRestart: asked.refused ?? {} }));
      } catch (error) {
        this.#tellError("configuration_error", error);
        throw error;
      }
    });
  }

  /** Adapts to the present condition. Throws `E_CONTROL` while paused or parked. */
  adaptNow(): void {
    this.#adaptation.adaptNow();
  }

  /** Learns no more until `resume`; the stream goes on. */
  pause(): void {
    this.#adaptation.pause();
  }

  /** Throws `E_CONTROL` where the options say never to learn, or nothing can be learnt. */
  resume(): void {
    const { delivered, state } = this.parts;
    const obstacle = this.#learnsNot ? "options that say never to learn" : whyNotLearning(delivered, state);
    if (obstacle !== undefined)
      throw new NightshiftError("E_CONTROL", { expected: "an adaptation that may go on", received: obstacle, remedy: "Change the configuration, or start with a bundle and a state folder that allow it." });
    this.#adaptation.resume();
  }

  /** Puts the previous generation back. Throws `E_ENGINE` where there is none. */
  async rollBack(): Promise<void> {
    await this.#adaptation.rollBack();
  }

  /** Takes in what the vehicle knows of itself. */
  vehicleState(state: VehicleState): void {
    this.#adaptation.vehicle(state);
    this.#publish(streamEvent("vehicle_state", "The vehicle told of itself.", { ...state }));
  }

  /** Forgets every frame that was remembered, in memory and on the disk; a training under way is given up. What was learnt stays. */
  async eraseFrames(): Promise<void> {
    const { state, memory } = this.parts;
    await this.#adaptation.eraseFrames();
    await state.eraseFrames(memory);
    this.#publish(streamEvent("frames_erased", "The frames that were remembered are erased."));
  }

  /** Ends the stream and everything that belongs to it, whoever reads it or does not; a training under way is given up. */
  stop(): Promise<void> {
    return (this.#stopped ??= this.#close());
  }

  /** There before anybody outside can ask: sockets and the page answer from the moment that they listen. */
  get #adaptation(): AdaptationLoop {
    if (this.#loop) return this.#loop;
    throw isStarting();
  }

  get #running(): Outlets {
    if (this.#outlets) return this.#outlets;
    throw isStarting();
  }

  async #open(): Promise<void> {
    const { options, delivered, model, state, memory, trust, onError } = this.parts;
    // In lockstep, the adaptation's clock is the frames' own.
    const now = options.lockstep ? { now: () => this.#frameTimeMs } : {};
    const timed = options.adaptation === false ? options : { ...options, adaptation: { ...now, ...options.adaptation } };
    this.#loop = await learning({ options: timed, delivered, model, state, memory, trainer: this.#trainer, trust, onEvent: (event) => this.#publish(event) });
    const about = { source: options.cameras || typeof options.source === "object" ? this.#names.join(", ") : shownSource(options.source ?? defaultSource), bundle: options.bundle ?? defaultBundle };
    this.#outlets = await Outlets.open(options, handlerOf(this), about, () => this.#recorder(), onError);
    // What is forgotten as it is old goes by the machine's clock, which in lockstep must decide nothing.
    if (!options.lockstep) this.#keeper = setInterval(() => this.#keep(), memoryKeptEveryMs).unref();
    // The next turn: whoever waited for the start is then already reading.
    this.#ended = new Promise<void>((resolve, reject) => {
      setImmediate(() => {
        this.#run().then(resolve, reject);
      });
    });
    this.#ended.catch(() => undefined);
  }

  #keep(): void {
    const { state, memory } = this.parts;
    state.keep(memory).catch((error: unknown) => this.#tellError("state_error", error));
  }

  async #change(changes: LiveOptions): Promise<void> {
    const { delivered, state, memory, machine, options } = this.parts;
    // First, as nothing else can fail.
    if (changes.adaptation) checkTraining(changes.adaptation, delivered, machine);
    if ("vocabulary" in changes) await this.setVocabulary(changes.vocabulary ?? delivered.manifest.vocabulary);
    if ("adaptation" in changes) {
      const { adaptation = {} } = changes;
      learnOtherwise(this.#adaptation, adaptation, this.#learnsNot, { delivered, state, seed: options.seed ?? defaultSeed });
      this.#learnsNot = adaptation === false;
    }
    if ("memoryHours" in changes) {
      memory.keepFor(changes.memoryHours ?? defaultMemoryOptions.mostHours);
      this.#keep();
    }
  }

  async #recorder(): Promise<Recorder | undefined> {
    const { options, sources, delivered, model } = this.parts;
    const { record, seed = defaultSeed, adaptation, bundle = defaultBundle } = options;
    if (!record) return undefined;
    const { generation, names } = model;
    const about: About = { version: version(), cameras: this.#names, bundle, bundleSha256: contentOf(delivered.manifest), generation, vocabulary: [...names], seed, adaptation };
    const live = sources.some(({ camera }) => camera.live);
    return Recorder.open(record.path, about, { lossless: record.lossless, live, onError: (error) => this.#tellError("recording_failed", error) });
  }

  get #names(): string[] {
    return this.parts.sources.map(({ camera }) => camera.name);
  }

  /** A camera that fails does not end the others. */
  async #run(): Promise<void> {
    const ends = await Promise.allSettled(this.#streams.map((stream, at) => this.#runOne(this.parts.sources[at].camera, stream)));
    this.#answers.end();
    for (const end of ends) if (end.status === "rejected") throw end.reason;
  }

  async #runOne({ name, live }: Camera, stream: AnswerStream): Promise<void> {
    this.#publish(streamEvent("stream_started", `Frames of ${name} are answered.`, { camera: name, live }));
    try {
      await stream.run();
      this.#publish(streamEvent("stream_ended", `${name} delivers no more frames.`, { camera: name, ...stream.counters }));
    } catch (error) {
      if (stream.cameraFailed) this.#lost(name, error);
      else this.#tellError("engine_error", error, name);
      throw error;
    }
  }

  #lost(camera: string, error: unknown): void {
    this.#lostCameras.add(camera);
    this.#tellError("camera_lost", error, camera);
  }

  #back(camera: string): void {
    this.#lostCameras.delete(camera);
    this.#publish(streamEvent("camera_back", `Frames of ${camera} come again.`, { camera }));
  }

  /** Cameras find out together that the engine they share keeps failing. */
  #renew(): Promise<void> {
    return (this.#renewal ??= this.#renewEngine().finally(() => (this.#renewal = undefined)));
  }

  async #renewEngine(): Promise<void> {
    const { engine, generation } = this.parts.model;
    await engine.renew();
    this.#publish(streamEvent("engine_renewed", "The engine kept failing; a new one serves the same weights.", { generation }));
  }

  /** In lockstep: nothing is under way when a frame comes, and what a recording tells before it is told. */
  async #before({ sequence, captureTimeNs }: Frame): Promise<void> {
    this.#frameTimeMs = Number(captureTimeNs / 1000n) / 1000;
    // Options that were changed under way may have let it go on, and of those only the event tells.
    const handler = { ...handlerOf(this), resume: () => this.#adaptation.resume() };
    for (const event of this.parts.sources[0]?.eventsBefore?.(sequence) ?? []) await retell(handler, event).catch((error: unknown) => this.parts.onError(error));
  }

  async #take(frame: Frame, perception: Perception, { camera, policy }: Source): Promise<void> {
    const loop = this.#adaptation;
    const report = loop.observe(frame, perception);
    const { condition, fitness } = report;
    this.#condition = condition;
    const invalidReasons = [...perception.invalidReasons, ...fitness.reasons];
    const answer: Answer = { ...perception, condition, valid: perception.valid && fitness.fit, invalidReasons };
    await this.#running.answer(frame, answer, report);
    await this.#answers.give(answer, camera.name, policy);
    if (this.parts.options.lockstep) await loop.settled();
  }

  #frameFailed(camera: string, error: unknown): void {
    const isOfCamera = error instanceof NightshiftError && (error.code === "E_FRAME_SIZE" || error.code === "E_FRAME_FORMAT");
    this.#tellError(isOfCamera ? "camera_error" : "engine_error", error, camera);
  }

  #tellError(kind: EventKindName, error: unknown, camera?: string): void {
    const { code, message } = error instanceof NightshiftError ? error : { code: "E_INTERNAL", message: String(error) };
    const event = streamEvent(kind, message, { code, ...(camera !== undefined && { camera }) });
    this.#publish(event);
    this.parts.onError(error, event);
  }

  #publish(event: StreamEvent): void {
    try {
      this.parts.options.onEvent?.(event);
    } catch (error) {
      // The caller's mistake, which must not end the stream.
      this.parts.onError(error, event);
    }
    this.#outlets?.event(event);
    void this.#events.give(event);
  }

  async #close(): Promise<void> {
    const { machine, model, state, memory } = this.parts;
    this.#outlets?.stopping();
    for (const stream of this.#streams) stream.stop();
    // Whoever stops may be who reads, and then reads no more.
    this.#answers.end();
    clearInterval(this.#keeper);
    // The engine with the rest, as a swap under way waits for its own, which may take minutes to build, unless it is told.
    const closed = this.#ended.catch(() => undefined).then(() => model.engine.close());
    try {
      // Together: in lockstep the last frame waits for the training that is given up here.
      await Promise.all([closed, this.#loop?.close()]);
      await this.#outlets?.close();
    } finally {
      machine.close();
      await closed.catch(() => undefined);
      await state.close(memory).catch((error: unknown) => this.#tellError("state_error", error));
      this.#events.end();
    }
  }
}

const isStarting = (): NightshiftError => new NightshiftError("E_CLOSED", { expected: "Nightshift to have started", received: "a call during the start", remedy: "Wait for Nightshift.start." });

/** What the control socket and the page may ask. */
function handlerOf(nightshift: Nightshift): Handler {
  return {
    status: () => nightshift.status,
    setVocabulary: (names) => nightshift.setVocabulary(names),
    adaptNow: () => nightshift.adaptNow(),
    pause: () => nightshift.pause(),
    resume: () => nightshift.resume(),
    rollBack: () => nightshift.rollBack(),
    vehicleState: (state) => nightshift.vehicleState(state),
    eraseFrames: () => nightshift.eraseFrames(),
  };
}
