import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import test from "ava";
import { type Quantisation, readBundle, writeBundle } from "../../sdk/bundle/index.js";
import { decodeQuantisation, encodeQuantisation } from "../../sdk/bundle/quantisation.js";
import { description, temporaryFolder, tinyContents } from "./contents.js";

const quantisation: Quantisation = {
  precision: "int8",
  form: "asymmetric",
  calibration: { method: "mse", frames: 3, dataset: "day" },
  layers: new Set(["Conv_1", "Conv_7"]),
  ranges: new Map([
    ["Relu_2", [0, 3.25]],
    ["Conv_7", [-1e-7, 2]],
  ]),
};

const int8 = { description: { ...description, precision: "int8" }, quantisation } as const;

test("a quantisation comes back from a bundle as it was written, and its file is verified", async (t) => {
  const directory = join(await temporaryFolder(t), "bundle");
  await writeBundle(directory, tinyContents(int8));
  const bundle = await readBundle(directory);
  t.is(bundle.manifest.precision, "int8");
  t.deepEqual(bundle.quantisation, quantisation);
  const file = join(directory, "quantisation.json");
  await writeFile(file, (await readFile(file, "utf8")).replace("3.25", "9.25"));
  await t.throwsAsync(readBundle(directory), { code: "E_BUNDLE_HASH" });
});

test("names of tensors come back whatever they are", (t) => {
  const names = ["model[ 1, 2 ]", "a/b:0", "\"", "[\n 1,\n 2\n ]", "größe", "1"];
  const odd: Quantisation = { ...quantisation, layers: new Set(names), ranges: new Map(names.map((name) => [name, [-1, 2]])) };
  const { layers, ranges } = decodeQuantisation(encodeQuantisation(odd), "quantisation.json", "int8") as typeof odd;
  t.deepEqual(layers, odd.layers);
  t.deepEqual(new Map([...ranges].sort()), new Map([...odd.ranges].sort()));
});

test("float16 too, and no bundle reads one as the other", async (t) => {
  const half: Quantisation = { precision: "float16", calibration: { frames: 3, dataset: "day" }, layers: new Set(["Conv_1", "MatMul_7"]) };
  const directory = join(await temporaryFolder(t), "bundle");
  await writeBundle(directory, tinyContents({ description: { ...description, precision: "float16" }, quantisation: half }));
  t.deepEqual((await readBundle(directory)).quantisation, half);
  t.throws(() => decodeQuantisation(encodeQuantisation(half), "quantisation.json", "int8"), { code: "E_BUNDLE_FORMAT", message: /float16, where the manifest says int8/ });
  await t.throwsAsync(writeBundle(join(directory, "other"), tinyContents({ description: { ...description, precision: "int8" }, quantisation: half })), { code: "E_BUNDLE_FORMAT" });
});

test("a bundle in float has none", async (t) => {
  const directory = join(await temporaryFolder(t), "bundle");
  await writeBundle(directory, tinyContents());
  const bundle = await readBundle(directory);
  t.false("quantisation" in bundle);
  t.is(bundle.manifest.precision, undefined);
});

test("description and quantisation that do not agree are not written", async (t) => {
  const directory = join(await temporaryFolder(t), "bundle");
  await t.throwsAsync(writeBundle(directory, tinyContents({ quantisation })), { code: "E_BUNDLE_FORMAT" });
  await t.throwsAsync(writeBundle(directory, tinyContents({ description: int8.description })), { code: "E_BUNDLE_FORMAT" });
});

test("what is no quantisation is refused", (t) => {
  const text = new TextDecoder().decode(encodeQuantisation(quantisation));
  const decoded = (changed: string) => () => decodeQuantisation(new TextEncoder().encode(changed), "quantisation.json", "int8");
  t.deepEqual(decoded(text)(), quantisation);
  for (const wrong of ["", "{}", text.replace("asymmetric", "round"), text.replace("[0, 3.25]", "[1, 3.25]"), text.replace("int8", "int4"), text.replace("[0, 3.25]", "[0]")])
    t.throws(decoded(wrong), { code: "E_BUNDLE_FORMAT", message: /quantisation\.json/ });
});
