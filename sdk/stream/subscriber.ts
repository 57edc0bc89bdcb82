import { Subscriber as SubscriberSocket } from "zeromq";
import { connect } from "./connect.js";
import { type CurveClient, curveOptions } from "./curve.js";
import { type Received, unpackMessage } from "./topics.js";

export interface SubscriberOptions {
  readonly address: string;
  /** Beginnings of topics, for example `mask/`; everything by default. */
  readonly topics?: readonly string[];
  /** Messages that may wait here before the publisher drops some for this subscriber. */
  readonly highWaterMark?: number;
  /** Keep only the newest message of all topics: for readers that are slower than the stream. */
  readonly newestOnly?: boolean;
  /** For a publisher that asks for keys. */
  readonly keys?: CurveClient;
}

/** Receives what a publisher sends, from this or another process. */
export class Subscriber implements AsyncIterable<Received> {
  readonly #socket: SubscriberSocket;

  /** Throws `E_CONFIG` for what is no address. */
  constructor(options: SubscriberOptions) {
    this.#socket = new SubscriberSocket({ receiveHighWaterMark: options.highWaterMark ?? 1000, conflate: options.newestOnly ?? false, linger: 0, ...(options.keys && curveOptions(options.keys)) });
    connect(this.#socket, options.address);
    this.#socket.subscribe(...(options.topics ?? [""]));
  }

  /** Messages as they come, until `close`. Throws `E_FRAME_FORMAT` on one that is not of this schema. */
  async *[Symbol.asyncIterator](): AsyncGenerator<Received, void, undefined> {
    for await (const [part] of this.#socket) if (part) yield unpackMessage(part);
  }

  close(): void {
    this.#socket.close();
  }
}
