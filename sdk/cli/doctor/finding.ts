/** What was looked at, and what of it is there. */
export interface Finding {
  readonly what: string;
  /** `missing`: Nightshift cannot do its work without. `not needed`: not there, and only what `without` says does not work. */
  readonly state: "ok" | "missing" | "not needed";
  /** What was found, or where it was looked for. */
  readonly found: string;
  /** What cannot be done, where it is not there. */
  readonly without?: string;
  /** What to do about it. */
  readonly remedy?: string;
}

export type Check = () => Promise<readonly Finding[]>;

export const ok = (what: string, found: string): Finding => ({ what, state: "ok", found });

/** `remedy`: what to do. */
export const missing = (what: string, found: string, remedy: string): Finding => ({ what, state: "missing", found, remedy });

export const notNeeded = (what: string, found: string, without: string, remedy: string): Finding => ({ what, state: "not needed", found, without, remedy });
