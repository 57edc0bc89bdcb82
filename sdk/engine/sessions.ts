import type { VocabularySize } from "../network/contract.js";
import type { FrameSize } from "./model.js";
import type { Runtime, Session } from "./session.js";

/** Makes the bytes of a model for one padded size of the vocabulary and, where one is given, one size of frames. */
export type BuildModel = (names: VocabularySize, frame?: FrameSize) => Uint8Array | Promise<Uint8Array>;

/** Cameras differ in few sizes; more sessions than this only fill memory. */
export const mostSessions = 4;

/** Names a session: the weights that it holds, and what it takes; frames of any size where none is given. */
export const sessionName = (weights: string, names: VocabularySize, frame?: FrameSize): string => `${weights}-${frame ? `${frame.width}x${frame.height}-` : ""}${names}`;

/** The sessions of one set of weights: one for each padded size of the vocabulary and, where they take frames of one size alone, for each of these; the latest used kept. */
export class SessionCache {
  readonly #sessions = new Map<string, Session>();

  constructor(
    private readonly runtime: Runtime,
    /** Of the weights, for people. */
    private readonly name: string,
    /** Whether a session takes frames of one size alone. */
    private readonly isSized: boolean,
    private readonly build: BuildModel,
  ) {}

  async get(frame: FrameSize, names: VocabularySize): Promise<Session> {
    const key = this.#key(frame, names);
    const session = this.#sessions.get(key) ?? (await this.runtime.open(await this.build(names, this.isSized ? frame : undefined), key));
    // Taken out and put back, so that the map is in the order of use.
    this.#sessions.delete(key);
    this.#sessions.set(key, session);
    if (this.#sessions.size > mostSessions) await this.#close([...this.#sessions.keys()].slice(0, -mostSessions));
    return session;
  }

  /** Whether one that takes such frames and names is open. */
  has(frame: FrameSize, names: VocabularySize): boolean {
    return this.#sessions.has(this.#key(frame, names));
  }

  /** Closes those that neither these frames nor this size of the vocabulary need. */
  async keepOnly(frames: readonly FrameSize[], names: VocabularySize): Promise<void> {
    const needed = new Set(frames.map((frame) => this.#key(frame, names)));
    await this.#close([...this.#sessions.keys()].filter((key) => !needed.has(key)));
  }

  /** Closes all of them, also where one cannot be closed; that is thrown then. */
  async close(): Promise<void> {
    await this.#close([...this.#sessions.keys()]);
  }

  #key(frame: FrameSize, names: VocabularySize): string {
    return sessionName(this.name, names, this.isSized ? frame : undefined);
  }

  async #close(keys: readonly string[]): Promise<void> {
    const sessions = keys.flatMap((key) => this.#sessions.get(key) ?? []);
    for (const key of keys) this.#sessions.delete(key);
    const closed = await Promise.allSettled(sessions.map((session) => session.close()));
    for (const each of closed) if (each.status === "rejected") throw each.reason;
  }
}
