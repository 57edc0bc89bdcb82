import { create, fromBinary, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { Request } from "zeromq";
import { familyOf } from "./bind.js";
import { connect } from "./connect.js";
import { type CurveClient, curveOptions } from "./curve.js";
import { errorCodes, type ErrorCode, NightshiftError, reasonOf } from "../errors.js";
import { type ControlError, type ControlReply, ControlReplySchema, ControlRequestSchema } from "./messages/nightshift_pb.js";
import { type Status, statusOf } from "./status.js";
import { schemaVersion } from "./topics.js";
import { type VehicleState, vehicleStateMessage } from "./vehicle.js";

type Ask = NonNullable<MessageInitShape<typeof ControlRequestSchema>["request"]>;

/**
 * Asks a control server. One request at a time; an error reply is thrown with its code, and `E_CONTROL` where no answer comes, or none that can be read.
 */
export class ControlClient {
  readonly #socket: Request;
  #turn: Promise<unknown> = Promise.resolve();

  /** Throws `E_CONFIG` for what is no address. */
  constructor(
    readonly address: string,
    /** How long to wait for an answer. */
    readonly timeoutMs = 10_000,
    /** For a server that asks for keys. */
    keys?: CurveClient,
  ) {
    // Relaxed and correlated: a request that was never answered does not block the next.
    this.#socket = new Request({ linger: 0, receiveTimeout: timeoutMs, sendTimeout: timeoutMs, relaxed: true, correlate: true, ...familyOf([address]), ...(keys && curveOptions(keys)) });
    connect(this.#socket, address);
  }

  async status(): Promise<Status> {
    const { reply } = await this.#ask({ case: "status", value: {} });
    if (reply.case === "status") return statusOf(reply.value);
    throw this.#noAnswer(`a reply of kind ${reply.case}`, undefined);
  }

  async setVocabulary(names: readonly string[]): Promise<void> {
    await this.#ask({ case: "setVocabulary", value: { names: [...names] } });
  }

  async adaptNow(): Promise<void> {
    await this.#ask({ case: "adaptNow", value: {} });
  }

  async pause(): Promise<void> {
    await this.#ask({ case: "pause", value: {} });
  }

  async resume(): Promise<void> {
    await this.#ask({ case: "resume", value: {} });
  }

  async rollBack(): Promise<void> {
    await this.#ask({ case: "rollBack", value: {} });
  }

  async vehicleState(state: VehicleState): Promise<void> {
    await this.#ask({ case: "vehicleState", value: vehicleStateMessage(state) });
  }

  async eraseFrames(): Promise<void> {
    await this.#ask({ case: "eraseFrames", value: {} });
  }

  close(): void {
    this.#socket.close();
  }

  #ask(request: Ask): Promise<ControlReply> {
    const answer = this.#turn.then(() => this.#exchange(request));
    this.#turn = answer.catch(() => undefined);
    return answer;
  }

  async #exchange(request: Ask): Promise<ControlReply> {
    let part: Uint8Array | undefined;
    try {
      await this.#socket.send(toBinary(ControlRequestSchema, create(ControlRequestSchema, { schemaVersion, request })));
      [part] = await this.#socket.receive();
    } catch (cause) {
      throw this.#noAnswer(reasonOf(cause), cause);
    }
    const reply = this.#read(part ?? new Uint8Array());
    if (reply.reply.case === "error") throw errorOf(reply.reply.value);
    if (reply.reply.case === undefined) throw this.#noAnswer("a reply that this version does not know", undefined);
    return reply;
  }

  #read(part: Uint8Array): ControlReply {
    try {
      return fromBinary(ControlReplySchema, part);
    } catch (cause) {
      throw this.#noAnswer(`${part.length} bytes that do not decode`, cause);
    }
  }

  #noAnswer(received: string, cause: unknown): NightshiftError {
    return new NightshiftError("E_CONTROL", {
      expected: `an answer from ${this.address} within ${this.timeoutMs} ms`,
      received,
      remedy: "Check the address, that Nightshift is running, and that it allows this key where it asks for one.",
      cause,
    });
  }
}

const isCode = (code: string): code is ErrorCode => Object.hasOwn(errorCodes, code);

/** A newer server may know codes that this client does not; those become `E_CONTROL` and are named in `received`. */
function errorOf({ code, expected, received, remedy }: ControlError): NightshiftError {
  if (isCode(code)) return new NightshiftError(code, { expected, received, remedy });
  return new NightshiftError("E_CONTROL", { expected, received: `${code}: ${received}`, remedy });
}
