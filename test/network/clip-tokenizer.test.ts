import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import test from "ava";
import { NightshiftError } from "../../sdk/errors.js";
import { ClipTokenizer } from "../../sdk/network/text/clip/bpe.js";
import { readBytePairs } from "../../sdk/network/text/clip/vocabulary.js";
import { tokenize } from "../../sdk/network/text/tokens.js";
import { packageRoot } from "../../sdk/paths.js";
import { temporaryFolder } from "../bundle/contents.js";

const folder = join(packageRoot(), "test", "network", "clip");
const pairs = await readBytePairs(join(folder, "vocabulary"));
const tokenizer = new ClipTokenizer(pairs);

test("published ids", (t) => {
  t.deepEqual([tokenizer.start, tokenizer.end], [49406, 49407]);
  const published: [string, number[]][] = [
    ["a photo of a cat", [320, 1125, 539, 320, 2368]],
    ["a photo of a dog", [320, 1125, 539, 320, 1929]],
    ["a diagram", [320, 22697]],
    ["hello world!", [3306, 1002, 256]],
  ];
  for (const [text, ids] of published) t.deepEqual(tokenizer.tokenize(text), ids, text);
  t.deepEqual(tokenize({ tokenizer, longest: 77 }, ["A photo  of a CAT\n"]), [[49406, 320, 1125, 539, 320, 2368, 49407]]);
});

test("ids of names, signs, scripts and oddities equal Hugging Face's", async (t) => {
  const references = JSON.parse(await readFile(join(folder, "tokens.json"), "utf8")) as { text: string; ids: number[] }[];
  t.true(references.length > 150);
  for (const { text, ids } of references) t.deepEqual(tokenizer.tokenize(text), ids, JSON.stringify(text));
});

test("names of special tokens in a text are text", (t) => {
  const ids = tokenizer.tokenize("car <|endoftext|>");
  t.false(ids.includes(tokenizer.end));
  t.is(ids[0], tokenizer.tokenize("car")[0]);
});

test("77 tokens are the longest text, and a text needs visible characters", (t) => {
  const tower = { tokenizer, longest: 77 };
  t.is(tokenize(tower, ["car ".repeat(75)])[0].length, 77);
  for (const text of ["car ".repeat(76), " \n"]) t.is(t.throws(() => tokenize(tower, [text]), { instanceOf: NightshiftError }).code, "E_VOCABULARY");
});

test("the packed file of OpenAI is read like vocab.json and merges.txt", async (t) => {
  const temporary = await temporaryFolder(t);
  const merges = ["c a", "ca r</w>", "Ã ¼"];
  await writeFile(join(temporary, "bpe_simple_vocab_16e6.txt.gz"), gzipSync(`"bpe_simple_vocab_16e6.txt#version: 0.2\n${merges.join("\n")}\n`));
  const packed = await readBytePairs(temporary);
  t.deepEqual(packed.merges, merges);
  t.is(packed.ids.size, 512 + merges.length + 2);
  // Letters have the same ids in the whole vocabulary, as they come before its pairs.
  for (const [piece, id] of pairs.ids) if (id < 512) t.is(packed.ids.get(piece), id, piece);
  const other = new ClipTokenizer(packed);
  t.deepEqual(other.tokenize("Cars car"), [512, packed.ids.get("r")!, packed.ids.get("s</w>")!, 513]);
  t.deepEqual([other.start, other.end], [515, 516]);
});

test("vocabularies that are missing, malformed or incomplete are refused", async (t) => {
  const temporary = await temporaryFolder(t);
  const refused = async (files: Record<string, string>): Promise<void> => {
    const each = join(temporary, String(Math.random()));
    await mkdir(each);
    for (const [name, text] of Object.entries(files)) await writeFile(join(each, name), text);
    const reading = readBytePairs(each).then((read) => new ClipTokenizer(read));
    t.is((await t.throwsAsync(reading, { instanceOf: NightshiftError })).code, "E_TEXT_ENCODER");
  };
  const [vocabulary, merges] = await Promise.all(["vocab.json", "merges.txt"].map((name) => readFile(join(folder, "vocabulary", name), "utf8")));
  await refused({});
  await refused({ "vocab.json": vocabulary });
  await refused({ "vocab.json": '["a"]', "merges.txt": merges });
  await refused({ "vocab.json": vocabulary, "merges.txt": `${merges}x yz\n` });
  await refused({ "bpe_simple_vocab_16e6.txt.gz": "not packed" });
});
