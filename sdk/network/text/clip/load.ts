import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import { basename, join, resolve } from "node:path";
import { fromBinary } from "@bufbuild/protobuf";
import { reasonOf } from "../../../errors.js";
import { type ModelProto, ModelProtoSchema } from "../../../graph/onnx/onnx_pb.js";
import { readSafetensors } from "../../../graph/safetensors.js";
import type { TextTower } from "../tower.js";
import type { RunGraph } from "../text-encoder.js";
import { agree } from "./agree.js";
import { ClipTokenizer } from "./bpe.js";
import { readForm } from "./form.js";
import { clipText } from "./graph.js";
import { namedInOnnx } from "./onnx.js";
import { unfit } from "./unfit.js";
import { readBytePairs } from "./vocabulary.js";
import { clipWeights, inTransformersNames, type Named, placesName } from "./weights.js";

/**
 * Reads the CLIP text tower that a user brings, a folder with
 * - its weights, one `.safetensors` (of transformers' `CLIPTextModelWithProjection`, `CLIPTextModel` or `CLIPModel`, of OpenAI or open_clip) or one `.onnx` file,
 * - `config.json` of transformers or `open_clip_config.json`,
 * - `vocab.json` and `merges.txt`, or `bpe_simple_vocab_16e6.txt.gz`.
 *
 * Throws `E_TEXT_ENCODER` where something is missing, means another kind of encoder or does not belong together, or where the tower does not answer what the
 * `.onnx` file answers; `E_BUNDLE_FORMAT` for a damaged `.safetensors`.
 */
export async function loadClip(folder: string, run: RunGraph): Promise<TextTower> {
  const path = await weightsFile(folder);
  const [bytes, form, pairs] = await Promise.all([readFile(path), readForm(folder), readBytePairs(folder)]);
  const model = path.endsWith(".onnx") ? modelIn(bytes, path) : undefined;
  const weights = clipWeights(model ? namedInOnnx(model, (location) => readFileSync(join(folder, location))) : inSafetensors(bytes), path);
  const { table, width } = weights;
  const [rows, tokenWidth] = table.shape;
  const most = Math.max(...pairs.ids.values());
  if (rows <= most) throw unfit(`a token's vector for each of ${most + 1} ids`, `${rows} in ${path}`, "Use the vocabulary that came with the tower.");
  if (tokenWidth % form.heads !== 0) throw unfit(`a number of heads that divides ${tokenWidth}`, String(form.heads), "Use the configuration that came with the tower.");
  const id = basename(resolve(folder));
  const tower: TextTower = {
    id,
    sha256: createHash("sha256").update(bytes).digest("hex"),
    notice: `Text embeddings: ${id}, the CLIP text tower in ${basename(path)}; its terms are those of whoever made it.`,
    tokenizer: new ClipTokenizer(pairs),
    words: { width: tokenWidth, row: (token) => table.data.subarray(token * tokenWidth, (token + 1) * tokenWidth), deviation: () => deviationOf(table.data) },
    width,
    longest: weights.encoder.get(placesName)!.shape[0],
    embed: (tokens, attention) => clipText(weights, form, tokens, attention),
  };
  if (model) await agree(tower, model, path, run);
  return tower;
}

/** The weights of the tower in a folder, by their name alone. Throws `E_TEXT_ENCODER`. */
export async function weightsFile(folder: string): Promise<string> {
  const files = await readdir(folder).catch((cause: unknown) => {
    throw unfit(`a folder with a CLIP text tower in ${folder}`, reasonOf(cause), "Check the path.", cause);
  });
  const found = files.filter((file) => /\.(safetensors|onnx)$/.test(file));
  if (found.length === 1) return join(folder, found[0]);
  throw unfit(`one .safetensors or .onnx file in ${folder}`, found.join(", ") || "none", "Leave there the weights of the tower alone.");
}

const inSafetensors = (bytes: Uint8Array): Named[] => [...readSafetensors(bytes).tensors].flatMap(([name, tensor]) => inTransformersNames(name, tensor));

function modelIn(bytes: Uint8Array, path: string): ModelProto {
  try {
    return fromBinary(ModelProtoSchema, bytes);
  } catch (cause) {
    throw unfit(`an ONNX model in ${path}`, reasonOf(cause), "Export the tower again.", cause);
  }
}

function deviationOf(data: Float32Array): number {
  let [sum, squares] = [0, 0];
  for (const value of data) {
    sum += value;
    squares += value * value;
  }
  return Math.sqrt(squares / data.length - (sum / data.length) ** 2);
}
