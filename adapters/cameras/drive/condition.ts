import { NightshiftError } from "../../../sdk/errors.js";

/** The weather and light that a drive can show. */
export const conditions = ["day", "dusk", "night", "fog"] as const;
export type Condition = (typeof conditions)[number];

/** How much of each condition a frame shows, each 0 to 1, together 1. */
export type ConditionWeights = Readonly<Record<Condition, number>>;

export const pureWeights = (condition: Condition): ConditionWeights => ({ day: 0, dusk: 0, night: 0, fog: 0, [condition]: 1 });

export function checkCondition(condition: string): Condition {
  const known = conditions.find((each) => each === condition);
  if (known !== undefined) return known;
  throw new NightshiftError("E_CONFIG", {
    expected: `a condition: ${conditions.join(", ")}`,
    received: JSON.stringify(condition),
    remedy: "Choose one of them.",
  });
}
