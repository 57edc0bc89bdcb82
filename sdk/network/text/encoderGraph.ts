import { NightshiftError } from "../../errors.js";
import { Graph, type Value } from "../../graph/graph.js";
import {
  add,
  concat,
  div,
  expand,
  gelu,
  layerNorm,
  matMul,
  mul,
  reshape,
  slice,
  softmax,
  sqrt,
  sub,
  sum,
  sumSquare,
  transpose,
  unsqueeze,
} from "../../graph/ops.js";
import { type FloatTensor, type Weights, float32 } from "../../graph/tensor.js";

const heads = 12;
const layers = 6;
const epsilon = 1e-12;

/**
 * The text encoder T of eq. 2 for `batch` texts of up to `length` tokens, as a graph of its own:
 * `tokens` float32 [batch, length, 384] and `attention` float32 [batch, length] (1 for a token, 0 for padding; every text has a token)
 * to `embedding` float32 [batch, 384] of length 1.
 */
export function textEncoderGraph(weights: Weights, batch: number, length: number): Graph {
  const graph = new Graph("text_encoder");
  const tokens = graph.input("tokens", "float32", [batch, length, parameter(weights, "embeddings.LayerNorm.weight").shape[0]]);
  const attention = graph.input("attention", "float32", [batch, length]);
  graph.output("embedding", textEncoder(weights, tokens, attention));
  return graph;
}

/**
 * The same within another graph, so that what made `tokens` can be trained through it: BERT of 6 layers, then the mean over the tokens,
 * normalised. The weights are constants. Throws E_BUNDLE_FORMAT where one is missing, E_GRAPH_SHAPE where shapes do not fit.
 */
export function textEncoder(weights: Weights, tokens: Value, attention: Value): Value {
  const { graph } = tokens;
  const [batch, length, width] = tokens.shape;
  const get = (name: string): Value => graph.constant(parameter(weights, name));
  const norm = (x: Value, name: string): Value => layerNorm(x, get(`${name}.weight`), get(`${name}.bias`), epsilon);
  const linear = (x: Value, name: string): Value => add(matMul(x, get(`${name}.weight`)), get(`${name}.bias`));
  const split = (x: Value): Value => reshape(x, [batch, length, heads, width / heads]);
  // Exactly zero after the softmax for padding, zero before it for tokens.
  const hidden = mul(sub(reshape(attention, [batch, 1, 1, length]), 1), 1e4);

  return graph.scope("text", () => {
    const places = graph.constant(placeEmbeddings(weights, length));
    let x = norm(reshape(add(tokens, places), [batch * length, width]), "embeddings.LayerNorm");
    for (let layer = 0; layer < layers; layer++) {
      const at = `encoder.layer.${layer}`;
      const query = transpose(split(linear(x, `${at}.attention.self.query`)), [0, 2, 1, 3]);
      const key = transpose(split(linear(x, `${at}.attention.self.key`)), [0, 2, 3, 1]);
      const value = transpose(split(linear(x, `${at}.attention.self.value`)), [0, 2, 1, 3]);
      const weight = softmax(add(mul(matMul(query, key), Math.sqrt(heads / width)), hidden), -1);
      const mixed = reshape(transpose(matMul(weight, value), [0, 2, 1, 3]), [batch * length, width]);
      x = norm(add(x, linear(mixed, `${at}.attention.output.dense`)), `${at}.attention.output.LayerNorm`);
      const inner = gelu(linear(x, `${at}.intermediate.dense`));
      x = norm(add(x, linear(inner, `${at}.output.dense`)), `${at}.output.LayerNorm`);
    }
    // The sum stands for the mean: their quotient, the number of tokens, leaves with the normalisation.
    const pooled = sum(mul(reshape(x, [batch, length, width]), unsqueeze(attention, [2])), [1]);
    return div(pooled, sqrt(add(sumSquare(pooled, [1], true), epsilon)));
  });
}

/**
 * Inserts prompt vectors [vectors, 384] after the first token of each text, as `embedTokens` does: the way by which prompts are trained.
 * Answers tokens [B, L + vectors, 384] and attention [B, L + vectors].
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

/** What each place in a text adds to its token, [1, length, 384]: the position's embedding, and that of the only type in use. */
function placeEmbeddings(weights: Weights, length: number): FloatTensor {
  const positions = parameter(weights, "embeddings.position_embeddings.weight");
  const types = parameter(weights, "embeddings.token_type_embeddings.weight");
  const [most, width] = positions.shape;
  if (length > most)
    throw new NightshiftError("E_GRAPH_SHAPE", { expected: `at most ${most} tokens a text`, received: `${length}`, remedy: "Shorten the texts." });
  const data = positions.data.slice(0, length * width).map((value, i) => value + types.data[i % width]);
  return float32([1, length, width], data);
}

function parameter(weights: Weights, name: string): FloatTensor {
  const tensor = weights.get(name);
  if (tensor !== undefined) return tensor;
  throw new NightshiftError("E_BUNDLE_FORMAT", {
    expected: `text encoder weights with ${name}`,
    received: "weights without it",
    remedy: "Make the files again with sdk/network/text/convert.ts.",
  });
}
