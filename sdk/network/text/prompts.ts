import { type FloatTensor, float32 } from "../../graph/tensor.js";
import { tokenize } from "./tokens.js";
import type { TextTower } from "./tower.js";

/**
 * Learnable context of eq. 2, P(*) = [*, ..., text, ..., *]: vectors among the word embeddings, one set for the texts of the tasks and
 * one for the names of categories. They stand between the token that begins a text and the text itself, so a graph can insert them without knowing its length.
 */
export interface Prompts {
  /** [vectors, words.width] */
  readonly task: FloatTensor;
  /** [vectors, words.width] */
  readonly category: FloatTensor;
}

/** The words of an ordinary prompt as vectors: before a text they are what the text behind those words is. Throws `E_VOCABULARY` as {@link tokenize}. */
export function promptsOf(tower: Pick<TextTower, "tokenizer" | "longest" | "words">, words: string): Prompts {
  const [ids] = tokenize(tower, [words]);
  const rows = ids.slice(1, -1).map((id) => tower.words.row(id));
  const { width } = tower.words;
  const vectors = (): FloatTensor => float32([rows.length, width], rows.flatMap((row) => [...row]));
  return { task: vectors(), category: vectors() };
}

/** The ordinary prompt that learnable ones are compared with and started from. */
export const photoOf = (name: string): string => `a photo of a ${name}`;
