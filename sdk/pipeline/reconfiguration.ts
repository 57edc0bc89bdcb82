import type { LoopChanges } from "../adaptation/options.js";

/** What of the options may change while frames stream. What is left out stays as it is; `undefined` puts the default back. */
export interface LiveOptions {
  /** As `NightshiftOptions.vocabulary`. */
  readonly vocabulary?: readonly string[] | undefined;
  /** As `NightshiftOptions.adaptation`. A training under way goes on as it began; `false` ends it. */
  readonly adaptation?: false | LoopChanges | undefined;
  /** As `NightshiftOptions.memory.mostHours`. */
  readonly memoryHours?: number | undefined;
}

export interface Reconfiguration {
  readonly changes: LiveOptions;
  /** What else was asked for, by its name, with the reason why it takes a restart. */
  readonly refused?: Readonly<Record<string, string>>;
}

/** What came of it, in a sentence or two. */
export function inWords({ changes, refused = {} }: Reconfiguration): string {
  const changed = Object.keys(changes);
  const waiting = Object.entries(refused).map(([name, reason]) => `${name} (${reason})`);
  const outcome = changed.length === 0 ? "Nothing changed." : `Changed from the next frame on: ${changed.join(", ")}.`;
  return `The configuration was read again. ${outcome}${waiting.length === 0 ? "" : ` Needs a restart: ${waiting.join(", ")}.`}`;
}
