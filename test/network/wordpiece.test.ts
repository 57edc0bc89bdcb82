import { readFileSync } from "node:fs";
import { join } from "node:path";
import test from "ava";
import { NightshiftError } from "../../sdk/errors.js";
import { miniLmFolder, vocabularyFile } from "../../sdk/network/text/files.js";
import { WordPiece } from "../../sdk/network/text/wordpiece.js";
import { packageRoot } from "../../sdk/paths.js";

const pieces = readFileSync(join(miniLmFolder(), vocabularyFile), "utf8").trimEnd().split("\n");
const tokenizer = new WordPiece(pieces);

test("ids equal those of the reference tokenizer", (t) => {
  const path = join(packageRoot(), "test", "network", "text-tokens.json");
  const cases = JSON.parse(readFileSync(path, "utf8")) as [text: string, ids: number[]][];
  t.true(cases.length >= 200);
  for (const [text, ids] of cases) t.deepEqual(tokenizer.tokenize(text), ids, JSON.stringify(text));
});

test("names of special tokens are plain text", (t) => {
  const special = ["[CLS]", "[SEP]", "[PAD]", "[UNK]", "[MASK]"].map((piece) => tokenizer.idOf(piece));
  t.deepEqual(special, [101, 102, 0, 100, 103]);
  const ids = tokenizer.tokenize("[CLS] road [SEP] [PAD] [MASK]");
  t.deepEqual(
    ids.filter((id) => special.includes(id)),
    [],
  );
});

test("half of a surrogate pair is dropped", (t) => {
  t.deepEqual(tokenizer.tokenize("ro\ud83dad"), tokenizer.tokenize("road"));
});

test("a vocabulary without the special pieces is refused", (t) => {
  const error = t.throws(() => new WordPiece(["[CLS]", "[SEP]", "road"]), { instanceOf: NightshiftError });
  t.is(error.code, "E_BUNDLE_FORMAT");
});
