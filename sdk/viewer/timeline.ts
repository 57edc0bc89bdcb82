import type { StreamEvent } from "../stream/events.js";
import { kept, thinned } from "./page/kept.js";
import type { History, LossPoint, PageEvent, Point, State } from "./page/wire.js";

/** What happened, bounded, for pages that come late. */
export class Timeline {
  #points: Point[] = [];
  #losses: LossPoint[] = [];
  #events: PageEvent[] = [];

  get history(): History {
    return { points: this.#points, losses: this.#losses, events: this.#events };
  }

  addState({ timeMs, condition, framesRemembered, fps, latencyMs }: State): void {
    this.#points.push({ timeMs, condition, framesRemembered, fps, latencyP50Ms: latencyMs.p50, latencyP95Ms: latencyMs.p95 });
    this.#points = thinned(this.#points, kept.points);
  }

  addLoss(loss: LossPoint): void {
    this.#losses.push(loss);
    this.#losses = thinned(this.#losses, kept.losses);
  }

  addEvent(event: PageEvent): void {
    this.#events.push(event);
    // Events are not thinned: each says something. The oldest go.
    this.#events = this.#events.slice(-kept.events);
  }
}

export const pageEvent = ({ timeNs, kind, text, details }: StreamEvent): PageEvent => ({ timeMs: Number(timeNs / 1_000_000n), kind, text, details });

/** The losses that a report of the trainer tells; undefined where the event is no such report. */
export function lossPoint(event: PageEvent): LossPoint | undefined {
  const { losses, step, steps } = event.details;
  if (event.kind !== "trainer_progress" || typeof losses !== "object" || losses === null) return undefined;
  const numbers = Object.entries(losses).filter((entry): entry is [string, number] => typeof entry[1] === "number" && Number.isFinite(entry[1]));
  return {
    timeMs: event.timeMs,
    step: typeof step === "number" ? step : 0,
    steps: typeof steps === "number" ? steps : 0,
    losses: Object.fromEntries(numbers),
  };
}
