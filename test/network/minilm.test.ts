import { createHash } from "node:crypto";
import { copyFile, mkdtemp, readFile, readdir, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test, { type ExecutionContext } from "ava";
import { NightshiftError } from "../../sdk/errors.js";
import { float32 } from "../../sdk/graph/tensor.js";
import { miniLmFolder, vocabularyFile, weightsFile } from "../../sdk/network/text/files.js";
import { readMiniLm } from "../../sdk/network/text/minilm.js";
import { bundledTextEncoder } from "../support/text-encoder.js";
import { dequantiseRow, dequantiseTransposed, quantiseRows } from "../../sdk/network/text/quantise.js";

/** What convert.ts makes of the original whose SHA-256 the NOTICE states. */
const sha256 = {
  [weightsFile]: bundledTextEncoder.sha256,
  [vocabularyFile]: "07eced375cec144d27c900241f3e339478dec958f92fddbc551f295c992038a3",
};

test("the files are those that the conversion makes, with licence and notice, within 25 MB", async (t) => {
  for (const [name, expected] of Object.entries(sha256)) {
    const bytes = await readFile(join(miniLmFolder(), name));
    t.is(createHash("sha256").update(bytes).digest("hex"), expected, name);
  }
  const names = (await readdir(miniLmFolder())).sort();
  t.deepEqual(names, ["LICENSE", "NOTICE", weightsFile, vocabularyFile]);
  const sizes = await Promise.all(names.map(async (name) => (await stat(join(miniLmFolder(), name))).size));
  t.true(sizes.reduce((a, b) => a + b) <= 25e6);
});

test("weights load in the shapes of BERT with 6 layers of width 384", async (t) => {
  const { encoder, words, tokenizer } = await readMiniLm();
  t.deepEqual(words.values.shape, [30522, 384]);
  t.is(tokenizer.vocabulary.length, 30522);
  t.is(encoder.size, 4 + 6 * 16);
  t.deepEqual(encoder.get("encoder.layer.5.intermediate.dense.weight")?.shape, [384, 1536]);
  t.deepEqual(encoder.get("encoder.layer.5.output.dense.weight")?.shape, [1536, 384]);
  for (const [name, { data }] of encoder) t.true(data.every(Number.isFinite), name);
});

test("rows round to the nearest step of their own scale", (t) => {
  const matrix = float32([3, 4], [1, -2, 0.5, 0.01, 0, 0, 0, 0, -1e-3, 5e-4, 1e-6, 2e-4]);
  const rows = quantiseRows(matrix);
  t.deepEqual([...rows.values.data], [64, -127, 32, 1, 0, 0, 0, 0, -127, 64, 0, 25]);
  const transposed = dequantiseTransposed(rows);
  t.deepEqual(transposed.shape, [4, 3]);
  for (let row = 0; row < 3; row++) {
    const values = dequantiseRow(rows, row);
    values.forEach((value, column) => {
      t.true(Math.abs(value - matrix.data[row * 4 + column]) <= rows.scales.data[row] * 0.5001);
      t.is(transposed.data[column * 3 + row], value);
    });
  }
});

async function damaged(t: ExecutionContext, weights: ((bytes: Buffer) => Uint8Array) | undefined, vocabulary?: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "nightshift-text-"));
  t.teardown(() => rm(folder, { recursive: true }));
  if (weights) await writeFile(join(folder, weightsFile), weights(await readFile(join(miniLmFolder(), weightsFile))));
  if (vocabulary === undefined) await copyFile(join(miniLmFolder(), vocabularyFile), join(folder, vocabularyFile));
  else await writeFile(join(folder, vocabularyFile), vocabulary);
  return folder;
}

test("missing, truncated and unfitting files are refused", async (t) => {
  const code = async (folder: string): Promise<string> => (await t.throwsAsync(readMiniLm(folder), { instanceOf: NightshiftError })).code;
  t.is(await code(await damaged(t, undefined)), "E_BUNDLE_MISSING");
  t.is(await code(await damaged(t, (bytes) => bytes.subarray(0, -1))), "E_BUNDLE_FORMAT");
  t.is(await code(await damaged(t, (bytes) => bytes, "[PAD]\nroad\n")), "E_BUNDLE_FORMAT");
});
