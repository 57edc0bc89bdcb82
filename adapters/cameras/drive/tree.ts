import { capsule } from "./capsule.js";
import { classIds } from "./classes.js";
import type { Materials } from "./materials.js";
import type { Palette, Rgb } from "./palette.js";
import { type Paint, paintOf } from "./paint.js";
import { Random } from "./prng.js";
import type { Raster } from "./raster.js";
import type { Street } from "./street.js";
import type { Pose } from "./view.js";

/** A tree, a bush or (with `length`) a hedge: metres. */
export interface Tree {
  readonly kind: "tree";
  readonly seed: number;
  readonly lateral: number;
  readonly z: number;
  readonly height: number;
  readonly form: "round" | "tall" | "bush";
}

export function drawTree(raster: Raster, street: Street, materials: Materials, palette: Palette, tree: Tree): void {
  const random = new Random(tree.seed, 0x72ee);
  const pose = street.place(tree.lateral, tree.z);
  const bark = paintOf(materials.plain, palette.bark, classIds.tree);
  const leaf = random.pick(palette.leaves);
  const tone = random.range(0.8, 1.25);
  const leafPaint = (shade: number): Paint =>
    paintOf(random.pick(materials.leaves), scaled(leaf, tone * random.range(0.85, 1.15) * 1.5), classIds.tree, { shade });
  const { height } = tree;
  if (tree.form === "bush") {
    for (let i = 0; i < 3; i++) clump(raster, pose, random.range(-0.5, 0.5), height * 0.45, random.range(-0.4, 0.4), height * random.range(0.55, 0.8), leafPaint(random.range(110, 200)));
    return;
  }
  const trunk = height * (tree.form === "tall" ? 0.15 : random.range(0.28, 0.42));
  const thick = 0.05 + height * random.range(0.012, 0.022);
  capsule(raster, pose, 0, -0.2, 0, thick * 1.2, random.range(-0.2, 0.2), trunk + height * 0.1, 0, thick * 0.75, bark);
  if (tree.form === "round" && random.chance(palette.bare)) {
    const twigs = random.pick(materials.twigs);
    const crown = height - trunk * 0.8;
    const paint = paintOf(twigs, scaled(palette.bark, 0.9), classIds.tree, { shade: 150 });
    for (const turn of [0.3, 1.9]) billboard(raster, pose, turn, trunk * 0.8, crown, crown * 0.55, paint);
    return;
  }
  const clumps = tree.form === "tall" ? 7 : 9;
  for (let i = 0; i < clumps; i++) {
    const up = tree.form === "tall" ? i / (clumps - 1) : random.next();
    const wide = tree.form === "tall" ? height * 0.16 * (1.15 - up) : height * 0.24;
    const y = trunk + (height - trunk) * (0.2 + 0.65 * up);
    const size = tree.form === "tall" ? height * 0.17 * (1.3 - up) : height * random.range(0.17, 0.27);
    const x = random.range(-wide, wide), z = random.range(-wide, wide);
    clump(raster, pose, x, y, z, size, leafPaint(95 + 110 * up + random.range(-20, 20)));
  }
}

const scaled = ([r, g, b]: Rgb, by: number): Rgb => [r * by, g * by, b * by];

/** A clump of leaves that faces the camera, `size` metres from its middle to its edge. */
function clump(raster: Raster, pose: Pose, x: number, y: number, z: number, size: number, paint: Paint): void {
  const dx = raster.view.x - pose.x, dz = raster.view.z - pose.z;
  const away = Math.max(0.1, Math.sqrt(dx * dx + dz * dz));
  const rx = (dz / away) * size, rz = (-dx / away) * size;
  const cx = pose.x + x, cy = pose.y + y, cz = pose.z + z;
  raster.polygon([cx - rx, cy - size, cz - rz, 0, 0, cx + rx, cy - size, cz + rz, 0.999, 0, cx + rx, cy + size, cz + rz, 0.999, 0.999, cx - rx, cy + size, cz - rz, 0, 0.999], paint);
}

function billboard(raster: Raster, pose: Pose, turn: number, low: number, high: number, half: number, paint: Paint): void {
  const x = Math.cos(turn) * half, z = Math.sin(turn) * half;
  raster.polygon([-x, low, -z, 0, 0, x, low, z, 0.999, 0, x, low + high, z, 0.999, 0.999, -x, low + high, -z, 0, 0.999], paint, pose);
}
