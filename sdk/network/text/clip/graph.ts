import type { Value } from "../../../graph/graph.js";
import { add, concat, div, gelu, layerNorm, matMul, mul, reshape, sigmoid, slice, softmax, sqrt, sub, sum, sumSquare, transpose, unsqueeze } from "../../../graph/ops.js";
import { float32, type FloatTensor } from "../../../graph/tensor.js";
import type { ClipForm } from "./form.js";
import { type ClipWeights, placesName, projectionName } from "./weights.js";

/** Far below any score, and exactly zero after the softmax. */
const hidden = -1e4;
/** Keeps the length of an embedding from zero. */
const smallest = 1e-12;

/**
 * CLIP's text tower: a transformer that normalises before each part and in which a token sees only those before it, the last token's answer, its projection; see
 * `TextTower.embed`. Radford et al., "Learning Transferable Visual Models From Natural Language Supervision", 2021, section 2.4.
 */
export function clipText({ encoder, layers }: ClipWeights, { heads, activation, epsilon }: ClipForm, tokens: Value, attention: Value): Value {
  const { graph } = tokens;
  const [batch, length, d] = tokens.shape;
  const get = (name: string): Value => graph.constant(encoder.get(name)!);
  const norm = (x: Value, name: string): Value => layerNorm(x, get(`${name}.weight`), get(`${name}.bias`), epsilon);
  const linear = (x: Value, name: string): Value => add(matMul(x, get(`${name}.weight`)), get(`${name}.bias`));
  const split = (x: Value): Value => reshape(x, [batch, length, heads, d / heads]);
  const activate = (x: Value): Value => (activation === "gelu" ? gelu(x) : mul(x, sigmoid(mul(x, 1.702))));

  return graph.scope("text", () => {
    const places = encoder.get(placesName)!;
    const later = graph.constant(causal(length));
    let x = reshape(add(tokens, graph.constant(float32([1, length, d], places.data.subarray(0, length * d)))), [batch * length, d]);
    for (let layer = 0; layer < layers; layer++) {
      const at = `encoder.layers.${layer}`;
      const seen = norm(x, `${at}.layer_norm1`);
      const query = transpose(split(linear(seen, `${at}.self_attn.q_proj`)), [0, 2, 1, 3]);
      const key = transpose(split(linear(seen, `${at}.self_attn.k_proj`)), [0, 2, 3, 1]);
      const value = transpose(split(linear(seen, `${at}.self_attn.v_proj`)), [0, 2, 1, 3]);
      const weight = softmax(add(mul(matMul(query, key), Math.sqrt(heads / d)), later), -1);
      const mixed = reshape(transpose(matMul(weight, value), [0, 2, 1, 3]), [batch * length, d]);
      x = add(x, linear(mixed, `${at}.self_attn.out_proj`));
      x = add(x, linear(activate(linear(norm(x, `${at}.layer_norm2`), `${at}.mlp.fc1`)), `${at}.mlp.fc2`));
    }
    // 1 at a text's last token alone, which no padding can change, as nothing sees what comes after it.
    const none = graph.constant(float32([batch, 1], new Float32Array(batch)));
    const last = sub(attention, concat([slice(attention, 1, 1, length), none], 1));
    const pooled = norm(sum(mul(reshape(x, [batch, length, d]), unsqueeze(last, [2])), [1]), "final_layer_norm");
    const embedding = encoder.has(projectionName) ? matMul(pooled, get(projectionName)) : pooled;
    return div(embedding, sqrt(add(sumSquare(embedding, [1], true), smallest)));
  });
}

/** [1, 1, length, length]: hides from each token those after it. */
function causal(length: number): FloatTensor {
  return float32([1, 1, length, length], Array.from({ length: length * length }, (_, i) => (i % length > Math.floor(i / length) ? hidden : 0)));
}
