import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { z } from "zod";
import { reasonOf } from "../../../errors.js";
import { type BytePairs, byteLetters, endPiece, startPiece, wordEnd } from "./bpe.js";
import { unfit } from "./unfit.js";

/** As OpenAI and open_clip publish it. */
const packedFile = "bpe_simple_vocab_16e6.txt.gz";
/** The pairs of that file that are used; it holds more. */
const packedPairs = 49152 - 256 - 2;

const idsSchema = z.record(z.string(), z.number().int().min(0));

/** Reads a folder's `vocab.json` and `merges.txt`, or its `bpe_simple_vocab_16e6.txt.gz`. Throws `E_TEXT_ENCODER`. */
export async function readBytePairs(folder: string): Promise<BytePairs> {
  const [vocabulary, merges, packed] = await Promise.all(["vocab.json", "merges.txt", packedFile].map((name) => readFile(join(folder, name)).catch(() => undefined)));
  if (vocabulary && merges) return { ids: idsOf(vocabulary.toString(), folder), merges: pairsOf(merges.toString()) };
  if (packed) return unpacked(packed, folder);
  throw unfit(`vocab.json and merges.txt, or ${packedFile}, in ${folder}`, "none that can be read", "Put the vocabulary that came with the tower beside its weights.");
}

/** One pair a line, after a line that states the version. */
const pairsOf = (text: string): string[] => text.split(/\r?\n/).filter((line, at) => line !== "" && !(at === 0 && (line.startsWith("#version") || line.startsWith('"bpe'))));

function idsOf(text: string, folder: string): Map<string, number> {
  try {
    return new Map(Object.entries(idsSchema.parse(JSON.parse(text))));
  } catch (cause) {
    throw unfit(`an id for each piece in ${join(folder, "vocab.json")}`, reasonOf(cause), "Use the vocabulary that came with the tower.", cause);
  }
}

/** Pieces have their ids by their order: seen bytes first, the same at the end of a word, the pairs, the special tokens. */
function unpacked(bytes: Uint8Array, folder: string): BytePairs {
  let text: string;
  try {
    text = gunzipSync(bytes).toString();
  } catch (cause) {
    throw unfit(`a gzip file ${join(folder, packedFile)}`, reasonOf(cause), "Fetch the file again.", cause);
  }
  const merges = pairsOf(text).slice(0, packedPairs);
  const letters = [...byteLetters.filter((letter) => letter.codePointAt(0)! < 0x100), ...byteLetters.filter((letter) => letter.codePointAt(0)! >= 0x100)];
  const pieces = [...letters, ...letters.map((letter) => letter + wordEnd), ...merges.map((pair) => pair.replace(" ", "")), startPiece, endPiece];
  return { ids: new Map(pieces.map((piece, id) => [piece, id])), merges };
}
