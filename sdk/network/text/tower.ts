import type { Value } from "../../graph/graph.js";

/** Cuts texts into tokens, as the weights of a tower were trained with. */
export interface Tokenizer {
  /** The id that begins every text. */
  readonly start: number;
  /** The id that ends every text. */
  readonly end: number;
  /** Ids of a text's tokens, without those two; empty for a text without visible characters. */
  tokenize(text: string): number[];
}

/** The vectors of tokens. */
export interface WordTable {
  /** Numbers a token, which need not be as many as an embedding has. */
  readonly width: number;
  row(id: number): Float32Array;
  /** The standard deviation of all its numbers. */
  deviation(): number;
}

/** A text encoder T of eq. 2: from texts to tokens, from tokens to vectors, among which prompts may stand, and from vectors to an embedding. */
export interface TextTower {
  /** What bundles call it. */
  readonly id: string;
  /** SHA-256 of the file of its weights, by which bundles know it again. */
  readonly sha256: string;
  /** Whose it is and on what terms, a line for the NOTICE of bundles. */
  readonly notice: string;
  readonly tokenizer: Tokenizer;
  readonly words: WordTable;
  /** Numbers of an embedding. */
  readonly width: number;
  /** The longest text that it was trained on, in tokens, with those that begin and end it. */
  readonly longest: number;
  /**
   * Builds the tower into the graph of `tokens`, float32 [B, L, words.width], so that what made them can be trained through it; its weights are constants.
   * `attention` float32 [B, L]: 1 for a token, 0 for the padding behind them; every text has a token. Answers float32 [B, width] of length 1.
   */
  embed(tokens: Value, attention: Value): Value;
}
