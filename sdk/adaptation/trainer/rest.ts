import type { RestsFor } from "../../stream/status.js";
import type { TrainingOptions, TrainingProgress } from "./job.js";
import type { Reading } from "./sensors.js";

export type Limits = Pick<TrainingOptions, "mostCelsius" | "mostWatts">;

/** Learning goes on when it is so far below a limit. */
const below = { celsius: 5, shareOfWatts: 0.1 };

/** Decides when training rests: above a limit, until it is well below again and some time has passed, as power falls the moment that it rests. */
export class RestRule {
  #restsFor: RestsFor | undefined;
  #sinceMs = 0;

  constructor(
    readonly limits: Limits,
    /** Milliseconds. */
    private readonly leastRestMs: number,
  ) {}

  /** Why training rests; undefined where it goes on. A sensor that says nothing is taken to be above its limit. */
  look({ celsius = Infinity, watts = Infinity }: Reading, nowMs: number): RestsFor | undefined {
    const { mostCelsius = Infinity, mostWatts = Infinity } = this.limits;
    const rests = this.#restsFor !== undefined;
    const isHot = celsius > (rests ? mostCelsius - below.celsius : mostCelsius);
    const isHungry = watts > (rests ? mostWatts * (1 - below.shareOfWatts) : mostWatts);
    const why = isHot ? "temperature" : isHungry ? "power" : undefined;
    if (why !== undefined && !rests) this.#sinceMs = nowMs;
    if (why !== undefined || nowMs - this.#sinceMs >= this.leastRestMs) this.#restsFor = why;
    return this.#restsFor;
  }
}

/** For people: what is too much; without a rest, that nothing is any more. */
export function inWords(rest: TrainingProgress["rest"], { mostCelsius, mostWatts }: Limits): string {
  if (!rest) return "Learning goes on.";
  const [measured, limit] = rest.because === "temperature" ? [rest.celsius, `${mostCelsius} °C`] : [rest.watts, `${mostWatts} W`];
  return `Learning rests, as the ${rest.because} ${measured === undefined ? "cannot be read" : `is ${measured.toFixed(1)}`} and is limited to ${limit}.`;
}
