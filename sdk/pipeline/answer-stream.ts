import type { Engine } from "../engine/engine.js";
import type { Perception } from "../engine/perception.js";
import type { Turns } from "../engine/turns.js";
import { NightshiftError } from "../errors.js";
import type { Frame } from "../frame.js";
import type { Camera } from "../stream/camera.js";
import { LatencyHistogram, type Percentiles, RateMeter } from "../stream/metrics.js";
import { pump } from "../stream/pump.js";
import { NewestFrameSlot, policyFor, type SlotCounters, type SlotPolicy, type Taken } from "../stream/slot.js";

export interface AnswerStreamParts {
  readonly camera: Camera;
  readonly engine: Engine;
  /** Takes each answer, in order. The stream waits for it, while the engine already works on the next frame. */
  readonly take: (frame: Frame, perception: Perception) => Promise<void>;
  /** The camera's; by its kind unless told otherwise. */
  readonly policy?: SlotPolicy;
  /** Shared by the cameras of one engine: they take turns, and whoever's turn it is hands over its newest frame. */
  readonly turns?: Turns;
  /** Given, frames go one by one: each is announced here when everything about the one before it is done. */
  readonly before?: (frame: Frame) => Promise<void>;
  /** Renews an engine that keeps failing; rejects where it cannot. Without it the stream ends then. */
  readonly renew?: () => Promise<unknown>;
  /** Gets what goes wrong with single frames. */
  readonly onError: (error: unknown) => void;
}

/** An engine that fails this often in a row will not recover by itself. */
const mostFailuresInRow = 5;

/** Enough for a 95th percentile that says something, few enough to show what happens now. */
const recentAnswers = 100;

/** Camera to slot to engine to whoever takes the answers. */
export class AnswerStream {
  /** Over the whole run. */
  readonly latency = new LatencyHistogram();
  readonly rate = new RateMeter();
  readonly #slot: NewestFrameSlot<Frame>;
  readonly #abort = new AbortController();
  #failuresInRow = 0;
  #isRenewed = false;
  #cameraFailed = false;
  #taking: Promise<void> = Promise.resolve();
  readonly #recentMs: number[] = [];

  constructor(private readonly parts: AnswerStreamParts) {
    this.#slot = new NewestFrameSlot(parts.policy ?? policyFor(parts.camera));
  }

  get camera(): string {
    return this.parts.camera.name;
  }

  get counters(): SlotCounters {
    return this.#slot.counters;
  }

  /** Whether it was the camera that `run` rejected for. */
  get cameraFailed(): boolean {
    return this.#cameraFailed;
  }

  /** Capture to answer, over the latest answers. */
  get recentLatencyMs(): Percentiles {
    const recent = new LatencyHistogram();
    for (const ms of this.#recentMs) recent.record(ms);
    return recent.percentiles;
  }

  /**
   * Runs until the camera ends or `stop`; then it is closed, and every frame that came in is answered or counted. Call it once.
   * Rejects with the camera's error, `E_CAMERA` mostly, after answering what came before it (`cameraFailed` then); or with the engine's, when it keeps failing.
   */
  async run(): Promise<void> {
    const { camera, onError } = this.parts;
    const filled = pump(camera, this.#slot, this.#abort.signal, onError);
    // Waited for below; until then a failure of the camera is not an unhandled one.
    filled.catch(() => undefined);
    try {
      await this.#answerAll();
      await filled.catch((error: unknown) => {
        this.#cameraFailed = true;
        throw error;
      });
    } finally {
      this.stop();
      // However it ends: a device is free again, and what was answered is taken.
      await Promise.allSettled([filled, this.#taking]);
    }
  }

  /** Takes no more frames. What is in the engine is still answered. */
  stop(): void {
    this.#abort.abort();
    this.#slot.abort();
  }

  async #answerAll(): Promise<void> {
    const { camera, before, turns } = this.parts;
    let [last, lastButOne] = [Promise.resolve(), Promise.resolve()];
    for (let next = await this.#next(); next; next = await this.#next()) {
      const { taken, answer } = next;
      [lastButOne, last] = [last, this.#settle(last, taken, answer)];
      // Both are waited for in their turn; until then a failure is not an unhandled one.
      for (const each of [answer, last]) each.catch(() => undefined);
      // A live camera's next frame is taken when the engine is free for it, as new as can be; a recording's may wait in the engine's thread already.
      await (camera.live || before || turns ? last : lastButOne);
      if (before) await this.#taking;
    }
    await last;
    await this.#taking;
  }

  /** Takes the next frame and hands it to the engine, in this camera's turn. */
  async #next(): Promise<{ readonly taken: Taken<Frame>; readonly answer: Promise<Perception> } | undefined> {
    const { engine, before, turns } = this.parts;
    const begin = async () => {
      const taken = await this.#slot.take();
      if (!taken) return undefined;
      await turnOf(taken, before?.(taken.item));
      return { taken, answer: engine.infer(taken.item) };
    };
    if (!turns) return begin();
    if (!(await this.#slot.ready())) return undefined;
    return new Promise((resolve, reject) => {
      turns
        .take(async () => {
          const begun = await begin();
          resolve(begun);
          await begun?.answer.catch(() => undefined);
        })
        .catch(reject);
    });
  }

  async #settle(before: Promise<void>, taken: Taken<Frame>, answer: Promise<Perception>): Promise<void> {
    await turnOf(taken, before);
    let perception: Perception;
    try {
      perception = await answer;
      this.#failuresInRow = 0;
      this.#isRenewed = false;
    } catch (error) {
      taken.abandoned();
      this.parts.onError(error);
      const isClosed = error instanceof NightshiftError && error.code === "E_CLOSED";
      if (!isClosed && ++this.#failuresInRow < mostFailuresInRow) return;
      // It is renewed once: one that fails again before it has answered anything will go on failing.
      if (isClosed || this.#isRenewed || !this.parts.renew) throw error;
      this.#isRenewed = true;
      this.#failuresInRow = 0;
      await this.parts.renew();
      return;
    }
    this.#measure(perception.timings.totalMs);
    this.rate.tick(performance.now());
    await turnOf(taken, this.#taking);
    // Put off by one turn of the event loop, so that the next frame, if it waits, reaches the engine first.
    this.#taking = new Promise<void>((resolve, reject) => {
      setImmediate(() => {
        this.parts.take(taken.item, perception).then(resolve, reject);
      });
    }).finally(taken.answered);
    this.#taking.catch(() => undefined);
  }

  #measure(ms: number): void {
    this.latency.record(ms);
    this.#recentMs.push(ms);
    if (this.#recentMs.length > recentAnswers) this.#recentMs.shift();
  }
}

/** Waits for what comes before a frame; where that fails, the frame is given up. */
async function turnOf({ abandoned }: Taken<Frame>, before: Promise<void> | undefined): Promise<void> {
  try {
    await before;
  } catch (error) {
    abandoned();
    throw error;
  }
}
