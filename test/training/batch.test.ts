import test from "ava";
import type { Box } from "../../sdk/frame.js";
import { NightshiftError } from "../../sdk/errors.js";
import { Random } from "../../sdk/random.js";
import { BatchLoader } from "../../sdk/training/batch/index.js";
import { unitGrain } from "../../sdk/training/batch/colour.js";
import { darken, type Darkness } from "../../sdk/training/batch/darkness.js";
import { hang } from "../../sdk/training/batch/haze.js";
import { viewLabels } from "../../sdk/training/batch/labels.js";
import { pasteRare } from "../../sdk/training/batch/paste.js";
import { pad, resample } from "../../sdk/training/batch/resample.js";
import { boxInView, plainView, type View } from "../../sdk/training/batch/view.js";
import type { Dataset, Sample } from "../../sdk/training/dataset.js";
import { syntheticDataset } from "../support/synthetic-dataset.js";

const small = { width: 64, height: 32 };

function memory(name: string, length: number, sample: (index: number) => Sample, boxNames: string[] = []): Dataset {
  return { name, names: ["left", "right"], boxNames, length, sample: async (index) => Promise.resolve(sample(index)) };
}

test("sources are mixed by share within each batch, and each is gone through whole before it repeats", async (t) => {
  const seen = new Map<string, number>();
  const sources = [{ share: 2, length: 8 }, { share: 1, length: 4 }, { share: 1, length: 6 }].map(({ share, length }, at) => ({
    dataset: memory(`set${at}`, length, (index) => ({ id: String(index), width: 16, height: 16, rgb: new Uint8Array(768) })),
    share,
    boxes: false,
  }));
  const loader = new BatchLoader(sources, small);
  for (let step = 0; step < 4; step++) {
    const { ids, hasMask, hasBoxes } = await loader.batch(step);
    t.deepEqual(ids.map((id) => id.slice(0, 4)).sort(), ["set0", "set0", "set1", "set2"]);
    t.deepEqual([...hasMask, ...hasBoxes], new Array(8).fill(0));
    for (const id of ids) seen.set(id, (seen.get(id) ?? 0) + 1);
  }
  t.is([...seen.keys()].filter((id) => id.startsWith("set0")).length, 8);
  t.is([...seen.keys()].filter((id) => id.startsWith("set1")).length, 4);
  t.true([...seen.values()].every((times) => times === 1));
});

test("a step's batch depends on the seed and the step alone", async (t) => {
  const sources = [{ dataset: syntheticDataset(9), share: 1, boxes: true }];
  const forward = new BatchLoader(sources, small);
  await forward.batch(0);
  await forward.batch(1);
  const third = await forward.batch(2);
  t.deepEqual(await new BatchLoader(sources, small).batch(2), third);
  t.deepEqual(await forward.batch(0), await new BatchLoader(sources, small).batch(0));
  t.notDeepEqual((await new BatchLoader(sources, { ...small, seed: 2 }).batch(2)).frames, third.frames);
});

test("without augmentation samples come in order, whole, labelled at cell centres", async (t) => {
  const rgb = new Uint8Array(48 * 20 * 3);
  const mask = new Uint8Array(48 * 20);
  for (let pixel = 0; pixel < mask.length; pixel++) {
    mask[pixel] = pixel % 48 < 24 ? 0 : 1;
    rgb.fill(mask[pixel] === 0 ? 30 : 200, pixel * 3, pixel * 3 + 3);
  }
  const boxes: Box[] = [{ x1: 24, y1: 5, x2: 48, y2: 15, label: "thing" }];
  const dataset = memory("halves", 3, (index) => ({ id: String(index), width: 48, height: 20, rgb, mask, boxes }), ["thing"]);
  const loader = new BatchLoader([{ dataset, share: 1, boxes: true }], { ...small, batchSize: 2, augment: false, labelStride: 2 });
  const batch = await loader.batch(1);
  t.deepEqual(batch.ids, ["halves/2", "halves/0"]);
  t.deepEqual(batch.names[0], ["left", "right", "thing"]);
  t.deepEqual(batch.boxNames[0], ["thing"]);
  t.deepEqual([...batch.labels.subarray(0, 16)], [0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1]);
  t.is(batch.labelsFull?.length, 2 * 32 * 16);
  t.deepEqual([batch.frames[0], batch.frames[63 * 3]], [30, 200]);
  t.deepEqual([...batch.boxes.subarray(0, 8)], [32, 8, 64, 24, 0, 0, 0, 0]);
  t.deepEqual([...batch.boxLabels.subarray(0, 2)], [2, -1]);
  t.deepEqual([...batch.hasMask, ...batch.hasBoxes], [1, 1, 1, 1]);
});

test("frame, labels and boxes move together under augmentation", async (t) => {
  // A bright object on a dark ground: wherever the window falls, bright pixels, label 1 and the box must agree.
  const loader = new BatchLoader([{ dataset: syntheticDataset(1), share: 1, boxes: true }], { width: 128, height: 64, labelStride: 2 });
  let compared = 0;
  for (let step = 0; step < 12; step++) {
    const { labelsFull = new Uint8Array(), boxes, boxLabels } = await loader.batch(step);
    for (let at = 0; at < 4; at++) {
      if (boxLabels[at * 32] === -1) continue;
      let [x1, y1, x2, y2] = [Infinity, Infinity, 0, 0];
      labelsFull.subarray(at * 2048, (at + 1) * 2048).forEach((label, cell) => {
        if (label !== 1) return;
        [x1, x2] = [Math.min(x1, (cell % 64) * 2), Math.max(x2, (cell % 64) * 2 + 2)];
        [y1, y2] = [Math.min(y1, Math.floor(cell / 64) * 2), Math.max(y2, Math.floor(cell / 64) * 2 + 2)];
      });
      const box = boxes.subarray(at * 128, at * 128 + 4);
      [x1, y1, x2, y2].forEach((edge, side) => t.true(Math.abs(edge - box[side]) <= 4, `step ${step}, sample ${at}: ${edge} and ${box[side]}`));
      compared++;
    }
  }
  t.true(compared > 24, `${compared} boxes compared`);
});

test("depth moves with the labels, and an enlarged view is nearer by its scale", async (t) => {
  const synthetic = syntheticDataset(1);
  // Labels tell which depth belongs where: 30 m on the ground, 10 m at the block, sky in the topmost rows.
  const dataset: Dataset = {
    ...synthetic,
    sample: async (index) => {
      const sample = await synthetic.sample(index);
      return { ...sample, depth: Float32Array.from(sample.mask ?? [], (label, pixel) => (pixel < 96 * 6 ? Infinity : label === 1 ? 10 : 30)) };
    },
  };
  const loader = new BatchLoader([{ dataset, share: 1, boxes: false }], { width: 128, height: 64, depth: true });
  const scales = new Set<number>();
  for (let step = 0; step < 4; step++) {
    const { labels, depth = new Float32Array() } = await loader.batch(step);
    t.is(depth.length, labels.length);
    for (let at = 0; at < 4; at++) {
      const [own, metres] = [labels.subarray(at * 512, (at + 1) * 512), depth.subarray(at * 512, (at + 1) * 512)];
      const [near, far, ...others] = [...new Set(metres)].filter((value) => value > 0).sort((a, b) => a - b);
      t.deepEqual(others, []);
      // Where the window shows no block, the ground is alone.
      if (far === undefined) continue;
      t.true(Math.abs(far / near - 3) < 1e-4);
      t.true(10 / near > 0.74 && 10 / near < 1.76);
      scales.add(near);
      // Within a cell the label and the depth are taken at places of their own, so they may differ at edges.
      const inside = [...own.keys()].filter((cell) => [0, -1, 1, -32, 32].every((step) => own[cell + step] === 1));
      for (const cell of inside) t.is(metres[cell], near);
    }
  }
  t.true(scales.size > 8);
  t.is((await new BatchLoader([{ dataset, share: 1, boxes: false }], { width: 128, height: 64 }).batch(0)).depth, undefined);
});

test("what lies outside the frame is grey and ignored", (t) => {
  const view = { ...plainView(64, 32), scale: 0.5, left: -24, top: -8, flip: true };
  const white: Sample = { id: "0", width: 16, height: 16, rgb: new Uint8Array(768).fill(255), mask: new Uint8Array(256) };
  const frame = new Uint8Array(64 * 32 * 3);
  const covered = resample(white, view, false, frame);
  pad(frame, 64, 32, covered);
  t.deepEqual(covered, { x1: 8, y1: 8, x2: 40, y2: 24 });
  const labels = new Uint8Array(16 * 8);
  viewLabels(white, view, 4, undefined, labels);
  for (let y = 0; y < 32; y++)
    for (let x = 0; x < 64; x++) {
      const inside = x >= 8 && x < 40 && y >= 8 && y < 24;
      t.is(frame[(y * 64 + x) * 3 + 1], inside ? 255 : 116);
      t.is(labels[Math.floor(y / 4) * 16 + Math.floor(x / 4)], inside ? 0 : 255);
    }
});

test("an even surface stays even under resampling, smoothed or not", (t) => {
  for (const smooth of [false, true])
    for (const [width, height] of [[101, 67], [30, 20], [500, 300]] as const) {
      const out = new Uint8Array(64 * 32 * 3);
      resample({ width, height, rgb: new Uint8Array(width * height * 3).fill(201) }, plainView(64, 32), smooth, out);
      t.true(out.every((value) => value === 201));
    }
});

test("fog takes of each row what its distance lets through, and gives it its own light, where the row lies in the frame and not in the view", (t) => {
  const fog = { airlight: [200, 180, 160], density: Math.LN2 / 4, horizon: 0.5, farthest: 8 } as const;
  const seen = (view: View): number[][] => {
    const rgb = new Uint8ClampedArray(4 * 8 * 3).fill(40);
    hang(rgb, view, fog);
    t.true(rgb.every((value, at) => value === rgb[at - (at % 12) + (at % 3)]), "a row is as far as it is");
    return Array.from({ length: 8 }, (_, row) => [...rgb.subarray(row * 12, row * 12 + 3)]);
  };
  const whole = seen(plainView(4, 8));
  // At distance 8 a quarter comes through.
  for (const row of [0, 1, 2, 3]) t.deepEqual(whole[row], [160, 145, 130]);
  // Of row 5, whose middle lies at 11/16, half of the frame's height is 8/3 times 3/16: a distance of 8/3, of which 0.63 comes through.
  const clear = 2 ** (-8 / 3 / 4);
  t.deepEqual(whole[5], fog.airlight.map((level) => Math.round(40 * clear + level * (1 - clear))));
  t.true(whole[7][0] < whole[6][0] && whole[6][0] < whole[5][0], "the nearer, the clearer");
  const lower = seen({ ...plainView(4, 8), scale: 2, top: 8 });
  t.deepEqual([lower[2], lower[3]].map(([red]) => Math.abs((red ?? 0) - (whole[5]?.[0] ?? 0)) < 15), [true, true], "rows 2 and 3 of the lower half are row 5 of the whole");
});

for (const weather of ["haze", "darkness"] as const)
  test(`${weather} changes frames alone, and other sources' not at all`, async (t) => {
    const source = { dataset: syntheticDataset(9), share: 1, boxes: true };
    const [clear, changed] = [new BatchLoader([source, source], small), new BatchLoader([{ ...source, [weather]: 1 }, source], small)];
    const [{ frames, ...others }, { frames: behind, ...same }] = [await clear.batch(2), await changed.batch(2)];
    t.deepEqual(same, others);
    const size = frames.length / 4;
    const differs = [0, 1, 2, 3].map((at) => Buffer.compare(frames.subarray(at * size, (at + 1) * size), behind.subarray(at * size, (at + 1) * size)) !== 0);
    t.is(differs.filter(Boolean).length, 2);
    const unchanged = await new BatchLoader([{ ...source, [weather]: 1 }, source], { ...small, augment: false }).batch(2);
    t.deepEqual(unchanged.frames, (await new BatchLoader([source, source], { ...small, augment: false }).batch(2)).frames);
  });

test("what is seen through fog is not darkened too: its far part has the fog's light, not the sky's", async (t) => {
  const source = { dataset: syntheticDataset(9), share: 1, boxes: false, haze: 1 };
  t.deepEqual(await new BatchLoader([{ ...source, darkness: 1 }], small).batch(0), await new BatchLoader([source], small).batch(0));
});

const unlit = { ambient: [1, 1, 1], sky: [1, 1, 1], skyFall: 0, headlamps: 0, horizon: 0.5, lamps: [], mean: 60, veil: 0, noise: 0 } as const;

/** What `darken` makes of a frame of 16 x 8 whose upper half the labels call sky, and which is grey by `day`: the linear light of each row's columns. */
function darkened(changes: Partial<Darkness>, day: (row: number, column: number) => number, view: View = plainView(16, 8)): number[][] {
  const rgb = Uint8ClampedArray.from({ length: 16 * 8 * 3 }, (_, at) => day(Math.floor(at / 48), Math.floor(at / 3) % 16));
  const random = new Random(1);
  darken(rgb, view, Uint8Array.from({ length: 16 * 8 }, (_, pixel) => (pixel < 64 ? 1 : 0)), { ...unlit, ...changes }, unitGrain(random), random);
  return Array.from({ length: 8 }, (_, row) => Array.from({ length: 16 }, (_, column) => (rgb[(row * 16 + column) * 3] / 255) ** 2.2));
}
const grey = (): number => 120;
const darkRoad = (row: number): number => (row < 4 ? 120 : 40);

test("after sunset the camera exposes for the mean that is asked for, over a veil and with noise", (t) => {
  const levels = (changes: Partial<Darkness>): number[] => darkened(changes, grey).flat().map((light) => 255 * light ** (1 / 2.2));
  t.true(levels({}).every((level) => Math.abs(level - 60) <= 1));
  t.true(levels({ veil: 51 }).every((level) => Math.abs(level - (51 + 60 * 0.8)) <= 1));
  const noisy = levels({ noise: 8 });
  const mean = noisy.reduce((sum, level) => sum + level, 0) / noisy.length;
  const deviation = Math.sqrt(noisy.reduce((sum, level) => sum + (level - mean) ** 2, 0) / noisy.length);
  t.true(Math.abs(mean - 60) < 3 && deviation > 6 && deviation < 10, `${mean} ${deviation}`);
});

test("after sunset the sky is as dark as it is told, and darker above than at the horizon", (t) => {
  const ratio = (rows: number[][]): number => rows[0][3] / rows[7][3];
  t.true(Math.abs(ratio(darkened({ sky: [0.1, 0.1, 0.1] }, darkRoad)) / ratio(darkened({}, darkRoad)) - 0.1) < 0.01);
  const falling = darkened({ skyFall: 2 }, darkRoad);
  t.true(Math.abs(falling[0][3] / falling[3][3] - Math.exp(-1.5)) < 0.02, "rows 0 and 3 lie 1/16 and 7/16 down the frame, its horizon 8/16");
});

test("what is as bright as the sky beside it goes dark with it, whatever its label, and what is darker does not", (t) => {
  const rows = darkened({ sky: [0.1, 0.1, 0.1] }, (row, column) => (row < 4 || column < 8 ? 120 : 60));
  t.is(rows[4][0], rows[0][0]);
  t.true(rows[4][12] > rows[4][0]);
});

test("headlamps light the road, the nearer the more, where it lies in the frame and not in the view; nothing above the horizon", (t) => {
  const [lit, without] = [darkened({ headlamps: 8 }, darkRoad), darkened({}, darkRoad)];
  const gain = (row: number): number => (lit[row][7] / lit[0][7]) * (without[0][7] / without[row][7]);
  t.true(gain(4) < gain(5) && gain(5) < gain(6) && gain(6) < gain(7));
  t.true(Math.abs(gain(7) / (1 + 8 * (7 / 8) ** 2) - 1) < 0.1, String(gain(7)));
  const upperHalf = darkened({ headlamps: 8 }, () => 40, { ...plainView(16, 8), scale: 2 });
  t.is(upperHalf[7][7], upperHalf[0][7]);
});

test("a lamp is bright itself, at its place, and lights what stands below it", (t) => {
  const rows = darkened({ lamps: [{ x: 0.25, y: 0.3, light: [4, 4, 4], pool: 0.3, halo: 0.08 }], mean: 40 }, darkRoad);
  const brightest = Math.max(...rows.flat());
  t.deepEqual(rows.flatMap((row, y) => row.flatMap((light, x) => (light === brightest ? [[x, y]] : []))), [[3, 2], [4, 2]]);
  t.true(rows[5][3] > 2 * rows[5][14]);
});

test("boxes that are mostly cut off are dropped", (t) => {
  const view = { ...plainView(64, 32), scale: 2, left: 40 };
  const box = (x1: number, x2: number): Box => ({ x1, y1: 4, x2, y2: 8, label: "car" });
  t.is(boxInView(view, box(0, 22), 64, 32), undefined);
  t.deepEqual(boxInView(view, box(10, 30), 64, 32), { x1: 0, y1: 8, x2: 20, y2: 16, label: "car" });
  t.deepEqual(boxInView({ ...view, flip: true }, box(10, 30), 64, 32), { x1: 44, y1: 8, x2: 64, y2: 16, label: "car" });
});

test("no source, and a source without samples, are refused", (t) => {
  const empty = { dataset: memory("empty", 0, () => ({ id: "", width: 0, height: 0, rgb: new Uint8Array() })), share: 1, boxes: false };
  for (const sources of [[], [empty]]) t.is(t.throws(() => new BatchLoader(sources), { instanceOf: NightshiftError })?.code, "E_DATASET");
});

test("what is rare in a donor is pasted at its place, with its boxes, and covers those below", (t) => {
  const frame = (id: string, level: number, mask: Uint8Array, boxes: Box[]): Sample => ({ id, width: 20, height: 10, rgb: new Uint8Array(600).fill(level), mask, boxes });
  const road = new Uint8Array(200);
  const withRider = Uint8Array.from(road, (_, at) => (at < 3 ? 1 : at < 100 ? 255 : 0));
  const below = [
    { x1: 0, y1: 0, x2: 2, y2: 1, label: "rider" },
    { x1: 2, y1: 0, x2: 8, y2: 4, label: "car" },
  ];
  const sample = frame("a", 10, road, below);
  const donor = frame("b", 90, withRider, [
    { x1: 0, y1: 0, x2: 3, y2: 1, label: "rider" },
    { x1: 9, y1: 5, x2: 19, y2: 9, label: "road" },
  ]);
  const names = ["road", "rider"];
  t.is(pasteRare(sample, donor, names), sample, "3 of 103 labelled pixels are not rare");
  const rarer: Sample = { ...donor, mask: Uint8Array.from(withRider, (label) => (label === 255 ? 0 : label)) };
  const pasted = pasteRare(sample, rarer, names);
  t.deepEqual([...(pasted.mask ?? [])], [1, 1, 1, ...new Array<number>(197).fill(0)]);
  t.deepEqual([...pasted.rgb.subarray(0, 12)], [90, 90, 90, 90, 90, 90, 90, 90, 90, 10, 10, 10]);
  t.deepEqual(pasted.boxes, [below[1], { x1: 0, y1: 0, x2: 3, y2: 1, label: "rider" }]);
  t.deepEqual(sample, frame("a", 10, road, below), "the sample itself may come again");
  t.is(pasteRare(sample, { ...rarer, width: 10, height: 20 }, names), sample);
  t.is(pasteRare({ ...sample, mask: undefined }, rarer, names).mask, undefined);
});
