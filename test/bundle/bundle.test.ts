import { appendFile, mkdir, readFile, rename, rm, symlink, truncate, writeFile } from "node:fs/promises";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import test, { type ExecutionContext } from "ava";
import sharp from "sharp";
import type { ExemplarSet } from "../../sdk/bundle/exemplars.js";
import { sha256Of } from "../../sdk/bundle/files.js";
import { findBundle } from "../../sdk/bundle/find.js";
import { readBundle } from "../../sdk/bundle/read.js";
import { asStored } from "../../sdk/bundle/weights.js";
import { writeBundle } from "../../sdk/bundle/write.js";
import type { ErrorCode } from "../../sdk/errors.js";
import type { Sample } from "../../sdk/training/dataset.js";
import { float32 } from "../../sdk/graph/tensor.js";
import { description, temporaryFolder, tinyContents } from "./contents.js";

const exemplars: ExemplarSet = {
  names: ["sky", "road"],
  boxNames: ["car"],
  samples: [
    {
      id: "day-0",
      width: 20,
      height: 10,
      // Smooth, as pictures are: what is kept with little loss.
      rgb: Uint8Array.from({ length: 600 }, (_, at) => Math.floor(at / 3) + 20),
      mask: Uint8Array.from({ length: 200 }, (_, at) => [0, 1, 255][at % 3] ?? 0),
      boxes: [{ x1: 1, y1: 2.5, x2: 9, y2: 8, label: "car" }],
    },
    { id: "day-1", width: 8, height: 4, rgb: new Uint8Array(96).fill(4) },
  ],
};

async function written(t: ExecutionContext): Promise<string> {
  const directory = join(await temporaryFolder(t), "bundle");
  await writeBundle(directory, tinyContents({ exemplars }));
  return directory;
}

async function refuses(t: ExecutionContext, work: () => Promise<unknown>, code: ErrorCode): Promise<void> {
  const error = await t.throwsAsync(work, { name: "NightshiftError" });
  t.is(error && "code" in error ? error.code : undefined, code, error?.message);
}

async function changeManifest(directory: string, change: (manifest: Record<string, unknown>) => void): Promise<void> {
  const path = join(directory, "manifest.json");
  const manifest = JSON.parse(await readFile(path, "utf8")) as Record<string, unknown>;
  change(manifest);
  await writeFile(path, JSON.stringify(manifest));
}

test("what was written is read again", async (t) => {
  const contents = tinyContents({ exemplars });
  const directory = await written(t);
  const bundle = await readBundle(directory);
  t.deepEqual(Object.fromEntries(bundle.weights), Object.fromEntries(asStored(contents.weights)));
  t.deepEqual(bundle.weights.get("stem.bias"), contents.weights.get("stem.bias"), "vectors keep their precision");
  t.deepEqual(bundle.embeddings(), contents.embeddings);
  t.deepEqual(bundle.golden, contents.golden);
  t.is(bundle.notice, contents.notice);
  t.like(bundle.manifest, { ...description, exemplars: { names: ["sky", "road"], boxNames: ["car"] } });
  const pictures = (samples: readonly Sample[]) => samples.map(({ rgb }) => [...rgb]);
  const labels = (samples: readonly Sample[]) => samples.map(({ rgb: _, ...rest }) => rest);
  const read = await bundle.exemplars();
  t.deepEqual(labels(read), labels(exemplars.samples));
  pictures(read).forEach((picture, at) => picture.forEach((level, i) => t.true(Math.abs(level - pictures(exemplars.samples)[at][i]) <= 12)));
  t.deepEqual(readdirSync(join(directory, "..")), ["bundle"], "nothing is left beside it");
});

test("exemplars pass from bundle to bundle byte by byte", async (t) => {
  const first = await readBundle(await written(t));
  const files = await first.exemplarFiles();
  const directory = join(await temporaryFolder(t), "next");
  await writeBundle(directory, tinyContents({ ...(files && { exemplars: files }) }));
  const next = await readBundle(directory);
  t.deepEqual(await next.exemplarFiles(), files);
  t.deepEqual(await next.exemplars(), await first.exemplars());
});

test("a bundle that is not there", async (t) => {
  const directory = await written(t);
  await refuses(t, () => readBundle(join(directory, "elsewhere")), "E_BUNDLE_MISSING");
  await refuses(t, async () => findBundle(join(directory, "elsewhere")), "E_BUNDLE_MISSING");
  t.is(findBundle(directory), directory);
  await rm(join(directory, "embeddings.safetensors"));
  await refuses(t, () => readBundle(directory), "E_BUNDLE_MISSING");
});

test("a manifest that forgets a file", async (t) => {
  const directory = await written(t);
  await changeManifest(directory, (manifest) => (manifest.files = []));
  await refuses(t, () => readBundle(directory), "E_BUNDLE_MISSING");
});

test("a truncated bundle", async (t) => {
  const directory = await written(t);
  await truncate(join(directory, "weights.safetensors"), 100);
  await refuses(t, () => readBundle(directory), "E_BUNDLE_FORMAT");
  await truncate(join(directory, "manifest.json"), 100);
  await refuses(t, () => readBundle(directory), "E_BUNDLE_FORMAT");
});

test("a wrong hash", async (t) => {
  const directory = await written(t);
  const path = join(directory, "weights.safetensors");
  const bytes = await readFile(path);
  bytes[bytes.length - 1] = (bytes[bytes.length - 1] ?? 0) ^ 1;
  await writeFile(path, bytes);
  await refuses(t, () => readBundle(directory), "E_BUNDLE_HASH");
});

test("a damaged exemplar is found, at once or when it is asked for", async (t) => {
  const directory = await written(t);
  await appendFile(join(directory, "exemplars", "day-0.webp"), "x");
  await refuses(t, () => readBundle(directory), "E_BUNDLE_FORMAT");
  const bundle = await readBundle(directory, { verify: "model" });
  await refuses(t, () => bundle.exemplars(), "E_BUNDLE_FORMAT");
});

test("a file that the manifest lists and nobody reads is verified with all others, and not for answers alone", async (t) => {
  const directory = await written(t);
  await writeFile(join(directory, "report.txt"), "good");
  await changeManifest(directory, (manifest) => (manifest.files as unknown[]).push({ path: "report.txt", bytes: 4, sha256: sha256Of(Buffer.from("good")) }));
  await t.notThrowsAsync(readBundle(directory));
  await writeFile(join(directory, "report.txt"), "evil");
  await refuses(t, () => readBundle(directory), "E_BUNDLE_HASH");
  await t.notThrowsAsync(readBundle(directory, { verify: "model" }));
});

test("a mask that lies across its frame is refused", async (t) => {
  const directory = await written(t);
  // As many pixels as the frame of 20 x 10 has.
  const mask = await sharp(new Uint8Array(200), { raw: { width: 10, height: 20, channels: 1 } }).toColourspace("b-w").png().toBuffer();
  await writeFile(join(directory, "exemplars", "day-0.mask.png"), mask);
  await changeManifest(directory, ({ files }) => {
    for (const file of files as { path: string }[]) if (file.path.endsWith("mask.png")) Object.assign(file, { bytes: mask.length, sha256: sha256Of(mask) });
  });
  const bundle = await readBundle(directory);
  await t.throwsAsync(bundle.exemplars(), { code: "E_BUNDLE_FORMAT", message: /20 x 10 pixels in .*received 10 x 20/ });
});

test("a path that leads out of the bundle", async (t) => {
  const directory = await written(t);
  for (const path of ["../weights.safetensors", "/etc/passwd", "a/../../b", "..\\b", "C:b", "./a", "a//b"]) {
    await changeManifest(directory, (manifest) => (manifest.files = [{ path, bytes: 1, sha256: "0".repeat(64) }]));
    await refuses(t, () => readBundle(directory), "E_BUNDLE_FORMAT");
  }
});

test("a link that leads out of the bundle", async (t) => {
  const directory = await written(t);
  await rename(join(directory, "NOTICE"), join(directory, "..", "NOTICE"));
  await symlink("../NOTICE", join(directory, "NOTICE"));
  await refuses(t, () => readBundle(directory), "E_BUNDLE_FORMAT");
  // Beside it, in a folder whose name begins as its own does.
  await mkdir(`${directory}-next`);
  await rename(join(directory, "..", "NOTICE"), join(`${directory}-next`, "NOTICE"));
  await rm(join(directory, "NOTICE"));
  await symlink("../bundle-next/NOTICE", join(directory, "NOTICE"));
  await refuses(t, () => readBundle(directory), "E_BUNDLE_FORMAT");
});

test("a manifest of another version, with unknown parts, or with an impossible network", async (t) => {
  const directory = await written(t);
  const whole = await readFile(join(directory, "manifest.json"), "utf8");
  const changes: ((manifest: Record<string, unknown>) => void)[] = [
    (manifest) => (manifest.formatVersion = 2),
    (manifest) => (manifest.surprise = 1),
    ({ files }) => (files as unknown[]).push((files as unknown[])[0]),
    (manifest) => (manifest.network = { ...description.network, width: 60 }),
    (manifest) => (manifest.vocabulary = []),
    (manifest) => (manifest.vocabulary = ["car", "Car"]),
  ];
  for (const change of changes) {
    await writeFile(join(directory, "manifest.json"), whole);
    await changeManifest(directory, change);
    await refuses(t, () => readBundle(directory), "E_BUNDLE_FORMAT");
  }
});

test("weights that are not finite are neither written nor read", async (t) => {
  const directory = join(await temporaryFolder(t), "bundle");
  for (const value of [NaN, Infinity, 1e6])
    await refuses(t, () => writeBundle(directory, tinyContents({ weights: new Map([["a", float32([1, 2], [0, value])]]) })), "E_WEIGHTS_NOT_FINITE");
  await refuses(t, () => writeBundle(directory, tinyContents({ weights: new Map([["a", float32([2], [0, NaN])]]) })), "E_WEIGHTS_NOT_FINITE");
  t.deepEqual(readdirSync(join(directory, "..")), []);
});

test("a bundle is never written over another, nor with a vocabulary that it does not embed", async (t) => {
  const directory = await written(t);
  await refuses(t, () => writeBundle(directory, tinyContents()), "E_BUNDLE_FORMAT");
  const other = join(directory, "..", "other");
  await refuses(t, () => writeBundle(other, tinyContents({ description: { ...description, vocabulary: ["whale"] } })), "E_VOCABULARY");
  await mkdir(other);
  await refuses(t, () => writeBundle(other, tinyContents()), "E_BUNDLE_FORMAT");
});
