import { Publisher as PublisherSocket } from "zeromq";
import type { Perception } from "../engine/perception.js";
import { NightshiftError } from "../errors.js";
import { boxesMessage, headerMessage, maskMessage } from "./answer.js";
import { bind } from "./bind.js";
import { type ConditionName, eventMessage, type StreamEvent } from "./events.js";
import { packMessage } from "./topics.js";

export const defaultPublisherAddress = "tcp://127.0.0.1:5590";

export interface PublisherOptions {
  /** Where to listen: one or more of `tcp://host:port` and `ipc://path`. Loopback unless told otherwise. */
  readonly addresses?: readonly string[];
  /** How many messages may wait for a slow subscriber before it misses some; the stream never waits. */
  readonly highWaterMark?: number;
  /** Whether masks carry their confidences. */
  readonly withScores?: boolean;
  /** Gets what goes wrong in sending. */
  readonly onError: (error: unknown) => void;
}

/** Sends answers and events to whoever subscribed. */
export class Publisher {
  #sent = 0;
  #isClosed = false;

  private constructor(
    private readonly socket: PublisherSocket,
    private readonly options: PublisherOptions,
    /** Where it listens, with the ports that were chosen. */
    readonly addresses: readonly string[],
  ) {}

  /** Throws `E_ADDRESS_IN_USE` or `E_CONFIG` where it cannot listen. */
  static async open(options: PublisherOptions): Promise<Publisher> {
    // A message that no subscriber took 100 ms after closing is given up, so that closing does not hang.
    const socket = new PublisherSocket({ sendHighWaterMark: options.highWaterMark ?? 64, linger: 100 });
    try {
      const addresses: string[] = [];
      for (const address of options.addresses ?? [defaultPublisherAddress]) addresses.push(await bind(socket, address, "publisher"));
      return new Publisher(socket, options, addresses);
    } catch (error) {
      socket.close();
      throw error;
    }
  }

  /** Messages handed to ZeroMQ. */
  get sent(): number {
    return this.#sent;
  }

  /** Sends the mask and the boxes of one frame. Returns at once. Throws `E_CLOSED`. */
  publish(perception: Perception, condition: ConditionName): void {
    const header = headerMessage(perception, condition);
    this.#send(packMessage("mask", perception.camera, maskMessage(perception, header, this.options.withScores ?? true)));
    this.#send(packMessage("boxes", perception.camera, boxesMessage(perception, header)));
  }

  /** Sends one event. Returns at once. Throws `E_CLOSED`. */
  publishEvent(event: StreamEvent): void {
    this.#send(packMessage("events", "", eventMessage(event)));
  }

  close(): void {
    if (!this.#isClosed) this.socket.close();
    this.#isClosed = true;
  }

  #send(part: Uint8Array): void {
    if (this.#isClosed)
      throw new NightshiftError("E_CLOSED", { expected: "an open publisher", received: "a closed one", remedy: "Close it after the last answer." });
    this.#sent++;
    // A PUB socket takes every message at once: what a slow subscriber cannot hold is dropped for that subscriber alone.
    this.socket.send(part).catch(this.options.onError);
  }
}
