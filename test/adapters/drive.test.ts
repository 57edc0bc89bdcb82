import { createHash } from "node:crypto";
import test from "ava";
import type { driveBoxNames} from "../../adapters/cameras/drive/classes.js";
import { driveNames } from "../../adapters/cameras/drive/classes.js";
import { conditions } from "../../adapters/cameras/drive/condition.js";
import { fewestPixels } from "../../adapters/cameras/drive/boxes.js";
import { Drive, type RenderedFrame } from "../../adapters/cameras/drive/drive.js";
import { makeMaterials } from "../../adapters/cameras/drive/materials.js";
import { Schedule } from "../../adapters/cameras/drive/schedule.js";
import { NightshiftError } from "../../sdk/errors.js";

const size = { width: 320, height: 180 } as const;
const drive = (seed: number, condition?: (typeof conditions)[number]) => new Drive({ seed, ...size, ...(condition && { condition }) });
const digest = ({ rgb, mask }: RenderedFrame) => createHash("sha256").update(rgb).update(mask).digest("hex");

test("a frame depends on the options and its index only", (t) => {
  const one = drive(5), two = drive(5);
  const forward = [0, 7, 500].map((i) => digest(one.render(i)));
  const back = [500, 7, 0].map((i) => digest(two.render(i))).reverse();
  t.deepEqual(forward, back);
  t.is(new Set(forward).size, 3);
  t.not(digest(drive(6).render(0)), forward[0]);
  t.deepEqual(two.renderPicture(7), one.render(7).rgb);
});

test("frames are the same on every machine", (t) => {
  t.deepEqual(
    conditions.map((condition) => digest(drive(3, condition).render(33))),
    [
      "b46c9f1461e2171f0dae89bc9c8f90849b26862f27513c87455994f5f4eda4bc",
      "40a9f4b7957f8661cb7e0b591fbeb831253af82ba1b81468f7c1cba107b5c760",
      "87a84d8a876e200a059b90b066b78bc0c1b22b32071c2adf520e9059f83bc6b9",
      "6c950e4d03f07b164700ee23260434c79cf2fdd2e0dafd9b6cb3e0721af37333",
    ],
  );
});

test("masks hold known classes, and the sky alone is infinitely far", (t) => {
  for (const seed of [1, 2, 9]) {
    const { mask, depth } = drive(seed, "day").render(20);
    t.is(mask.length, size.width * size.height);
    const seen = new Set(mask);
    t.true(Math.max(...seen) < driveNames.length);
    t.true(seen.has(driveNames.indexOf("road")) && seen.has(driveNames.indexOf("sky")));
    t.true(mask.every((id, p) => (id === 0) === (depth[p] === Infinity)));
    t.true(depth.every((metres) => metres > 0.3));
  }
});

test("a box is the visible extent of one object, in the mask's class", (t) => {
  let checked = 0;
  for (const seed of [2, 4, 11]) {
    const { mask, objects, boxes } = drive(seed, "day").render(12);
    const extents = new Map<number, { x1: number; y1: number; x2: number; y2: number; pixels: number; ids: Set<number> }>();
    objects.forEach((object, p) => {
      if (object === 0) return;
      const x = p % size.width, y = Math.floor(p / size.width);
      const e = extents.get(object) ?? { x1: x, y1: y, x2: x + 1, y2: y + 1, pixels: 0, ids: new Set() };
      extents.set(object, { x1: Math.min(e.x1, x), y1: Math.min(e.y1, y), x2: Math.max(e.x2, x + 1), y2: Math.max(e.y2, y + 1), pixels: e.pixels + 1, ids: e.ids.add(mask[p] ?? 255) });
    });
    for (const { label, ...box } of boxes) {
      const found = [...extents.values()].find((e) => e.x1 === box.x1 && e.y1 === box.y1 && e.x2 === box.x2 && e.y2 === box.y2);
      t.truthy(found);
      t.deepEqual(found && [...found.ids], [driveNames.indexOf(label as (typeof driveBoxNames)[number])]);
      t.true(found !== undefined && found.pixels >= fewestPixels);
      checked++;
    }
  }
  t.true(checked > 8);
});

test("in fog far things are more alike than near ones", (t) => {
  const { rgb, depth } = drive(4, "fog").render(10);
  const spread = (from: number, to: number) => {
    let count = 0, sum = 0, squares = 0;
    depth.forEach((metres, p) => {
      if (metres < from || metres >= to) return;
      const v = rgb[p * 3 + 1] ?? 0;
      count++;
      sum += v;
      squares += v * v;
    });
    return Math.sqrt(squares / count - (sum / count) ** 2);
  };
  const [near, middle, far] = [spread(0, 15), spread(30, 60), spread(120, 260)];
  t.true(near > middle && middle > far, `${near} ${middle} ${far}`);
});

test("day is bright, dusk darker, night darkest; the labels stay", (t) => {
  const frames = conditions.map((condition) => drive(8, condition).render(25));
  const means = frames.map(({ rgb }) => rgb.reduce((sum, v) => sum + v, 0) / rgb.length);
  const [day = 0, dusk = 0, night = 0, fog = 0] = means;
  t.true(day > dusk * 1.4 && dusk > night * 1.2 && fog > dusk, means.join(" "));
  for (const frame of frames) t.deepEqual(frame.mask, frames[0]?.mask);
});

test("a schedule turns smoothly from one condition to the next", (t) => {
  const schedule = new Schedule([{ untilFrame: 100, condition: "day" }, { untilFrame: 300, condition: "night" }]);
  t.is(schedule.at(0).day, 1);
  t.is(schedule.at(250).night, 1);
  t.is(schedule.at(5000).night, 1);
  let before = 0;
  for (let frame = 60; frame < 140; frame++) {
    const { day, night, dusk, fog } = schedule.at(frame);
    t.true(Math.abs(day + night + dusk + fog - 1) < 1e-9 && night >= before && night - before < 0.05);
    before = night;
  }
});

test("wrong options are refused", (t) => {
  for (const wrong of [{ width: 8 }, { fps: 0 }, { seed: 0.5 }, { schedule: [] }, { schedule: [{ untilFrame: 9, condition: "day" as const }, { untilFrame: 3, condition: "fog" as const }] }]) {
    const error = t.throws(() => new Drive({ seed: 1, ...wrong }, materials), { instanceOf: NightshiftError });
    t.is(error?.code, "E_CONFIG");
  }
  t.throws(() => drive(1).render(-1), { instanceOf: NightshiftError });
});

const materials = makeMaterials(1);
