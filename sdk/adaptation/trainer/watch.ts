import type { RestsFor } from "../../stream/status.js";
import { residentMb } from "./resident.js";
import type { RestRule } from "./rest.js";
import type { Reading } from "./sensors.js";

export interface Watched {
  readonly pid: number;
  readonly memoryMb: number;
  readonly rule: RestRule;
  /** Linux's `/proc`. */
  readonly proc: string;
  readonly reading: () => Reading;
  readonly everyMs: number;
  readonly onTooMuch: (usedMb: number) => void;
  /** When it is to rest, and when no longer: then without a reason. */
  readonly onRest: (because: RestsFor | undefined) => void;
  /** At each look while it rests. */
  readonly onResting: () => void;
}

/** Looks at a trainer's memory and at the machine again and again, off the main thread, until it is closed. */
export class Watch {
  #usedMb: number | undefined;
  #restsFor: RestsFor | undefined;
  #isClosed = false;
  readonly #clock: NodeJS.Timeout;

  constructor(private readonly watched: Watched) {
    this.#clock = setInterval(() => void this.#look(), watched.everyMs);
    void this.#look();
  }

  /** At the latest look; undefined where the system does not tell. */
  get usedMb(): number | undefined {
    return this.#usedMb;
  }

  get restsFor(): RestsFor | undefined {
    return this.#restsFor;
  }

  close(): void {
    this.#isClosed = true;
    clearInterval(this.#clock);
  }

  async #look(): Promise<void> {
    const { pid, memoryMb, proc, rule, reading, onTooMuch, onRest, onResting } = this.watched;
    this.#usedMb = await residentMb(pid, proc);
    if (this.#isClosed) return;
    if ((this.#usedMb ?? 0) > memoryMb) return onTooMuch(this.#usedMb ?? 0);
    const because = rule.look(reading(), performance.now());
    if (because !== undefined) onResting();
    if (because === this.#restsFor) return;
    this.#restsFor = because;
    onRest(because);
  }
}
