import { NightshiftError } from "../../errors.js";
import type { FloatTensor } from "../../graph/tensor.js";
import type { TextTower } from "./tower.js";

/** Inputs of the text encoder's graph: B texts of up to L tokens each. */
export interface TokenEmbeddings {
  /** [B, L, words.width]: word embeddings and prompt vectors; zeros where there is no token. */
  readonly tokens: FloatTensor;
  /** [B, L]: 1 for a token, 0 for padding. */
  readonly attention: FloatTensor;
}

/** Token ids of each text, between those that begin and end it. Throws E_VOCABULARY for a text without visible characters, or a too long one. */
export function tokenize({ tokenizer, longest }: Pick<TextTower, "tokenizer" | "longest">, texts: readonly string[]): number[][] {
  return texts.map((text) => {
    const ids = tokenizer.tokenize(text);
    if (ids.length === 0 || ids.length + 2 > longest)
      throw new NightshiftError("E_VOCABULARY", {
        expected: `a text of 1 to ${longest - 2} tokens`,
        received: `${ids.length} tokens in ${JSON.stringify(text.slice(0, 80))}`,
        remedy: ids.length === 0 ? "Use names with visible characters." : "Shorten the name.",
      });
    return [tokenizer.start, ...ids, tokenizer.end];
  });
}

/**
 * Looks word embeddings up and inserts `context` [vectors, words.width] after the first token of each row; see {@link Prompts}.
 * Every row is padded to `length` tokens, the longest row's where it is not given. Throws E_VOCABULARY where a row does not fit.
 */
export function embedTokens(
  { words, longest }: Pick<TextTower, "words" | "longest">,
  rows: readonly (readonly number[])[],
  context?: FloatTensor,
  length?: number,
): TokenEmbeddings {
  const { width } = words;
  const inserted = context?.shape[0] ?? 0;
  const needed = Math.max(...rows.map((row) => row.length)) + inserted;
  const slots = length ?? needed;
  if (needed > Math.min(slots, longest) || (context && (context.shape.length !== 2 || context.shape[1] !== width)))
    throw new NightshiftError("E_VOCABULARY", {
      expected: `at most ${Math.min(slots, longest)} tokens a text, and prompt vectors of width ${width}`,
      received: `${needed} tokens, prompt vectors of shape [${context?.shape.join() ?? "0"}]`,
      remedy: "Shorten the names, or use fewer prompt vectors.",
    });
  const tokens = new Float32Array(rows.length * slots * width);
  const attention = new Float32Array(rows.length * slots);
  rows.forEach((row, text) => {
    const first = text * slots;
    attention.fill(1, first, first + row.length + inserted);
    if (context) tokens.set(context.data, (first + 1) * width);
    row.forEach((id, i) => tokens.set(words.row(id), (first + i + (i === 0 ? 0 : inserted)) * width));
  });
  return {
    tokens: { dtype: "float32", shape: [rows.length, slots, width], data: tokens },
    attention: { dtype: "float32", shape: [rows.length, slots], data: attention },
  };
}
