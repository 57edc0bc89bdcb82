import { NightshiftError } from "../../errors.js";
import type { Tokenizer } from "./tower.js";

const longestWord = 100;

/** Characters that BERT drops: NUL, the replacement character, and all that Unicode calls control, format, private or surrogate. */
const dropped = /[\0\ufffd\p{Cc}\p{Cf}\p{Co}\p{Cs}]/u;
const space = /\p{White_Space}/u;
const ideograph =
  /[\u4e00-\u9fff\u3400-\u4dbf\u{20000}-\u{2a6df}\u{2a700}-\u{2b73f}\u{2b740}-\u{2b81f}\u{2b920}-\u{2ceaf}\uf900-\ufaff\u{2f800}-\u{2fa1f}]/gu;
const accent = /\p{Mn}/gu;
/** BERT counts every ASCII sign that is neither letter nor digit as punctuation, `$` and `+` too. */
const punctuation = /[!-/:-@[-`{-~\p{P}]/gu;

/**
 * The uncased WordPiece tokenizer of BERT, by test exact to Hugging Face's, but for accents and punctuation that Unicode gained after
 * version 8, which the latter does not know. Names of special tokens (`[SEP]`) in a text are text here: a category's name never
 * controls the encoder.
 */
export class WordPiece implements Tokenizer {
  readonly #ids: ReadonlyMap<string, number>;
  readonly start: number;
  readonly end: number;
  /** The id of words that no pieces spell. */
  readonly unknown: number;

  /**
   * @param vocabulary one piece an id, continuations with `##` before them, as in `vocab.txt`.
   * Throws E_BUNDLE_FORMAT where `[CLS]`, `[SEP]` or `[UNK]` is missing.
   */
  constructor(readonly vocabulary: readonly string[]) {
    this.#ids = new Map(vocabulary.map((piece, id) => [piece, id]));
    [this.start, this.end, this.unknown] = ["[CLS]", "[SEP]", "[UNK]"].map((piece) => this.#special(piece));
  }

  /** The id of one piece of the vocabulary, or undefined. */
  idOf(piece: string): number | undefined {
    return this.#ids.get(piece);
  }

  tokenize(text: string): number[] {
    return words(text).flatMap((word) => this.#pieces(word));
  }

  /** Longest match first; a word of which any rest is unknown is unknown as a whole. */
  #pieces(word: string): number[] {
    const characters = [...word];
    const ids: number[] = [];
    let end = characters.length;
    for (let start = 0; characters.length <= longestWord && start < characters.length; start = end) {
      let id: number | undefined;
      for (end = characters.length; end > start; end--) {
        id = this.#ids.get((start > 0 ? "##" : "") + characters.slice(start, end).join(""));
        if (id !== undefined) break;
      }
      if (id === undefined) break;
      ids.push(id);
      if (end === characters.length) return ids;
    }
    return [this.unknown];
  }

  #special(piece: string): number {
    const id = this.#ids.get(piece);
    if (id !== undefined) return id;
    throw new NightshiftError("E_BUNDLE_FORMAT", {
      expected: `${piece} in the text encoder's vocabulary`,
      received: `${this.vocabulary.length} pieces without it`,
      remedy: "Use the vocabulary that came with the encoder.",
    });
  }
}

function words(text: string): string[] {
  let clean = "";
  for (const character of text) {
    if (/[\t\n\r]/.test(character)) clean += " ";
    else if (!dropped.test(character)) clean += space.test(character) ? " " : character;
  }
  const bare = clean.replace(ideograph, " $& ").normalize("NFD").replace(accent, "");
  // Letter by letter, because lowercasing a whole string would give a sigma at the end of a word its final form.
  const lower = Array.from(bare, (character) => character.toLowerCase()).join("");
  return lower.replace(punctuation, " $& ").split(" ").filter((word) => word !== "");
}
