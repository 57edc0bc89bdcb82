import type { WebSocket } from "ws";
import { NightshiftError } from "../errors.js";
import { Allowance } from "../stream/allowance.js";
import type { FromPage, ToPage } from "./page/wire.js";
import { readRequest } from "./request.js";

/** Frames that may be under way to a page before it says that it has drawn one. */
const mostFramesUnderWay = 2;
/** A page that takes this much no more is left out until it does, bytes. */
const mostWaiting = 1_000_000;

/** How long a page may take to say goodbye, milliseconds: one that is frozen, or whose network is gone, must not hold up the end of the stream. */
const farewellMs = 500;

/** Messages of one page in a second, and at once. */
const [messagesPerSecond, messagesAtOnce] = [50, 200];

export interface VisitorOptions {
  ask(request: FromPage): Promise<void>;
  /** It chose a camera. */
  chosen(): void;
  closed(): void;
  onError(error: unknown): void;
}

/** One open page. */
export class Visitor {
  readonly #allowance = new Allowance(messagesPerSecond, messagesAtOnce);
  #framesUnderWay = 0;
  #camera: string | undefined;

  constructor(
    private readonly socket: WebSocket,
    private readonly options: VisitorOptions,
  ) {
    socket.on("message", (data: Buffer, isBinary) => {
      if (!this.#allowance.take()) socket.close(1008, "too many messages");
      else if (!isBinary) void this.#receive(data.toString());
    });
    socket.on("close", () => options.closed());
    socket.on("error", (error) => options.onError(error));
  }

  /** Whether it has drawn what it got, so that another frame may be sent. */
  get isReady(): boolean {
    return this.#isOpen && this.#framesUnderWay < mostFramesUnderWay && this.socket.bufferedAmount < mostWaiting;
  }

  /** The camera that was chosen; undefined for whichever is the first. */
  get camera(): string | undefined {
    return this.#camera;
  }

  sendFrame(message: Buffer): void {
    if (!this.isReady) return;
    this.#framesUnderWay++;
    this.socket.send(message);
  }

  send(message: ToPage): void {
    if (this.#isOpen && this.socket.bufferedAmount < mostWaiting) this.socket.send(JSON.stringify(message));
  }

  close(): void {
    this.socket.close(1001, "Nightshift has stopped");
    setTimeout(() => this.socket.terminate(), farewellMs).unref();
  }

  get #isOpen(): boolean {
    return this.socket.readyState === this.socket.OPEN;
  }

  async #receive(text: string): Promise<void> {
    try {
      const request = readRequest(text);
      if (request.type === "shown") this.#framesUnderWay = Math.max(0, this.#framesUnderWay - 1);
      else if (request.type === "camera") {
        this.#camera = request.name;
        this.options.chosen();
      } else {
        await this.options.ask(request);
        this.send({ type: "done", what: request.type });
      }
    } catch (error) {
      const isOurs = error instanceof NightshiftError;
      this.send({ type: "refused", code: isOurs ? error.code : "E_INTERNAL", text: isOurs ? `${error.received}. ${error.remedy}` : String(error) });
      if (!isOurs) this.options.onError(error);
    }
  }
}
