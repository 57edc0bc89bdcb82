import { create, fromBinary, type MessageInitShape } from "@bufbuild/protobuf";
import { NightshiftError } from "../errors.js";
import { type ControlReply, ControlReplySchema, type ControlRequest, ControlRequestSchema } from "./messages/nightshift_pb.js";
import { type Status, statusMessage } from "./status.js";
import { schemaVersion } from "./topics.js";
import { type VehicleState, vehicleState } from "./vehicle.js";

/**
 * Who does what the control socket is asked. Every method answers soon: what takes long is started, and its end is told by an event.
 * What a method throws becomes the reply.
 */
export interface ControlHandler {
  status(): Status | Promise<Status>;
  /** Throws `E_VOCABULARY` unless there are 1 to 64 different names, none empty. */
  setVocabulary(names: readonly string[]): void | Promise<void>;
  adaptNow(): void | Promise<void>;
  pause(): void | Promise<void>;
  resume(): void | Promise<void>;
  rollBack(): void | Promise<void>;
  vehicleState(state: VehicleState): void | Promise<void>;
  /** Forgets every frame that was remembered, in memory and on the disk. */
  eraseFrames(): void | Promise<void>;
}

/** What a reply says. */
export type Outcome = MessageInitShape<typeof ControlReplySchema>["reply"];

export const replyOf = (reply: Outcome): ControlReply => create(ControlReplySchema, { schemaVersion, reply });

/** Reads the parts of one request. Throws `E_CONTROL` where they are none. */
export function readRequest(parts: readonly Uint8Array[]): ControlRequest {
  const [part] = parts;
  if (parts.length !== 1 || !part) throw malformed(`${parts.length} parts`, undefined);
  let request: ControlRequest;
  try {
    request = fromBinary(ControlRequestSchema, part);
  } catch (cause) {
    throw malformed(`${part.length} bytes that do not decode`, cause);
  }
  if (request.schemaVersion > schemaVersion)
    throw malformed(`schema version ${request.schemaVersion}, which is newer than ${schemaVersion}`, undefined);
  return request;
}

/** Has the handler do what is asked. */
export async function answer(handler: ControlHandler, { request }: ControlRequest): Promise<Outcome> {
  switch (request.case) {
    case "status":
      return { case: "status", value: statusMessage(await handler.status()) };
    case "setVocabulary":
      await handler.setVocabulary(request.value.names);
      break;
    case "vehicleState":
      await handler.vehicleState(vehicleState(request.value));
      break;
    case "adaptNow":
    case "pause":
    case "resume":
    case "rollBack":
    case "eraseFrames":
      await handler[request.case]();
      break;
    case undefined:
      throw malformed("a message without a request that this version knows", undefined);
  }
  return { case: "ok", value: {} };
}

const malformed = (received: string, cause: unknown): NightshiftError =>
  new NightshiftError("E_CONTROL", {
    expected: "one part that holds a nightshift.v1.ControlRequest with one request set",
    received,
    remedy: "Encode the request with the schema in sdk/stream/messages/nightshift.proto.",
    cause,
  });
