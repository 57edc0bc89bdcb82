import { join } from "node:path";
import test from "ava";
import { BundleText } from "../../../sdk/adaptation/trainer/bundle-text.js";
import { type BundleContents, readBundle, writeBundle } from "../../../sdk/bundle/index.js";
import { runModel } from "../../../sdk/engine/run.js";
import { NightshiftError } from "../../../sdk/errors.js";
import type { FloatTensor } from "../../../sdk/graph/tensor.js";
import { tasks } from "../../../sdk/network/contract.js";
import { initialPrompts } from "../../../sdk/network/steps/prompts.js";
import { TextEncoder } from "../../../sdk/network/text/text-encoder.js";
import { embeddingsOf, temporaryFolder, tinyContents } from "../../bundle/contents.js";

const encoder = await TextEncoder.create(runModel);

async function textOf(folder: string, embeddings: BundleContents["embeddings"]): Promise<BundleText> {
  const directory = join(folder, "bundle");
  await writeBundle(directory, tinyContents({ embeddings }));
  return new BundleText(await readBundle(directory));
}

const largest = (a: FloatTensor, b: FloatTensor): number => Math.max(...a.data.map((x, i) => Math.abs(x - b.data[i])));

test.serial("further names are encoded with the bundle's prompts, tasks and its own names are the bundle's", async (t) => {
  const { task, category } = initialPrompts(encoder.tower.words, 4, 2);
  const kept = embeddingsOf(["road", "car"]);
  const text = await textOf(await temporaryFolder(t), { ...kept, prompts: new Map([["task", task], ["category", category]]) });
  const rows = await text.encode([...tasks, "road", "tree", "tree", "sky"]);
  const direct = await encoder.encode(["tree", "sky"], category);
  const bare = await encoder.encode(["tree", "sky"]);
  t.deepEqual(rows.shape, [6, 384]);
  t.deepEqual(rows.data.slice(0, 2 * 384), kept.tasks.data, "tasks");
  t.deepEqual(rows.data.slice(2 * 384, 3 * 384), kept.names.get("road"));
  const further: FloatTensor = { dtype: "float32", shape: [2, 384], data: rows.data.slice(4 * 384) };
  t.deepEqual(rows.data.slice(3 * 384, 4 * 384), rows.data.slice(4 * 384, 5 * 384));
  t.true(largest(further, direct) < 1e-6);
  t.true(largest(further, bare) > 1e-2);
  const { text: vocabulary } = await text.vocabulary(["tree", "road"]);
  t.deepEqual(vocabulary.data.slice(0, 2 * 384), kept.tasks.data);
  t.deepEqual(vocabulary.data.slice(2 * 384, 3 * 384), rows.data.slice(3 * 384, 4 * 384));
});

test.serial("without prompts further names are encoded bare; prompts without those of names are refused", async (t) => {
  const plain = await textOf(await temporaryFolder(t), { ...embeddingsOf(["road", "car"]), prompts: new Map() });
  t.true(largest(await plain.encode(["sky"]), await encoder.encode(["sky"])) < 1e-6);
  const lacking = await textOf(await temporaryFolder(t), embeddingsOf(["road", "car"]));
  t.is((await lacking.encode(["road"])).shape[0], 1);
  t.is((await t.throwsAsync(lacking.encode(["sky"]), { instanceOf: NightshiftError })).code, "E_BUNDLE_FORMAT");
});
