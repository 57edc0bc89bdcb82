import type { FloatTensor } from "../../graph/tensor.js";

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

/** The ordinary prompt that learnable ones are compared with and started from. */
export const photoOf = (name: string): string => `a photo of a ${name}`;
