import type { Perception } from "../engine/perception.js";
import type { NightshiftError } from "../errors.js";
import type { Frame } from "../frame.js";
import type { RecordedWeather } from "../recording/messages.js";
import type { Recorder } from "../recording/recorder.js";
import { Access } from "../stream/access.js";
import { type ControlHandler, ControlServer } from "../stream/control.js";
import type { StreamEvent } from "../stream/events.js";
import { HealthServer } from "../stream/health.js";
import { Publisher } from "../stream/publisher.js";
import { Readiness } from "../stream/readiness.js";
import type { Status } from "../stream/status.js";
import { SystemdNotifier } from "../stream/systemd.js";
import { Token } from "../stream/token.js";
import { Viewer } from "../viewer/viewer.js";
import type { NightshiftOptions } from "./options.js";
import { pageState } from "./page-state.js";
import type { Traces } from "./traces.js";

/** Who does what the sockets and the page are asked. */
export interface Handler extends ControlHandler {
  status(): Status;
}

/** Everything that shows answers and takes requests: ZeroMQ's two sockets, the page, health and metrics, a recording, systemd and traces, each where it is wanted. */
export class Outlets {
  #access: Access | undefined;
  #publisher: Publisher | undefined;
  #control: ControlServer | undefined;
  #viewer: Viewer | undefined;
  #health: HealthServer | undefined;
  #recorder: Recorder | undefined;
  #systemd: SystemdNotifier | undefined;
  #traces: Traces | undefined;
  #isClosed = false;

  private constructor(private readonly readiness: Readiness) {}

  /** Throws `E_ADDRESS_IN_USE`, `E_CONFIG`, `E_KEY`, `E_EXPOSED` where other machines could connect without a key or a token, and as `record`, and then nothing stays open. */
  static async open(
    options: NightshiftOptions,
    handler: Handler,
    about: { readonly source: string; readonly bundle: string },
    record: () => Promise<Recorder | undefined>,
    onError: (error: unknown) => void,
  ): Promise<Outlets> {
    const { publish, control, viewer, health, tokenFile, systemd } = options;
    const readiness = new Readiness(health ? health.patienceMs : undefined);
    const outlets = new Outlets(readiness);
    const status = (): Status => handler.status();
    try {
      const access = (outlets.#access = options.access && (await Access.open(options.access, onError)));
      const token = tokenFile === undefined ? undefined : await Token.read(tokenFile);
      if (publish !== false) outlets.#publisher = await Publisher.open({ onError, access, addresses: publish });
      if (control !== false) outlets.#control = await ControlServer.open(handler, { onError, access, address: control });
      if (health) outlets.#health = await HealthServer.open(status, readiness, { ...health, token });
      if (viewer) {
        const address = outlets.#publisher?.addresses.join(", ") ?? "not published";
        outlets.#viewer = await Viewer.open({ ...requests(handler), state: () => pageState(status(), { ...about, address }) }, { ...viewer, token, onError });
      }
      // Read only where it is asked for.
      if (options.traces) outlets.#traces = new (await import("./traces.js")).Traces();
      // Last of what may fail, so that a start that failed leaves no file that the next would find there already.
      outlets.#recorder = await record();
      if (systemd) outlets.#systemd = SystemdNotifier.open({ status, readiness, onError });
      return outlets;
    } catch (error) {
      await outlets.close();
      throw error;
    }
  }

  get addresses(): { readonly publisher: readonly string[]; readonly control: string | undefined; readonly viewer: string | undefined; readonly health: string | undefined } {
    return { publisher: this.#publisher?.addresses ?? [], control: this.#control?.address, viewer: this.#viewer?.address, health: this.#health?.address };
  }

  /** Frames in the recording, those of a live camera that it missed, and why it ended early, where it did; undefined where nothing is recorded. */
  get recorded(): { readonly path: string; readonly frames: number; readonly skipped: number; readonly failure?: NightshiftError } | undefined {
    const recorder = this.#recorder;
    return recorder && { path: recorder.path, ...recorder.counters, ...(recorder.failure && { failure: recorder.failure }) };
  }

  /** Resolves when all have room for the next. */
  async answer(frame: Frame, perception: Perception, weather: RecordedWeather): Promise<void> {
    const { condition } = weather;
    const published = this.#traces?.answered(perception, condition);
    this.#publisher?.publish(perception, condition);
    this.#viewer?.show(frame, perception, condition);
    this.readiness.answered(frame.camera);
    this.#systemd?.answered();
    await this.#recorder?.answer(frame, perception, weather);
    published?.();
  }

  /** What happens after the end is told to nobody here. */
  event(event: StreamEvent): void {
    if (this.#isClosed) return;
    this.readiness.event(event);
    this.#publisher?.publishEvent(event);
    this.#viewer?.event(event);
    this.#health?.event(event);
    this.#recorder?.event(event);
  }

  /** What follows is the end. */
  stopping(): void {
    this.#systemd?.stopping();
  }

  async close(): Promise<void> {
    this.#control?.close();
    // Before the others, who are told where its last part cannot be written.
    await this.#recorder?.close();
    this.#isClosed = true;
    await this.#viewer?.close();
    await this.#health?.close();
    await this.#publisher?.close();
    this.#access?.close();
    await this.#systemd?.close();
  }
}

/** What the page may ask for. */
const requests = (handler: ControlHandler) => ({
  setVocabulary: (names: readonly string[]) => handler.setVocabulary(names),
  adaptNow: () => handler.adaptNow(),
  pause: () => handler.pause(),
  resume: () => handler.resume(),
  rollBack: () => handler.rollBack(),
});
