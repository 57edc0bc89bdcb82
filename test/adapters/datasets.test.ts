import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { crc32, deflateSync } from "node:zlib";
import test from "ava";
import sharp from "sharp";
import { FolderCamera } from "../../adapters/cameras/folder.js";
import { connectedBoxes, withConnectedBoxes } from "../../adapters/datasets/connected-boxes.js";
import { folderDataset, requireLabels } from "../../adapters/datasets/folder.js";
import { openDataset } from "../../adapters/datasets/open.js";
import { parseAnnotation } from "../../adapters/datasets/voc.js";
import { NightshiftError } from "../../sdk/errors.js";
import { needs, sharedData } from "../support/shared.js";

async function scratch(t: { teardown(action: () => Promise<void>): void }): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "nightshift-dataset-"));
  t.teardown(async () => rm(folder, { recursive: true, force: true }));
  return folder;
}

async function image(path: string, width: number, height: number, grey: number): Promise<void> {
  await sharp(Buffer.alloc(width * height * 3, grey), { raw: { width, height, channels: 3 } }).png().toFile(path);
}

/** A PNG of one channel, as its bytes: sharp writes none of fewer bits, and no profile of grey. */
function greyPng(width: number, height: number, bits: 4 | 8, pixels: Buffer, profile?: Buffer): Buffer {
  const chunk = (type: string, data: Buffer): Buffer => {
    const [length, check, named] = [Buffer.alloc(4), Buffer.alloc(4), Buffer.concat([Buffer.from(type), data])];
    length.writeUInt32BE(data.length);
    check.writeUInt32BE(crc32(named));
    return Buffer.concat([length, named, check]);
  };
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header[8] = bits;
  const row = (width * bits) / 8;
  const rows = Array.from({ length: height }, (_, y) => Buffer.concat([Buffer.from([0]), pixels.subarray(y * row, (y + 1) * row)]));
  const about = profile ? [chunk("iCCP", Buffer.concat([Buffer.from("grey\0\0"), deflateSync(profile)]))] : [];
  return Buffer.concat([Buffer.from("\x89PNG\r\n\x1a\n", "latin1"), chunk("IHDR", header), ...about, chunk("IDAT", deflateSync(Buffer.concat(rows))), chunk("IEND", Buffer.alloc(0))]);
}

/** An ICC profile, version 2, of a screen whose grey is linear, as image editors put one into what they save. */
function linearProfile(): Buffer {
  const numbers = (...values: number[]): Buffer => {
    const bytes = Buffer.alloc(4 * values.length);
    for (const [at, value] of values.entries()) bytes.writeInt32BE(Math.round(value * 65536), 4 * at);
    return bytes;
  };
  const white = numbers(0.9642, 1, 0.8249);
  const text = (value: string): Buffer => Buffer.from(value, "latin1");
  const tags = [
    ["desc", Buffer.concat([text("desc\0\0\0\0\0\0\0\x05grey\0"), Buffer.alloc(81)])],
    ["cprt", text("text\0\0\0\0none\0\0\0\0")],
    ["wtpt", Buffer.concat([text("XYZ \0\0\0\0"), white])],
    ["kTRC", text("curv\0\0\0\0\0\0\0\x01\x01\0\0\0")],
  ] as const;
  const table = Buffer.alloc(4 + 12 * tags.length);
  table.writeUInt32BE(tags.length);
  let end = 128 + table.length;
  for (const [at, [name, data]] of tags.entries()) {
    table.write(name, 4 + 12 * at, "latin1");
    table.writeUInt32BE(end, 8 + 12 * at);
    table.writeUInt32BE(data.length, 12 + 12 * at);
    end += data.length;
  }
  const header = Buffer.alloc(128);
  header.writeUInt32BE(end);
  header.writeUInt32BE(0x02100000, 8);
  header.write("mntrGRAYXYZ ", 12, "latin1");
  header.write("acsp", 36, "latin1");
  white.copy(header, 68);
  return Buffer.concat([header, table, ...tags.map(([, data]) => data)]);
}

/** Three frames of 20 x 16 pixels, with masks whose upper half is id 4 and lower half id 7, and one box in the first. */
async function labelled(folder: string, classes: unknown): Promise<void> {
  for (const part of ["images", "labels", "boxes"]) await mkdir(join(folder, part));
  for (const id of ["frame10", "frame9", "frame1"]) {
    await image(join(folder, "images", `${id}.png`), 20, 16, 90);
    const mask = Buffer.alloc(20 * 16, 4).fill(7, 160).fill(11, 0, 5).fill(99, 315);
    await sharp(mask, { raw: { width: 20, height: 16, channels: 1 } }).toColourspace("b-w").png().toFile(join(folder, "labels", `${id}.png`));
    const object = "<object><name>car</name><bndbox><xmin>2</xmin><ymin>3</ymin><xmax>12</xmax><ymax>9</ymax></bndbox></object>";
    await writeFile(join(folder, "boxes", `${id}.xml`), `<annotation>${id === "frame1" ? object : ""}</annotation>`);
  }
  await writeFile(join(folder, "classes.json"), typeof classes === "string" ? classes : JSON.stringify(classes));
}

const both = { classes: { "7": "road", "4": "sky", "11": "void" }, ignore: [11], boxes: ["car"] };

test("a folder's ids become dense indices, ignored and unlisted ones 255, frames in the order of their numbers", async (t) => {
  const folder = await scratch(t);
  await labelled(folder, both);
  const dataset = await folderDataset(folder);
  t.deepEqual([dataset.names, dataset.boxNames, dataset.length], [["sky", "road"], ["car"], 3]);
  const [first, , last] = await Promise.all([0, 1, 2].map(async (index) => dataset.sample(index)));
  t.deepEqual([first?.id, last?.id], ["frame1", "frame10"]);
  t.deepEqual(first?.boxes, [{ x1: 2, y1: 3, x2: 12, y2: 9, label: "car" }]);
  t.deepEqual(last?.boxes, []);
  const mask = first?.mask ?? new Uint8Array();
  t.deepEqual([mask[0], mask[5], mask[159], mask[160], mask[315]], [255, 0, 0, 1, 255]);
  t.is(first?.rgb.length, 20 * 16 * 3);
});

test("a bare folder of images is a dataset without labels, and says so where labels are needed", async (t) => {
  const folder = await scratch(t);
  await image(join(folder, "a.png"), 20, 16, 10);
  const dataset = await folderDataset(folder);
  t.is((await dataset.sample(0)).mask, undefined);
  t.is(t.throws(() => requireLabels(dataset), { instanceOf: NightshiftError })?.code, "E_DATASET_UNLABELLED");
});

test("a dataset's frames are those that a camera delivers of the same files: upright, black where they are transparent", async (t) => {
  const folder = await scratch(t);
  const rgba = Buffer.from(Uint8Array.from({ length: 20 * 16 * 4 }, (_, at) => at % 251));
  const picture = sharp(rgba, { raw: { width: 20, height: 16, channels: 4 } });
  await picture.clone().png().toFile(join(folder, "a.png"));
  for (const orientation of [3, 6]) await picture.clone().removeAlpha().withMetadata({ orientation }).jpeg().toFile(join(folder, `b${orientation}.jpg`));
  await picture.clone().removeAlpha().greyscale().toColourspace("b-w").png().toFile(join(folder, "c.png"));
  const dataset = await folderDataset(folder);
  let index = 0;
  for await (const { width, height, rgb } of new FolderCamera(folder, { fps: 0 }).frames(new AbortController().signal)) {
    const sample = await dataset.sample(index++);
    t.deepEqual([sample.width, sample.height], [width, height], sample.id);
    t.true(Buffer.from(rgb).equals(sample.rgb), sample.id);
  }
  t.is(index, 4);
});

test("masks without boxes are not enough where boxes are needed", async (t) => {
  const folder = await scratch(t);
  await labelled(folder, { classes: both.classes });
  const dataset = await folderDataset(folder);
  t.notThrows(() => requireLabels(dataset, "mask"));
  t.is(t.throws(() => requireLabels(dataset, "boxes"), { instanceOf: NightshiftError })?.code, "E_DATASET_UNLABELLED");
});

for (const [what, spoil] of [
  ["no classes.json", async (folder: string) => rm(join(folder, "classes.json"))],
  ["classes.json that is not JSON", async (folder: string) => writeFile(join(folder, "classes.json"), "{")],
  ["classes.json with a misspelt key", async (folder: string) => writeFile(join(folder, "classes.json"), '{"clases": {}}')],
  ["an id beyond a byte", async (folder: string) => writeFile(join(folder, "classes.json"), '{"classes": {"300": "sky"}}')],
  ["an id that is listed twice", async (folder: string) => writeFile(join(folder, "classes.json"), '{"classes": {"4": "sky", "04": "road"}}')],
  ["no labels folder", async (folder: string) => rm(join(folder, "labels"), { recursive: true })],
  ["a label missing", async (folder: string) => rm(join(folder, "labels", "frame9.png"))],
  ["no images", async (folder: string) => rm(join(folder, "images"), { recursive: true })],
] as const)
  test(`E_DATASET: ${what}`, async (t) => {
    const folder = await scratch(t);
    await labelled(folder, both);
    await spoil(folder);
    const error = await t.throwsAsync(folderDataset(folder), { instanceOf: NightshiftError });
    t.is(error?.code, "E_DATASET");
  });

test("what cannot be read is said to be there, where it is", async (t) => {
  const folder = await scratch(t);
  await labelled(folder, both);
  for (const file of ["boxes/frame1.xml", "classes.json"]) {
    await rm(join(folder, file));
    await mkdir(join(folder, file));
    await t.throwsAsync(folderDataset(folder).then((dataset) => dataset.sample(0)), { code: "E_DATASET", message: /EISDIR/ }, file);
  }
});

test("classes.json may begin with a mark of its byte order; hidden files are no images; a refusal says what the form is", async (t) => {
  const folder = await scratch(t);
  await labelled(folder, `\uFEFF${JSON.stringify(both)}`);
  await writeFile(join(folder, "images", "._frame1.png"), "what macOS leaves");
  t.is((await folderDataset(folder)).length, 3);
  await t.throwsAsync(folderDataset(join(folder, "boxes")), { code: "E_DATASET", message: /images\/NAME\.jpg.*classes\.json/ });
});

test("a box of an unlisted class is refused", async (t) => {
  const folder = await scratch(t);
  await labelled(folder, { boxes: ["truck"] });
  const error = await t.throwsAsync((await folderDataset(folder)).sample(0), { instanceOf: NightshiftError });
  t.is(error?.code, "E_DATASET");
  t.true(error?.message.includes("car"));
});

test("no object of an annotation is passed over: one with attributes counts, a torn one and a torn file are refused", (t) => {
  const of = (text: string) => parseAnnotation(text, "a.xml", ["car"]).boxes;
  const inside = "<name>car</name><bndbox><xmin>2</xmin><ymin>3</ymin><xmax>12</xmax><ymax>9</ymax></bndbox>";
  const box = { x1: 2, y1: 3, x2: 12, y2: 9, label: "car" };
  t.deepEqual(of(`<annotation><objects>2</objects><object id="1">${inside}</object><object>${inside}</object></annotation>`), [box, box]);
  t.deepEqual(of("<annotation />"), []);
  t.deepEqual(of(`<annotation><object>${inside}<difficult>1</difficult></object><object><difficult>0</difficult>${inside}</object></annotation>`), [{ ...box, difficult: true }, box]);
  const torn = [`<annotation><object>${inside}</object><object><name>car</name>`, `<annotation><object>${inside}</annotation>`, `<annotation><object/><object>${inside}</object></annotation>`, `<annotation><object>${inside}</object>`];
  for (const text of torn) t.throws(() => of(text), { code: "E_DATASET" }, text);
});

test("boxes that were drawn on an image of another size are refused, as its masks are", async (t) => {
  const folder = await scratch(t);
  await labelled(folder, { boxes: ["car"] });
  const size = (width: number, height: number): Promise<void> => writeFile(join(folder, "boxes", "frame1.xml"), `<annotation><size><width>${width}</width><height>${height}</height><depth>3</depth></size></annotation>`);
  const dataset = await folderDataset(folder);
  for (const [width, height] of [[20, 16], [0, 0]] as const) {
    await size(width, height);
    t.deepEqual((await dataset.sample(0)).boxes, []);
  }
  for (const [width, height] of [[40, 32], [16, 20]] as const) {
    await size(width, height);
    await t.throwsAsync(dataset.sample(0), { code: "E_DATASET", message: new RegExp(`20 x 16 pixels in .*frame1\\.xml.*${width} x ${height}`) });
  }
});

test("an unreadable image and a coloured mask are refused by file name", async (t) => {
  const folder = await scratch(t);
  await labelled(folder, both);
  await writeFile(join(folder, "images", "frame1.png"), "not an image");
  await image(join(folder, "labels", "frame9.png"), 20, 16, 4);
  const dataset = await folderDataset(folder);
  for (const [index, file] of [[0, "frame1.png"], [1, "frame9.png"]] as const) {
    const error = await t.throwsAsync(dataset.sample(index), { instanceOf: NightshiftError });
    t.is(error?.code, "E_IMAGE");
    t.true(error?.message.includes(file));
  }
});

test("a mask's bytes are its ids: a profile of grey changes none, and fewer bits, which would be stretched, are refused", async (t) => {
  const folder = await scratch(t);
  await labelled(folder, both);
  const label = (id: string): string => join(folder, "labels", `${id}.png`);
  await writeFile(label("frame1"), greyPng(20, 16, 8, await sharp(label("frame1")).toColourspace("b-w").raw().toBuffer(), linearProfile()));
  await writeFile(label("frame9"), greyPng(20, 16, 4, Buffer.alloc(10 * 16, 0x47)));
  const dataset = await folderDataset(folder);
  t.true((await sharp(label("frame1")).metadata()).hasProfile);
  t.deepEqual((await dataset.sample(0)).mask, (await dataset.sample(2)).mask);
  await t.throwsAsync(dataset.sample(1), { code: "E_IMAGE", message: /8 bits, this one is b-w of 4/ });
});

test("connected regions become boxes, by eight neighbours, and specks are dropped", async (t) => {
  const [width, height] = [48, 36];
  const mask = new Uint8Array(width * height);
  const fill = (x1: number, y1: number, x2: number, y2: number): void => {
    for (let y = y1; y < y2; y++) mask.fill(1, y * width + x1, y * width + x2);
  };
  fill(0, 0, 4, 6);
  fill(4, 6, 9, 8); // touches the first by a corner
  fill(20, 10, 22, 30);
  mask[35 * width + 47] = 2;
  const boxes = connectedBoxes({ width, height, mask }, ["road", "car", "sign"], ["car"]);
  t.deepEqual(boxes, [
    { x1: 0, y1: 0, x2: 9, y2: 8, label: "car" },
    { x1: 20, y1: 10, x2: 22, y2: 30, label: "car" },
  ]);
  const large = new Uint8Array(480 * 360).fill(1, 0, 59);
  t.deepEqual(connectedBoxes({ width: 480, height: 360, mask: large }, ["road", "car"], ["car"]), []);
  t.is(connectedBoxes({ width: 480, height: 360, mask: large.fill(1, 0, 60) }, ["road", "car"], ["car"]).length, 1);
});

test("boxes cannot be made from a class that the masks do not hold", async (t) => {
  const folder = await scratch(t);
  await labelled(folder, both);
  const dataset = await folderDataset(folder);
  t.is(t.throws(() => withConnectedBoxes(dataset, ["lorry"]), { instanceOf: NightshiftError })?.code, "E_DATASET");
});

test("real sets open with the labels that their description states", async (t) => {
  const data = sharedData("data");
  if (!needs(t, data !== undefined, "../shared/data", "put the shared folder beside the checkout") || !data) return;
  const camvid = await openDataset({ kind: "folder", path: join(data, "camvid/day-test"), boxesFrom: ["car", "pedestrian", "bicyclist"] });
  t.deepEqual([camvid.length, camvid.names.length, camvid.boxNames.length], [171, 11, 3]);
  const street = await camvid.sample(0);
  t.true(street.boxes !== undefined && street.boxes.length > 0);
  t.true(street.mask?.every((index) => index < 11 || index === 255));
  const fog = await openDataset({ kind: "folder", path: join(data, "dawn-fog") });
  t.deepEqual([fog.length, fog.names.length, fog.boxNames.length], [162, 0, 6]);
  t.true((await fog.sample(0)).boxes?.some(({ label }) => label === "car"));
  t.throws(() => requireLabels(fog, "mask"));
});
