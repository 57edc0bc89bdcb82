import type { Vocabulary } from "../bundle/embeddings.js";
import { NightshiftError } from "../errors.js";
import { checkFrame, type Frame } from "../frame.js";
import { paddedVocabularySize } from "../network/contract.js";
import type { Engine } from "./engine.js";
import { type FrameSize, type LoadedModel, type Model, withVocabulary } from "./model.js";
import type { Perception } from "./perception.js";
import { mostSessions } from "./sessions.js";
import { Turns } from "./turns.js";

/** A size that has not come for so many frames was a fault's, or a camera's that is gone: a session for it would be memory for nothing. */
const recentFrames = 1000;

/** An engine that has loaded, and what. */
interface Serving {
  readonly engine: Engine;
  readonly model: Model;
  readonly loaded: LoadedModel;
}

/**
 * Changes its weights between two frames. A new generation is read, checked and warmed in a standby engine while the active one goes
 * on answering; from then on frames go to the new one. The one before stays loaded, for `rollBack`.
 */
export class SwappableEngine implements Engine {
  #active: Serving | undefined;
  #previous: Serving | undefined;
  #standby: Engine | undefined;
  /** Loads what is to serve next. */
  #preparing: Engine | undefined;
  #isClosed = false;
  /** Of the cameras seen and when, so that a new generation is built for them before it serves. */
  readonly #frames = new Map<string, { readonly size: FrameSize; readonly frame: number }>();
  #frameCount = 0;
  readonly #changes = new Turns();
  #lastAnswer: Promise<unknown> = Promise.resolve();

  /** `create` makes the engines that take turns; three at most live at once. */
  constructor(private readonly create: () => Engine) {}

  get loaded(): LoadedModel | undefined {
    return this.#active?.loaded;
  }

  /** What `rollBack` would go back to. */
  get previous(): LoadedModel | undefined {
    return this.#previous?.loaded;
  }

  /** Loads the first model, or swaps. See `swap`. */
  async load(model: Model, frames: readonly FrameSize[] = []): Promise<LoadedModel> {
    for (const frame of frames) this.#remember(frame);
    return this.swap(model);
  }

  /**
   * Serves another generation, from the first frame after it is ready. A bundle without a vocabulary of its own gets the names in
   * force, which must be among its embeddings. Throws as `Engine.load`, and then everything is as before.
   */
  swap(model: Model): Promise<LoadedModel> {
    return this.#change(async () => {
      const names = this.loaded?.vocabulary;
      const next = await this.#prepare(model.kind === "bundle" && !model.vocabulary && names ? withVocabulary(model, names) : model);
      const outdated = this.#previous;
      this.#previous = this.#active;
      this.#active = next;
      await this.#retire(outdated);
      return next.loaded;
    });
  }

  /**
   * Goes back to the previous generation, at once: it is still loaded, with the vocabulary that it had when it was left. Given another, it answers in that
   * from its first frame on. The generation that is left now is forgotten. Throws `E_ENGINE` where there is no previous one, `E_VOCABULARY`, `E_CLOSED`, and then everything is as before.
   */
  rollBack(vocabulary?: Vocabulary | readonly string[]): Promise<LoadedModel> {
    return this.#change(async () => {
      const [left, previous] = [this.#active, this.#previous];
      if (!previous)
        throw new NightshiftError("E_ENGINE", { expected: "a previous generation", received: "none", remedy: "Only a swap can be rolled back, once." });
      const next = vocabulary ? await this.#inWords(previous, vocabulary) : previous;
      this.#active = next;
      this.#previous = undefined;
      await this.#retire(left);
      if (next.engine !== previous.engine) await this.#retire(previous);
      return next.loaded;
    });
  }

  /**
   * Serves the same model, from a new engine of the same kind: for one whose thread or provider is lost. Throws as `Engine.load`, and then everything is as before.
   */
  renew(): Promise<LoadedModel> {
    return this.#change(async () => {
      const failing = this.#serving();
      // What stood by may be lost for the same reason.
      await this.#standby?.close();
      this.#standby = undefined;
      this.#active = await this.#prepare(failing.model);
      await failing.engine.close();
      return this.#active.loaded;
    });
  }

  /** See `Engine`. A vocabulary that needs a larger or smaller graph is built in the standby engine, so no frame waits for it either. */
  setVocabulary(vocabulary: Vocabulary | readonly string[]): Promise<LoadedModel> {
    return this.#change(async () => {
      const active = this.#serving();
      const next = await this.#inWords(active, vocabulary);
      this.#active = next;
      if (next.engine !== active.engine) await this.#retire(active);
      return next.loaded;
    });
  }

  /** See `Engine`. Answers come in the order of the frames, across swaps too. */
  async infer(frame: Frame): Promise<Perception> {
    checkFrame(frame);
    this.#remember(frame);
    const before = this.#lastAnswer;
    const answer = this.#serving().engine.infer(frame);
    const inOrder = Promise.allSettled([answer, before]).then(() => answer);
    this.#lastAnswer = inOrder.catch(() => undefined);
    return inOrder;
  }

  /** Frees the active and the previous generation. */
  unload(): Promise<void> {
    return this.#changes.take(async () => {
      const serving = [this.#active, this.#previous];
      this.#active = this.#previous = undefined;
      for (const one of serving) await this.#retire(one);
    });
  }

  /** Closes all engines. A change under way is given up where its engine can, and throws `E_CANCELLED` then; none that waits for its turn is begun. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#preparing?.close();
    await this.#changes.take(async () => {
      await Promise.all([this.#active?.engine.close(), this.#previous?.engine.close(), this.#standby?.close()]);
    });
  }

  /** One change after the other, and none once it is closed. */
  #change(work: () => Promise<LoadedModel>): Promise<LoadedModel> {
    return this.#changes.take(async () => {
      this.#checkOpen();
      return work();
    });
  }

  #checkOpen(): void {
    if (this.#isClosed) throw new NightshiftError("E_CLOSED", { expected: "an open engine", received: "a closed one", remedy: "Open another engine." });
  }

  #remember({ width, height }: FrameSize): void {
    const key = `${width}x${height}`;
    this.#frames.delete(key);
    this.#frames.set(key, { size: { width, height }, frame: this.#frameCount++ });
    for (const [oldest, { frame }] of this.#frames) if (this.#frames.size > mostSessions || this.#frameCount - frame > recentFrames) this.#frames.delete(oldest);
  }

  #serving(): Serving {
    this.#checkOpen();
    if (this.#active) return this.#active;
    throw new NightshiftError("E_ENGINE", { expected: "a loaded model", received: "none", remedy: "Load a model first." });
  }

  /** The same generation in other words: from the same engine, unless they need a larger or smaller graph. */
  async #inWords({ engine, model, loaded }: Serving, vocabulary: Vocabulary | readonly string[]): Promise<Serving> {
    const { length } = "names" in vocabulary ? vocabulary.names : vocabulary;
    const next = withVocabulary(model, vocabulary);
    if (paddedVocabularySize(length) !== paddedVocabularySize(loaded.vocabulary.length)) return this.#prepare(next);
    return { engine, model: next, loaded: await engine.setVocabulary(vocabulary) };
  }

  async #prepare(model: Model): Promise<Serving> {
    const engine = this.#standby ?? this.create();
    this.#standby = undefined;
    this.#preparing = engine;
    try {
      return { engine, model, loaded: await engine.load(model, [...this.#frames.values()].map(({ size }) => size)) };
    } catch (error) {
      // What failed to load a model is not trusted to load the next.
      await engine.close();
      throw error;
    } finally {
      this.#preparing = undefined;
    }
  }

  /** Keeps an engine's thread for the next model, without the old one. */
  async #retire(serving: Serving | undefined): Promise<void> {
    if (!serving) return;
    // Of an engine whose thread has died nothing can be kept.
    const isUsable = !this.#standby && (await serving.engine.unload().then(() => true, () => false));
    if (isUsable) this.#standby = serving.engine;
    else await serving.engine.close();
  }
}
