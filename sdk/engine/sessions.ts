import type { VocabularySize } from "../network/contract.js";
import type { FrameSize } from "./model.js";
import type { Runtime, Session } from "./session.js";

/** Makes the bytes of a model for one size of frames and one padded size of the vocabulary. */
export type BuildModel = (frame: FrameSize, names: VocabularySize) => Uint8Array | Promise<Uint8Array>;

/** Cameras differ in few sizes; more sessions than this only fill memory. */
export const mostSessions = 4;

/** Names a session: the weights that it holds, and what it takes. */
export const sessionName = (weights: string, { width, height }: FrameSize, names: VocabularySize): string => `${weights}-${width}x${height}-${names}`;

/** The sessions of one set of weights: one for each size of frames and padded size of the vocabulary, the latest used kept. */
export class SessionCache {
  readonly #sessions = new Map<string, Session>();

  constructor(
    private readonly runtime: Runtime,
    /** Of the weights, for people. */
    private readonly name: string,
    private readonly build: BuildModel,
  ) {}

  async get(frame: FrameSize, names: VocabularySize): Promise<Session> {
    const key = sessionName(this.name, frame, names);
    const session = this.#sessions.get(key) ?? (await this.runtime.open(await this.build(frame, names), key));
    // Taken out and put back, so that the map is in the order of use.
    this.#sessions.delete(key);
    this.#sessions.set(key, session);
    for (const [oldest, unused] of this.#sessions) {
      if (this.#sessions.size <= mostSessions) break;
      this.#sessions.delete(oldest);
      await unused.close();
    }
    return session;
  }

  /** Closes all of them, also where one cannot be closed; that is thrown then. */
  async close(): Promise<void> {
    const sessions = [...this.#sessions.values()];
    this.#sessions.clear();
    const closed = await Promise.allSettled(sessions.map((session) => session.close()));
    for (const each of closed) if (each.status === "rejected") throw each.reason;
  }
}
