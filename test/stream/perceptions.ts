import type { Perception } from "../../sdk/engine/perception.js";
import { nowNs } from "../../sdk/frame.js";

const vocabulary = ["road", "sky", "car", "person on a bicycle", "Straße"];

/** An answer with a mask that differs with the number: a horizon, a few rectangles, and noise here and there. */
export function perceptionOf(sequence: number, camera = "front", width = 512, height = 256): Perception {
  let random = sequence + 1;
  const next = (below: number) => {
    random = (random * 16807) % 2147483647;
    return random % below;
  };
  const horizon = 60 + next(100);
  const mask = new Uint8Array(width * height).map((_, i) => (i < horizon * width ? 1 : 0));
  for (let each = 0; each < 12; each++) {
    const [left, top, right, bottom] = [next(width - 60), next(height - 60), 5 + next(55), 5 + next(55)];
    const value = next(vocabulary.length);
    for (let y = top; y < top + bottom; y++) mask.fill(value, y * width + left, y * width + left + right);
  }
  for (let each = 0; each < 500; each++) mask[next(mask.length)] = next(vocabulary.length);
  const maskScore = new Uint8Array((width / 4) * (height / 4)).map(() => 128 + next(128));
  return {
    camera,
    sequence,
    captureTimeNs: nowNs(),
    generation: 3 + sequence,
    vocabulary,
    width,
    height,
    mask,
    maskScore,
    boxes: [
      { x1: 1.5, y1: 2, x2: 300.25, y2: 400, label: "car", score: 0.75 },
      { x1: 0, y1: 0, x2: 10, y2: 1079, label: "Straße", score: 0.5 },
    ],
    cameraWidth: 1920,
    cameraHeight: 1080,
    valid: sequence % 2 === 0,
    invalidReasons: sequence % 2 === 0 ? [] : ["the camera is covered"],
    timings: { queueMs: 1, inferenceMs: 20.5, totalMs: 22 },
  };
}
