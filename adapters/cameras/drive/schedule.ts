import { NightshiftError } from "../../../sdk/errors.js";
import { checkCondition, type Condition, type ConditionWeights, conditions, pureWeights } from "./condition.js";

/** A condition that lasts up to the frame `untilFrame`, exclusive. */
export interface ScheduleEntry {
  readonly untilFrame: number;
  readonly condition: Condition;
}

/** Frames over which one condition turns into the next, centred on the boundary. */
export const transitionFrames = 48;

/** The weather of each frame. After the last entry its condition stays. */
export class Schedule {
  /** Throws `E_CONFIG` where the schedule is empty or its frames do not rise. */
  constructor(private readonly entries: readonly ScheduleEntry[]) {
    let before = 0;
    for (const entry of entries) {
      checkCondition(entry.condition);
      if (!(entry.untilFrame > before)) throw unordered(entry.untilFrame, before);
      before = entry.untilFrame;
    }
    if (entries.length === 0) throw unordered(0, 0);
  }

  at(frame: number): ConditionWeights {
    const mixed = { day: 0, dusk: 0, night: 0, fog: 0 };
    let start = -Infinity;
    this.entries.forEach((entry, i) => {
      const end = i === this.entries.length - 1 ? Infinity : entry.untilFrame;
      mixed[entry.condition] += Math.max(0, rise(frame, start) - rise(frame, end));
      start = end;
    });
    const total = conditions.reduce((sum, each) => sum + mixed[each], 0);
    const first = this.entries[0];
    if (total <= 0 && first) return pureWeights(first.condition);
    for (const each of conditions) mixed[each] /= total;
    return mixed;
  }
}

/** From 0 to 1 about the boundary, smoothly. */
function rise(frame: number, boundary: number): number {
  if (boundary === -Infinity) return 1;
  if (boundary === Infinity) return 0;
  const t = Math.min(1, Math.max(0, (frame - boundary) / transitionFrames + 0.5));
  return t * t * (3 - 2 * t);
}

const unordered = (received: number, before: number) =>
  new NightshiftError("E_CONFIG", {
    expected: "a schedule of at least one entry whose untilFrame rises from 1 on",
    received: `untilFrame ${received} after ${before}`,
    remedy: "Order the entries by untilFrame.",
  });
