import { Publisher as PublisherSocket } from "zeromq";
import type { Perception } from "../engine/perception.js";
import { NightshiftError } from "../errors.js";
import type { Access } from "./access.js";
import { boxesMessage, depthMessage, headerMessage, maskMessage } from "./answer.js";
import { Bound } from "./bound.js";
import { type ConditionName, eventMessage, type StreamEvent } from "./events.js";
import { packMessage } from "./topics.js";

export const defaultPublisherAddress = "tcp://127.0.0.1:5590";

/** How many messages may wait for ZeroMQ to take them, which it does within one turn of the event loop. */
const queueLimit = 1024;

export interface PublisherOptions {
  /** Where to listen: one or more of `tcp://host:port` and `ipc://path`. Loopback unless told otherwise. */
  readonly addresses?: readonly string[];
  /** Who may subscribe; anyone on this machine where there is none, and then nobody else can. */
  readonly access?: Access;
  /** How many messages may wait for a slow subscriber before it misses some; the stream never waits. */
  readonly highWaterMark?: number;
  /** Whether masks carry their confidences. */
  readonly withScores?: boolean;
  /** Gets what goes wrong in sending. */
  readonly onError: (error: unknown) => void;
}

/** Sends answers and events to whoever subscribed. */
export class Publisher {
  readonly #queue: Uint8Array[] = [];
  #sending: Promise<void> | undefined;
  #sent = 0;
  #unsent = 0;
  #isClosed = false;

  private constructor(
    private readonly bound: Bound<PublisherSocket>,
    private readonly options: PublisherOptions,
  ) {}

  /** Throws `E_ADDRESS_IN_USE` or `E_CONFIG` where it cannot listen, `E_EXPOSED` where others than this machine could connect without keys. */
  static async open(options: PublisherOptions): Promise<Publisher> {
    const { addresses = [defaultPublisherAddress], access, highWaterMark = 64, onError } = options;
    // A message that no subscriber took 100 ms after closing is given up, so that closing does not hang. What subscribers send is topics, and short.
    const make = (more: object): PublisherSocket => new PublisherSocket({ sendHighWaterMark: highWaterMark, linger: 100, maxMessageSize: 1024, ...more });
    return new Publisher(await Bound.open({ make, addresses, access, role: "reader", what: "publisher", onError }), options);
  }

  /** Where it listens, with the ports that were chosen. */
  get addresses(): readonly string[] {
    return this.bound.addresses;
  }

  /** Messages handed to ZeroMQ. */
  get sent(): number {
    return this.#sent;
  }

  /** Messages that ZeroMQ did not take. Not those that a slow subscriber missed, of which nobody knows. */
  get unsent(): number {
    return this.#unsent;
  }

  /** Sends the mask, the boxes and, where there is one, the depth of one frame. Returns at once. Throws `E_CLOSED`. */
  publish(perception: Perception, condition: ConditionName): void {
    const header = headerMessage(perception, condition);
    this.#send(packMessage("mask", perception.camera, maskMessage(perception, header, this.options.withScores ?? true)));
    this.#send(packMessage("boxes", perception.camera, boxesMessage(perception, header)));
    const depth = depthMessage(perception, header);
    if (depth) this.#send(packMessage("depth", perception.camera, depth));
  }

  /** Sends one event. Returns at once. Throws `E_CLOSED`. */
  publishEvent(event: StreamEvent): void {
    this.#send(packMessage("events", "", eventMessage(event)));
  }

  /** Hands over what is queued, then stops listening. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    await this.#sending;
    this.bound.close();
  }

  #send(part: Uint8Array): void {
    if (this.#isClosed)
      throw new NightshiftError("E_CLOSED", { expected: "an open publisher", received: "a closed one", remedy: "Close it after the last answer." });
    this.#queue.push(part);
    if (this.#queue.length > queueLimit) {
      this.#queue.shift();
      this.#unsent++;
    }
    this.#sending ??= this.#drain();
  }

  /**
   * A PUB socket takes every message at once, and drops for a slow subscriber alone what that one cannot hold. But after some
   * hundreds of messages in one turn of the event loop the binding makes the next one wait for a turn, and allows one send at a time.
   */
  async #drain(): Promise<void> {
    try {
      for (let part = this.#queue.shift(); part; part = this.#queue.shift()) {
        const { socket } = this.bound;
        const isSent = await socket?.send(part).then(
          () => true,
          (error: unknown) => {
            // One that is being given up takes nothing more.
            if (this.bound.socket === socket) this.options.onError(error);
            return false;
          },
        );
        if (isSent) this.#sent++;
        else this.#unsent++;
      }
    } finally {
      this.#sending = undefined;
    }
  }
}
