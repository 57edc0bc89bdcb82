import { toBinary } from "@bufbuild/protobuf";
import { Reply } from "zeromq";
import { NightshiftError } from "../errors.js";
import { bind } from "./bind.js";
import { answer, type ControlHandler, type Outcome, readRequest, replyOf } from "./control-handler.js";
import { type ControlReply, ControlReplySchema } from "./messages/nightshift_pb.js";

export type { ControlHandler };

export const defaultControlAddress = "tcp://127.0.0.1:5591";

export interface ControlOptions {
  readonly address?: string;
  /** How long a handler may take before the client is told that it failed, milliseconds. */
  readonly timeoutMs?: number;
  /** Gets what goes wrong outside of any request. */
  readonly onError: (error: unknown) => void;
}

/** Answers control requests, one after the other. A request that cannot be understood gets an error for a reply. */
export class ControlServer {
  #isClosed = false;

  private constructor(
    private readonly socket: Reply,
    private readonly handler: ControlHandler,
    private readonly options: ControlOptions,
    /** Where it listens, with the port that was chosen. */
    readonly address: string,
  ) {}

  /** Throws `E_ADDRESS_IN_USE` or `E_CONFIG` where it cannot listen. */
  static async open(handler: ControlHandler, options: ControlOptions): Promise<ControlServer> {
    // A peer that sends more than 64 KiB is no client of ours; ZeroMQ then hangs up on it.
    const socket = new Reply({ linger: 100, maxMessageSize: 65536 });
    try {
      const address = await bind(socket, options.address ?? defaultControlAddress, "control socket");
      const server = new ControlServer(socket, handler, options, address);
      void server.#serve();
      return server;
    } catch (error) {
      socket.close();
      throw error;
    }
  }

  close(): void {
    if (!this.#isClosed) this.socket.close();
    this.#isClosed = true;
  }

  async #serve(): Promise<void> {
    try {
      for await (const parts of this.socket) {
        const reply = await this.#answer(parts);
        if (this.#isClosed) return;
        await this.socket.send(toBinary(ControlReplySchema, reply));
      }
    } catch (error) {
      if (!this.#isClosed) this.options.onError(error);
    }
  }

  async #answer(parts: readonly Uint8Array[]): Promise<ControlReply> {
    try {
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

const unforeseen = (cause: unknown): NightshiftError =>
  new NightshiftError("E_INTERNAL", {
    expected: "the request to be carried out",
    received: cause instanceof Error ? cause.message : String(cause),
    remedy: "Look into the log of the process that was asked.",
    cause,
  });
