import { floatOf } from "../../../graph/float16.js";
import { type FloatTensor, type Tensor, type Weights } from "../../../graph/tensor.js";
import { unfit } from "./unfit.js";

/** The tower's weights by the names of transformers' `CLIPTextModel`, without `text_model.`; matrices of linear layers transposed, [in, out]. */
export interface ClipWeights {
  /** [pieces, words.width] */
  readonly table: FloatTensor;
  /** All else. */
  readonly encoder: Weights;
  readonly layers: number;
  /** Numbers of an embedding. */
  readonly width: number;
}

/** A tensor of a file, under the name that it has in transformers. */
export interface Named {
  readonly name: string;
  readonly tensor: Tensor;
  /** Whether a matrix is [in, out] already. */
  readonly transposed?: boolean;
}

const tableName = "embeddings.token_embedding.weight";
export const placesName = "embeddings.position_embedding.weight";
export const projectionName = "text_projection.weight";

/** OpenAI's and open_clip's names for the same. */
const renamed: readonly (readonly [RegExp, string])[] = [
  [/^token_embedding\.weight$/, tableName],
  [/^positional_embedding$/, placesName],
  [/^ln_final\./, "final_layer_norm."],
  [/^transformer\.resblocks\.(\d+)\.ln_([12])\./, "encoder.layers.$1.layer_norm$2."],
  [/^transformer\.resblocks\.(\d+)\.attn\.out_proj\./, "encoder.layers.$1.self_attn.out_proj."],
  [/^transformer\.resblocks\.(\d+)\.mlp\.c_fc\./, "encoder.layers.$1.mlp.fc1."],
  [/^transformer\.resblocks\.(\d+)\.mlp\.c_proj\./, "encoder.layers.$1.mlp.fc2."],
];

const joinedName = /^transformer\.resblocks\.(\d+)\.attn\.in_proj_(weight|bias)$/;

/** A tensor by the names of transformers; those of OpenAI's and open_clip's are translated, their queries, keys and values taken apart. Tensors of other parts keep their names. */
export function inTransformersNames(name: string, tensor: Tensor): Named[] {
  const bare = name.replace(/^(model\.)?text_model\./, "").replace(/^text\./, "");
  if (bare === "text_projection") return [{ name: projectionName, tensor, transposed: true }];
  const [, layer, kind] = joinedName.exec(bare) ?? [];
  if (layer === undefined) {
    const found = renamed.find(([pattern]) => pattern.test(bare));
    return [{ name: found ? bare.replace(...found) : bare, tensor }];
  }
  const third = tensor.data.length / 3;
  return ["q_proj", "k_proj", "v_proj"].map((part, at) => ({
    name: `encoder.layers.${layer}.self_attn.${part}.${kind}`,
    tensor: { ...tensor, shape: [tensor.shape[0] / 3, ...tensor.shape.slice(1)], data: tensor.data.slice(at * third, (at + 1) * third) },
  }));
}

/** Gathers what the tower needs, and checks that all of it is there and fits. Throws `E_TEXT_ENCODER`; `source` names the file. */
export function clipWeights(named: Iterable<Named>, source: string): ClipWeights {
  const found = new Map<string, Named>();
  for (const each of named) found.set(each.name, each);
  const take = (name: string, shape: readonly (number | undefined)[]): FloatTensor => {
    const each = found.get(name);
    const remedy = "Bring the text tower of a CLIP as float32 or float16, with the names of transformers, OpenAI or open_clip.";
    if (!each) throw unfit(`${name} in ${source}`, "no such tensor", remedy);
    const matrix = shape.length === 2 && !name.startsWith("embeddings.");
    const tensor = matrix && !each.transposed ? transposed(asFloat32(each, source)) : asFloat32(each, source);
    const fits = tensor.shape.length === shape.length && shape.every((extent, axis) => extent === undefined || extent === tensor.shape[axis]);
    if (!fits) throw unfit(`${name} [${shape.map((extent) => extent ?? "any").join(", ")}] in ${source}`, `[${tensor.shape.join(", ")}]`, remedy);
    return tensor;
  };
  const table = take(tableName, [undefined, undefined]);
  const [, d] = table.shape;
  const encoder = new Map<string, FloatTensor>([[placesName, take(placesName, [undefined, d])]]);
  const layer = (name: string, from: number, to: number | undefined): number => {
    const weight = take(`${name}.weight`, [from, to]);
    encoder.set(`${name}.weight`, weight).set(`${name}.bias`, take(`${name}.bias`, [weight.shape[1]]));
    return weight.shape[1];
  };
  const norm = (name: string): unknown => encoder.set(`${name}.weight`, take(`${name}.weight`, [d])).set(`${name}.bias`, take(`${name}.bias`, [d]));
  const layers = 1 + Math.max(-1, ...[...found.keys()].map((name) => Number(/^encoder\.layers\.(\d+)\./.exec(name)?.[1] ?? -1)));
  for (let at = 0; at < layers; at++) {
    const block = `encoder.layers.${at}`;
    norm(`${block}.layer_norm1`);
    for (const part of ["q_proj", "k_proj", "v_proj", "out_proj"]) layer(`${block}.self_attn.${part}`, d, d);
    norm(`${block}.layer_norm2`);
    layer(`${block}.mlp.fc2`, layer(`${block}.mlp.fc1`, d, undefined), d);
  }
  norm("final_layer_norm");
  // `CLIPTextModel` alone has none: its embedding is the last token's.
  if (found.has(projectionName)) encoder.set(projectionName, take(projectionName, [d, undefined]));
  return { table, encoder, layers, width: encoder.get(projectionName)?.shape[1] ?? d };
}

function asFloat32({ name, tensor }: Named, source: string): FloatTensor {
  if (tensor.dtype === "float32") return tensor as FloatTensor;
  if (tensor.dtype === "float16") return floatOf(tensor);
  throw unfit(`${name} of ${source} as float32 or float16`, tensor.dtype, "Save the tower's weights as float32 or float16.");
}

function transposed({ shape: [rows, columns], data }: FloatTensor): FloatTensor {
  const out = new Float32Array(data.length);
  for (let row = 0; row < rows; row++) for (let column = 0; column < columns; column++) out[column * rows + row] = data[row * columns + column];
  return { dtype: "float32", shape: [columns, rows], data: out };
}
