import { Graph, type Value } from "../../graph/graph.js";
import { concat, expand, slice, unsqueeze } from "../../graph/ops.js";
import { float32 } from "../../graph/tensor.js";
import type { TextTower } from "./tower.js";

/**
 * The text encoder T of eq. 2 for `batch` texts of up to `length` tokens, as a graph of its own: `tokens` float32 [batch, length, words.width] and
 * `attention` float32 [batch, length] to `embedding` float32 [batch, width]; see {@link TextTower.embed}.
 */
export function textEncoderGraph(tower: TextTower, batch: number, length: number): Graph {
  const graph = new Graph("text_encoder");
  const tokens = graph.input("tokens", "float32", [batch, length, tower.words.width]);
  const attention = graph.input("attention", "float32", [batch, length]);
  graph.output("embedding", tower.embed(tokens, attention));
  return graph;
}

/**
 * Inserts prompt vectors [vectors, words.width] after the first token of each text, as `embedTokens` does: the way by which prompts are trained.
 * Answers tokens [B, L + vectors, words.width] and attention [B, L + vectors].
 */
export function insertPrompts(tokens: Value, attention: Value, prompts: Value): { tokens: Value; attention: Value } {
  const [batch, length, width] = tokens.shape;
  const [vectors] = prompts.shape;
  const repeated = expand(unsqueeze(prompts, [0]), [batch, vectors, width]);
  const ones = tokens.graph.constant(float32([batch, vectors], new Float32Array(batch * vectors).fill(1)));
  return {
    tokens: concat([slice(tokens, 1, 0, 1), repeated, slice(tokens, 1, 1, length)], 1),
    attention: concat([slice(attention, 1, 0, 1), ones, slice(attention, 1, 1, length)], 1),
  };
}
