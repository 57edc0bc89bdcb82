import type { Tokenizer } from "../tower.js";
import { unfit } from "./unfit.js";

/** What byte-pair encoding knows: an id for each piece, and which pairs of pieces join, the first of them first. */
export interface BytePairs {
  readonly ids: ReadonlyMap<string, number>;
  /** Two pieces with a space between. */
  readonly merges: readonly string[];
}

export const startPiece = "<|startoftext|>";
export const endPiece = "<|endoftext|>";

/** Ends the last piece of a word. */
export const wordEnd = "</w>";

/** The letter that stands for each byte: itself where it can be seen, else one from U+0100 on. */
export const byteLetters: readonly string[] = (() => {
  const isSeen = (byte: number): boolean => (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || byte >= 0xae;
  let next = 0x100;
  return Array.from({ length: 256 }, (_, byte) => String.fromCodePoint(isSeen(byte) ? byte : next++));
})();

const space = /\p{White_Space}+/gu;
const word = /'s|'t|'re|'ve|'m|'ll|'d|\p{L}+|\p{N}|[^\p{White_Space}\p{L}\p{N}]+/gu;

/**
 * CLIP's tokenizer: NFC, spaces made one, lower case; words, single digits and runs of signs; the bytes of each, joined pair by pair. By test exact to Hugging Face's
 * fast tokenizer, which leaves out what OpenAI's does to broken text before (mojibake mended, curly quotes made straight, HTML's entities read).
 * Names of special tokens (`<|endoftext|>`) in a text are text here: a category's name never controls the encoder.
 */
export class ClipTokenizer implements Tokenizer {
  readonly start: number;
  readonly end: number;
  readonly #ids: ReadonlyMap<string, number>;
  readonly #ranks: ReadonlyMap<string, number>;

  /** Throws `E_TEXT_ENCODER` where a byte, a joined pair or a special token has no id. */
  constructor({ ids, merges }: BytePairs) {
    this.#ids = ids;
    this.#ranks = new Map(merges.map((pair, rank) => [pair, rank]));
    const needed = [...byteLetters.flatMap((letter) => [letter, letter + wordEnd]), ...merges.map((pair) => pair.replace(" ", "")), startPiece, endPiece];
    const missing = needed.find((piece) => !ids.has(piece));
    if (missing !== undefined) throw unfit("an id for every byte, every pair and the special tokens", `none for ${JSON.stringify(missing)}`, "Use the vocabulary and the merges that came with the tower.");
    this.start = ids.get(startPiece)!;
    this.end = ids.get(endPiece)!;
  }

  tokenize(text: string): number[] {
    // Letter by letter, because lowercasing a whole string would give a sigma at the end of a word its final form.
    const clean = Array.from(text.normalize("NFC").replace(space, " "), (character) => character.toLowerCase()).join("");
    return (clean.match(word) ?? []).flatMap((each) => this.#pieces(each));
  }

  #pieces(text: string): number[] {
    let pieces = Array.from(new TextEncoder().encode(text), (byte) => byteLetters[byte]);
    pieces[pieces.length - 1] += wordEnd;
    for (;;) {
      let [best, pair] = [Infinity, ""];
      for (let at = 0; at + 1 < pieces.length; at++) {
        const candidate = `${pieces[at]} ${pieces[at + 1]}`;
        const rank = this.#ranks.get(candidate) ?? Infinity;
        if (rank < best) [best, pair] = [rank, candidate];
      }
      if (best === Infinity) return pieces.map((piece) => this.#ids.get(piece)!);
      pieces = joined(pieces, pair);
    }
  }
}

/** Every occurrence of the pair as one piece, from the left. */
function joined(pieces: readonly string[], pair: string): string[] {
  const out: string[] = [];
  for (let at = 0; at < pieces.length; at++) {
    const isPair = `${pieces[at]} ${pieces[at + 1]}` === pair;
    out.push(isPair ? pieces[at] + pieces[at + 1] : pieces[at]);
    if (isPair) at++;
  }
  return out;
}
