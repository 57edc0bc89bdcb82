import type { Frame } from "../../sdk/frame.js";
import { Random } from "../../sdk/random.js";

export type Look = "day" | "dusk" | "night" | "fog" | "black" | "covered" | "burnt";

/** A crude street: sky, houses, road, with the light of each kind of weather. Enough for statistics. */
export function picture(look: Look, sequence = 0, width = 320, height = 180): Frame {
  const random = new Random(sequence, 77);
  const rgb = new Uint8Array(width * height * 3);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const [r, g, b] = colour(look, x / width, y / height, sequence);
      const noise = look === "black" || look === "covered" || look === "burnt" ? 0 : random.uniform(-4, 4);
      [r, g, b].forEach((value, channel) => (rgb[(y * width + x) * 3 + channel] = Math.max(0, Math.min(255, value + noise))));
    }
  return { camera: "front", sequence, captureTimeNs: BigInt(sequence) * 66_000_000n, width, height, rgb };
}

type Colour = readonly [number, number, number];

function colour(look: Look, x: number, y: number, sequence: number): Colour {
  if (look === "black") return [3, 3, 3];
  if (look === "covered") return [90 + 4 * y, 80, 75];
  if (look === "burnt") return [255, 255, 255];
  const scene = sceneAt(x, y, sequence);
  if (look === "day") return scene;
  if (look === "dusk") return [scene[0] * 0.5, scene[1] * 0.5, scene[2] * 0.58];
  if (look === "fog") return [185 + (scene[0] - 150) * 0.12, 187 + (scene[1] - 150) * 0.12, 190 + (scene[2] - 150) * 0.12 - 25 * Math.max(0, y - 0.7)];
  const isLamp = Math.abs(y - 0.45) < 0.02 && Math.sin(40 * x) > 0.7;
  const headlight = y > 0.6 ? 55 * (1 - Math.abs(x - 0.5)) : 0;
  const lit = y < 0.38 ? 0.02 : 0.1;
  return isLamp ? [250, 230, 180] : [6 + scene[0] * lit + headlight, 6 + scene[1] * lit + headlight, 6 + scene[2] * lit + headlight * 0.8];
}

function sceneAt(x: number, y: number, sequence: number): Colour {
  const shift = sequence * 0.013;
  if (y < 0.38) return [200, 215, 250];
  if (y < 0.62) return Math.sin(55 * (x + shift)) > 0 ? [150, 80, 50] : Math.sin(90 * (x + shift)) > 0.3 ? [40, 70, 30] : [25, 25, 30];
  return Math.abs(Math.sin(9 * (x + shift))) > 0.96 ? [240, 240, 240] : [110, 110, 115];
}
