/** Where a command writes. Results go to stdout, everything else to stderr, so that `--json` leaves JSON alone on stdout. */
export interface Io {
  out(text: string): void;
  err(text: string): void;
  /** Whether stderr is a terminal, on which a line of progress may replace the one before. */
  readonly isTerminal: boolean;
}

/** What failed was told, in the result that was printed or, where it is the `cause`, in the log: nothing more is to be said of it for people. */
export class ToldFailure extends Error {}

export function processIo(): Io {
  for (const stream of [process.stdout, process.stderr])
    stream.on("error", (error: NodeJS.ErrnoException) => {
      // Whoever read it has read enough, as `head` does: the work goes on.
      if (error.code !== "EPIPE") throw error;
    });
  return {
    out: (text) => void process.stdout.write(text),
    err: (text) => void process.stderr.write(text),
    isTerminal: process.stderr.isTTY,
  };
}

/** A line for people. */
export function say(io: Io, line: string): void {
  io.err(`${io.isTerminal ? "\r\x1b[K" : ""}${line}\n`);
}

/** Progress: on a terminal one line that changes, otherwise a line every few seconds, if there is news. */
export class Progress {
  #lastMs = -Infinity;
  #lastLine = "";

  constructor(
    private readonly io: Io,
    private readonly everyMs = io.isTerminal ? 200 : 5000,
  ) {}

  show(line: string): void {
    const now = performance.now();
    if (now - this.#lastMs < this.everyMs || line === this.#lastLine) return;
    this.#lastMs = now;
    this.#lastLine = line;
    this.io.err(this.io.isTerminal ? `\r\x1b[K${line}` : `${line}\n`);
  }
}

/** The result of a command: as JSON, or as lines for people. */
export function result(io: Io, asJson: boolean, value: object, lines: readonly string[]): void {
  if (!asJson && io.isTerminal) io.err("\r\x1b[K");
  io.out(asJson ? `${JSON.stringify(value, undefined, 2)}\n` : lines.map((line) => `${line}\n`).join(""));
}

/** Two columns. */
export function table(rows: readonly (readonly [string, string | number])[]): string[] {
  const width = Math.max(0, ...rows.map(([name]) => name.length));
  return rows.map(([name, value]) => `${name.padEnd(width)}  ${value}`);
}

/** One digit behind the point; a dash where there is no number. */
export const figure = (value: number | null | undefined, digits = 1): string => (value === null || value === undefined || Number.isNaN(value) ? "-" : value.toFixed(digits));

/** The bounds of an interval; a dash where there is none. */
export const between = (interval: readonly number[] | null): string => (interval ? interval.map((bound) => figure(bound)).join(" to ") : "-");
