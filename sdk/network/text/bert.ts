import { NightshiftError } from "../../errors.js";
import type { Value } from "../../graph/graph.js";
import { add, div, gelu, layerNorm, matMul, mul, reshape, softmax, sqrt, sub, sum, sumSquare, transpose, unsqueeze } from "../../graph/ops.js";
import { type FloatTensor, type Weights, float32 } from "../../graph/tensor.js";

const heads = 12;
const layers = 6;
const epsilon = 1e-12;

/**
 * BERT of 6 layers, then the mean over the tokens, normalised; see `TextTower.embed`. Throws E_BUNDLE_FORMAT where a weight is missing, E_GRAPH_SHAPE
 * where shapes do not fit.
 */
export function bert(weights: Weights, tokens: Value, attention: Value): Value {
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
