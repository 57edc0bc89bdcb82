import { Subscriber as SubscriberSocket } from "zeromq";
import { familyOf } from "./bind.js";
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

/**
 * Seconds. Who only listens never learns by itself that the other machine lost its power: the system asks, and the socket connects anew where nobody answers.
 * Not ZeroMQ's own heartbeats, which end the process of a slow subscriber (libzmq issue 3937).
 */
const keepalive = { tcpKeepalive: 1, tcpKeepaliveIdle: 5, tcpKeepaliveInterval: 2, tcpKeepaliveCount: 3 } as const;

/** Receives what a publisher sends, from this or another process. */
export class Subscriber implements AsyncIterable<Received> {
  readonly #socket: SubscriberSocket;

  /** Throws `E_CONFIG` for what is no address. */
  constructor({ address, topics = [""], highWaterMark = 1000, newestOnly = false, keys }: SubscriberOptions) {
    this.#socket = new SubscriberSocket({ receiveHighWaterMark: highWaterMark, conflate: newestOnly, linger: 0, ...keepalive, ...familyOf([address]), ...(keys && curveOptions(keys)) });
    connect(this.#socket, address);
    this.#socket.subscribe(...topics);
  }

  /** Messages as they come, but those on topics that a later version has, until `close`. Throws `E_FRAME_FORMAT` on one that is not of this schema. */
  async *[Symbol.asyncIterator](): AsyncGenerator<Received, void, undefined> {
    for await (const [part] of this.#socket) {
      const received = part && unpackMessage(part);
      if (received) yield received;
    }
  }

  close(): void {
    this.#socket.close();
  }
}
