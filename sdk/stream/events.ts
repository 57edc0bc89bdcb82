import { create } from "@bufbuild/protobuf";
import { z } from "zod";
import { nowNs } from "../frame.js";
import { Condition, EventKind, type Event, EventSchema } from "./messages/nightshift_pb.js";
import { schemaVersion } from "./topics.js";

/** What can happen, by the names that the schema's enum gives: "generation_swapped", "verdict", ... */
export type EventKindName = Lowercase<Exclude<keyof typeof EventKind, "UNSPECIFIED">>;

/** "unknown", "clear", "dusk", "night" or "fog". */
export type ConditionName = Lowercase<keyof typeof Condition>;

/** Something that happened to the stream or to the adaptation. */
export interface StreamEvent {
  /** Nanoseconds since the Unix epoch. */
  readonly timeNs: bigint;
  readonly kind: EventKindName;
  /** One sentence for people. */
  readonly text: string;
  /** For programs. What JSON cannot say is not for here. */
  readonly details: Readonly<Record<string, unknown>>;
}

/** An event of now. */
export function streamEvent(kind: EventKindName, text: string, details: Readonly<Record<string, unknown>> = {}): StreamEvent {
  return { timeNs: nowNs(), kind, text, details };
}

export const conditionNames = lowerNames(Condition);
export const eventKindNames = lowerNames(EventKind).filter((name): name is EventKindName => name !== "unspecified");

export const conditionNumber = (name: ConditionName): Condition => Condition[upper(name)];
export const conditionName = (number: Condition): ConditionName => conditionNames.find((name) => conditionNumber(name) === number) ?? "unknown";

export function eventMessage(event: StreamEvent): Event {
  return create(EventSchema, {
    schemaVersion,
    timeNs: event.timeNs,
    kind: EventKind[upper(event.kind)],
    text: event.text,
    detailsJson: JSON.stringify(event.details),
  });
}

/** What `eventMessage` made a message of; undefined for a kind that this version does not know. Throws where the details are no JSON object. */
export function eventOf({ timeNs, kind, text, detailsJson }: Event): StreamEvent | undefined {
  const name = eventKindNames.find((each) => EventKind[upper(each)] === kind);
  return name && { timeNs, kind: name, text, details: z.record(z.string(), z.unknown()).parse(JSON.parse(detailsJson)) };
}

function upper<Name extends string>(name: Name): Uppercase<Name> {
  return name.toUpperCase() as Uppercase<Name>;
}

/** The names of a generated enum, in lower case. TypeScript's numeric enums also map numbers back to names. */
function lowerNames<Enum extends object>(values: Enum): Lowercase<Extract<keyof Enum, string>>[] {
  return Object.keys(values)
    .filter((key) => !/^\d+$/.test(key))
    .map((key) => key.toLowerCase() as Lowercase<Extract<keyof Enum, string>>);
}
