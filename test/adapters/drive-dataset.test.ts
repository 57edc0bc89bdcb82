import test from "ava";
import { driveDataset } from "../../adapters/datasets/drive.js";
import { NightshiftError } from "../../sdk/errors.js";

const options = { seed: 3, length: 9, condition: "night", width: 160, height: 96 } as const;

test("every sample has a picture, a mask and boxes of the stated sizes and names", async (t) => {
  const dataset = driveDataset(options);
  t.is(dataset.name, "drive/night");
  t.is(dataset.length, 9);
  const ids = new Set<string>();
  for (let i = 0; i < dataset.length; i++) {
    const { id, width, height, rgb, mask, boxes } = await dataset.sample(i);
    ids.add(id);
    t.deepEqual([width, height, rgb.length, mask?.length], [160, 96, 160 * 96 * 3, 160 * 96]);
    t.true(mask?.every((value) => value < dataset.names.length));
    for (const box of boxes ?? []) {
      t.true(dataset.boxNames.includes(box.label));
      t.true(box.x1 >= 0 && box.x1 < box.x2 && box.x2 <= width && box.y1 >= 0 && box.y1 < box.y2 && box.y2 <= height);
    }
  }
  t.is(ids.size, 9);
});

test("a sample does not depend on which were taken before", async (t) => {
  const one = driveDataset(options), two = driveDataset(options);
  await two.sample(0);
  await two.sample(8);
  t.deepEqual((await two.sample(5)).rgb, (await one.sample(5)).rgb);
  t.notDeepEqual((await one.sample(6)).mask, (await one.sample(5)).mask);
});

test("samples say how far everything is where that is asked for", async (t) => {
  const options = { seed: 4, length: 1, condition: "day", width: 160, height: 96 } as const;
  t.is((await driveDataset(options).sample(0)).depth, undefined);
  const { depth, mask } = await driveDataset({ ...options, depth: true }).sample(0);
  const [sky, road] = ["sky", "road"].map((name) => driveDataset(options).names.indexOf(name));
  t.is(depth?.length, 160 * 96);
  depth?.forEach((metres, pixel) => {
    if (mask?.[pixel] === sky) t.is(metres, Infinity);
    if (mask?.[pixel] === road) t.true(metres > 1 && metres < 1000);
  });
  // The road in front of the car is nearer than the road ahead.
  const roads = [...(mask ?? [])].flatMap((label, pixel) => (label === road && depth ? [depth[pixel]] : []));
  t.true(roads.at(-1)! < roads[0]);
});

test("an index beyond the end is refused", async (t) => {
  const error = await t.throwsAsync(driveDataset(options).sample(9), { instanceOf: NightshiftError });
  t.is(error?.code, "E_DATASET");
});
