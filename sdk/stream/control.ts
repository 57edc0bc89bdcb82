import { toBinary } from "@bufbuild/protobuf";
import { Reply } from "zeromq";
import { NightshiftError, reasonOf } from "../errors.js";
import type { Access } from "./access.js";
import { Bound } from "./bound.js";
import { Allowance } from "./allowance.js";
import { answer, type ControlHandler, type Outcome, readRequest, replyOf } from "./control-handler.js";
import { type ControlReply, ControlReplySchema } from "./messages/nightshift_pb.js";

export type { ControlHandler };

export const defaultControlAddress = "tcp://127.0.0.1:5591";

export interface ControlOptions {
  readonly address?: string;
  /** Who may ask; anyone on this machine where there is none, and then nobody else can. */
  readonly access?: Access;
  /** How long a handler may take before the client is told that it failed, milliseconds. */
  readonly timeoutMs?: number;
  /** Gets what goes wrong outside of any request. */
  readonly onError: (error: unknown) => void;
}

/** Requests that are carried out in a second, and at once after a pause. */
const [requestsPerSecond, requestsAtOnce] = [50, 200];

/** Answers control requests, one after the other. A request that cannot be understood, or comes too soon, gets an error for a reply. */
export class ControlServer {
  readonly #allowance = new Allowance(requestsPerSecond, requestsAtOnce);
  #bound: Bound<Reply> | undefined;

  private constructor(
    private readonly handler: ControlHandler,
    private readonly options: ControlOptions,
  ) {}

  /** Throws `E_ADDRESS_IN_USE` or `E_CONFIG` where it cannot listen, `E_EXPOSED` where others than this machine could connect without keys. */
  static async open(handler: ControlHandler, options: ControlOptions): Promise<ControlServer> {
    const server = new ControlServer(handler, options);
    const { address = defaultControlAddress, access, onError } = options;
    // A peer that sends more than 64 KiB is no client of ours; ZeroMQ then hangs up on it.
    const make = (more: object): Reply => new Reply({ linger: 100, maxMessageSize: 65536, ...more });
    server.#bound = await Bound.open({ make, addresses: [address], access, role: "controller", what: "control socket", onOpen: (socket) => void server.#serve(socket), onError });
    return server;
  }

  /** Where it listens, with the port that was chosen. */
  get address(): string {
    return this.#bound?.addresses[0] ?? "";
  }

  close(): void {
    this.#bound?.close();
  }

  async #serve(socket: Reply): Promise<void> {
    try {
      for await (const parts of socket) {
        const reply = await this.#answer(parts);
        if (socket.closed) return;
        await socket.send(toBinary(ControlReplySchema, reply));
      }
    } catch (error) {
      // One that is being given up fails, whatever it is at.
      if (this.#bound?.socket === socket) this.options.onError(error);
    }
  }

  async #answer(parts: readonly Uint8Array[]): Promise<ControlReply> {
    try {
      if (!this.#allowance.take()) throw tooSoon();
      return replyOf(await inTime(answer(this.handler, readRequest(parts)), this.options.timeoutMs ?? 5000));
    } catch (error) {
      const { code, expected, received, remedy } = error instanceof NightshiftError ? error : unforeseen(error);
      return replyOf({ case: "error", value: { code, expected, received, remedy } });
    }
  }
}

async function inTime(outcome: Promise<Outcome>, timeoutMs: number): Promise<Outcome> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(unforeseen(`nothing within ${timeoutMs} ms`)), timeoutMs);
  });
  try {
    return await Promise.race([outcome, late]);
  } finally {
    clearTimeout(timer);
  }
}

const tooSoon = (): NightshiftError =>
  new NightshiftError("E_CONTROL", { expected: `at most ${requestsPerSecond} requests a second`, received: "more", remedy: "Ask less often; what was not carried out may be asked again." });

const unforeseen = (cause: unknown): NightshiftError =>
  new NightshiftError("E_INTERNAL", {
    expected: "the request to be carried out",
    received: reasonOf(cause),
    remedy: "Look into the log of the process that was asked.",
    cause,
  });
