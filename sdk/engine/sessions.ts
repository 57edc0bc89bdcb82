import type { FrameSize } from "./model.js";
import { OnnxSession, type SessionOptions } from "./onnxruntime.js";

/** Makes the bytes of a model for one size of frames and one padded size of the vocabulary. */
export type BuildModel = (frame: FrameSize, names: 16 | 32 | 64) => Uint8Array | Promise<Uint8Array>;

/** Cameras differ in few sizes; more sessions than this only fill memory. */
export const mostSessions = 4;

/** The sessions of one set of weights: one for each size of frames and padded size of the vocabulary, the latest used kept. */
export class SessionCache {
  readonly #sessions = new Map<string, OnnxSession>();

  constructor(
    private readonly build: BuildModel,
    private readonly options: SessionOptions,
  ) {}

  async get(frame: FrameSize, names: 16 | 32 | 64): Promise<OnnxSession> {
    const key = `${frame.width}x${frame.height}:${names}`;
    const session = this.#sessions.get(key) ?? (await OnnxSession.create(await this.build(frame, names), this.options));
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

  async close(): Promise<void> {
    for (const session of this.#sessions.values()) await session.close();
    this.#sessions.clear();
  }
}
