import { WebSocketServer } from "ws";
import type { Perception } from "../engine/perception.js";
import type { Frame } from "../frame.js";
import type { ControlHandler } from "../stream/control.js";
import type { ConditionName, StreamEvent } from "../stream/events.js";
import { isSameOrigin } from "../stream/origin.js";
import type { Token } from "../stream/token.js";
import { pageServer, type Upgrade } from "./http.js";
import type { FromPage, State } from "./page/wire.js";
import { pictureMessage } from "./picture.js";
import { lossPoint, pageEvent, Timeline } from "./timeline.js";
import { Visitor } from "./visitor.js";

/** Pages that may be open at a time. */
const mostVisitors = 16;

export const defaultViewerPort = 8080;

/** Who does what the page asks. What a method throws is shown in the page. */
export interface ViewerHandler extends Pick<ControlHandler, "setVocabulary" | "adaptNow" | "pause" | "resume" | "rollBack"> {
  state(): State;
}

export interface ViewerOptions {
  /** 0 takes any free port. */
  readonly port?: number;
  /** Loopback unless told otherwise, which takes a token. */
  readonly host?: string;
  /** What a browser must show before it sees anything. */
  readonly token?: Token;
  /** The most frames a second that a page gets. */
  readonly fps?: number;
  /** Gets what goes wrong outside of any request. */
  readonly onError: (error: unknown) => void;
}

/** What is shown of a camera. */
interface Shown {
  isEncoding: boolean;
  nextFrameMs: number;
  /** For pages that come, or choose it, when no more frames do. */
  latest: readonly [Frame, Perception, ConditionName];
}

/** The web page that shows the stream and the adaptation. Nothing here ever makes the stream wait. */
export class Viewer {
  readonly #visitors = new Set<Visitor>();
  readonly #timeline = new Timeline();
  readonly #sockets = new WebSocketServer({ noServer: true, maxPayload: 65536 });
  readonly #clock: NodeJS.Timeout;
  /** Of each camera; the first is the one that pages show until they choose. */
  readonly #cameras = new Map<string, Shown>();

  private constructor(
    private readonly handler: ViewerHandler,
    private readonly options: ViewerOptions,
    private readonly server: Awaited<ReturnType<typeof pageServer>>,
  ) {
    server.onUpgrade((...connection) => this.#upgrade(...connection));
    this.#clock = setInterval(() => this.#tellState(), 500);
  }

  /** Throws `E_ADDRESS_IN_USE` where the port is taken, `E_EXPOSED` off loopback without a token. */
  static async open(handler: ViewerHandler, options: ViewerOptions): Promise<Viewer> {
    const server = await pageServer(options.host ?? "127.0.0.1", options.port ?? defaultViewerPort, options.token);
    return new Viewer(handler, options, server);
  }

  /** Where the page is, for example `http://127.0.0.1:8080/`. */
  get address(): string {
    return this.server.address;
  }

  /** Shows one answer with its frame, unless nobody looks, the last is still being packed, or it comes too soon. Returns at once. */
  show(frame: Frame, perception: Perception, condition: ConditionName): void {
    const shown = this.#cameras.get(frame.camera) ?? { isEncoding: false, nextFrameMs: 0, latest: [frame, perception, condition] };
    this.#cameras.set(frame.camera, shown);
    shown.latest = [frame, perception, condition];
    const now = performance.now();
    const ready = [...this.#visitors].filter((visitor) => visitor.isReady && this.#shownTo(visitor) === shown);
    if (shown.isEncoding || now < shown.nextFrameMs || ready.length === 0) return;
    shown.isEncoding = true;
    shown.nextFrameMs = now + 1000 / (this.options.fps ?? 10);
    pictureMessage(...shown.latest)
      .then((message) => ready.forEach((visitor) => visitor.sendFrame(message)), this.options.onError)
      .finally(() => (shown.isEncoding = false));
  }

  /** Notes an event and shows it. */
  event(event: StreamEvent): void {
    const told = pageEvent(event);
    const loss = lossPoint(told);
    if (loss) this.#timeline.addLoss(loss);
    else this.#timeline.addEvent(told);
    for (const visitor of this.#visitors) visitor.send(loss ? { type: "loss", loss } : { type: "event", event: told });
  }

  async close(): Promise<void> {
    clearInterval(this.#clock);
    for (const visitor of this.#visitors) visitor.close();
    this.#sockets.close();
    await this.server.close();
  }

  #shownTo({ camera }: Visitor): Shown | undefined {
    return (camera === undefined ? undefined : this.#cameras.get(camera)) ?? this.#cameras.values().next().value;
  }

  #tellState(): void {
    const state = this.handler.state();
    this.#timeline.addState(state);
    for (const visitor of this.#visitors) visitor.send({ type: "state", state });
  }

  #upgrade(...[request, socket, head]: Parameters<Upgrade>): ReturnType<Upgrade> {
    // Another site's page must not steer a vehicle through the reader's browser.
    if (request.url !== "/stream" || !isSameOrigin(request)) return 403;
    if (this.#visitors.size >= mostVisitors) return 503;
    this.#sockets.handleUpgrade(request, socket, head, (webSocket) => {
      const visitor = new Visitor(webSocket, {
        ask: (asked) => this.#carryOut(asked),
        chosen: () => this.#showLatest(visitor),
        closed: () => this.#visitors.delete(visitor),
        onError: this.options.onError,
      });
      this.#visitors.add(visitor);
      visitor.send({ type: "history", history: this.#timeline.history });
      visitor.send({ type: "state", state: this.handler.state() });
      this.#showLatest(visitor);
    });
    return undefined;
  }

  /** Without waiting for the next frame, of which there may be none. */
  #showLatest(visitor: Visitor): void {
    const latest = this.#shownTo(visitor)?.latest;
    if (latest && visitor.isReady) pictureMessage(...latest).then((message) => visitor.sendFrame(message), this.options.onError);
  }

  async #carryOut(asked: FromPage): Promise<void> {
    if (asked.type === "setVocabulary") await this.handler.setVocabulary(asked.names);
    else if (asked.type !== "shown" && asked.type !== "camera") await this.handler[asked.type]();
  }
}
