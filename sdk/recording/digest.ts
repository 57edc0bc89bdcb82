import { createHash, type Hash } from "node:crypto";
import type { Perception } from "../engine/perception.js";
import type { ConditionName, StreamEvent } from "../stream/events.js";

/** SHA-256 of all that a run answered and decided, without its timings: equal for two runs that did the same bit by bit. */
export type Digest = {
  /** Masks with their confidences, and depths where they are told, of every frame. */
  readonly masks: string;
  readonly boxes: string;
  /** What else each answer says: its number and capture time, generation, words, weather, validity. */
  readonly answers: string;
  /** Events with the count of answers before them: triggers, losses of every step, verdicts with their numbers, swaps. */
  readonly events: string;
};

/** What differs between two runs that do the same. */
const timings: ReadonlySet<string> = new Set(["seconds", "latencyMs"]);

export class RunDigest {
  readonly #hashes: Readonly<Record<keyof Digest, Hash>> = { masks: createHash("sha256"), boxes: createHash("sha256"), answers: createHash("sha256"), events: createHash("sha256") };

  answer(perception: Perception, condition: ConditionName): void {
    const { camera, sequence, captureTimeNs, generation, vocabulary, mask, maskScore, depth, boxes, valid, invalidReasons, cameraWidth, cameraHeight } = perception;
    const { masks, boxes: boxHash, answers } = this.#hashes;
    masks.update(mask).update(maskScore);
    if (depth) masks.update(depth);
    // A number as text has as many digits as tell it from every other.
    boxHash.update(`${JSON.stringify(boxes)}\n`);
    answers.update(`${JSON.stringify({ camera, sequence, captureTimeNs: String(captureTimeNs), generation, vocabulary, condition, valid, invalidReasons, cameraWidth, cameraHeight })}\n`);
  }

  event({ kind, details }: StreamEvent, answered: number): void {
    this.#hashes.events.update(`${answered} ${kind} ${JSON.stringify(details, (key, value: unknown) => (timings.has(key) ? undefined : value))}\n`);
  }

  /** Of everything so far. Ends it: nothing can be added any more. */
  end(): Digest {
    const { masks, boxes, answers, events } = this.#hashes;
    return { masks: masks.digest("hex"), boxes: boxes.digest("hex"), answers: answers.digest("hex"), events: events.digest("hex") };
  }
}
