import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { NightshiftError } from "../../errors.js";
import { floatOf } from "../../graph/float16.js";
import { readSafetensors } from "../../graph/safetensors.js";
import type { DType, FloatTensor, Tensor, Weights } from "../../graph/tensor.js";
import { textWidth } from "../contract.js";
import { bert } from "./bert.js";
import { miniLmFolder, scaleSuffix, vocabularyFile, weightsFile, wordTable } from "./files.js";
import { type QuantisedRows, dequantiseRow, dequantiseTransposed, deviationOf } from "./quantise.js";
import type { TextTower } from "./tower.js";
import { WordPiece } from "./wordpiece.js";

/** What the files hold: the tokenizer, the table of word embeddings, and the weights of the graph. */
export interface MiniLm {
  readonly sha256: string;
  readonly tokenizer: WordPiece;
  /** [30522, 384]; stays int8, because a vocabulary uses a handful of its rows. */
  readonly words: QuantisedRows;
  /** All else as float32 by the names of the original; the matrices of its linear layers transposed, [in, out]. */
  readonly encoder: Weights;
}

/** The default text encoder, all-MiniLM-L6-v2. Throws as {@link readMiniLm}. */
export async function loadMiniLm(folder?: string): Promise<TextTower> {
  const { sha256, tokenizer, words, encoder } = await readMiniLm(folder);
  return {
    id: "all-MiniLM-L6-v2 int8",
    sha256,
    notice: "Text embeddings: all-MiniLM-L6-v2, Apache-2.0 (see sdk/network/text/minilm/NOTICE).",
    tokenizer,
    words: { width: words.values.shape[1], row: (id) => dequantiseRow(words, id), deviation: () => deviationOf(words) },
    width: textWidth,
    longest: 256,
    embed: (tokens, attention) => bert(encoder, tokens, attention),
  };
}

/**
 * Reads the bundled files (23 MB; about 45 MB in memory as the encoder's float32 weights).
 * Throws E_BUNDLE_MISSING where a file is not there, E_BUNDLE_FORMAT where one is damaged or they do not belong together.
 */
export async function readMiniLm(folder: string = miniLmFolder()): Promise<MiniLm> {
  const [bytes, text] = await Promise.all([read(join(folder, weightsFile)), read(join(folder, vocabularyFile))]);
  const { tensors } = readSafetensors(bytes);
  const vocabulary = new TextDecoder().decode(text).trimEnd().split("\n");
  const words = quantised(tensors, wordTable);
  if (words.scales.data.length !== vocabulary.length)
    throw unfit(`${vocabulary.length} rows of word embeddings, one a line of ${vocabularyFile}`, `${words.scales.data.length}`);
  const encoder = new Map<string, FloatTensor>();
  for (const [name, tensor] of tensors) {
    if (name === wordTable || name.endsWith(scaleSuffix)) continue;
    if (tensor.dtype === "int8") encoder.set(name, dequantiseTransposed(quantised(tensors, name)));
    else encoder.set(name, floatOf(typed(tensors, name, "float16")));
  }
  return { sha256: createHash("sha256").update(bytes).digest("hex"), tokenizer: new WordPiece(vocabulary), words, encoder };
}

async function read(path: string): Promise<Uint8Array> {
  try {
    return await readFile(path);
  } catch (cause) {
    throw new NightshiftError("E_BUNDLE_MISSING", {
      expected: `the text encoder's file ${path}`,
      received: "a file that cannot be read",
      remedy: "Install Nightshift again, or make the file with sdk/network/text/convert.ts.",
      cause,
    });
  }
}

function quantised(tensors: ReadonlyMap<string, Tensor>, name: string): QuantisedRows {
  const values = typed(tensors, name, "int8");
  const scales = typed(tensors, name + scaleSuffix, "float32");
  if (values.shape.length !== 2 || values.shape[0] !== scales.data.length)
    throw unfit(`one scale for each row of ${name}, of shape [${values.shape.join()}]`, `${scales.data.length}`);
  return { values, scales };
}

function typed<T extends DType>(tensors: ReadonlyMap<string, Tensor>, name: string, dtype: T): Tensor<T> {
  const tensor = tensors.get(name);
  if (tensor === undefined || !hasType(tensor, dtype)) throw unfit(`${name} as ${dtype}`, tensor?.dtype ?? "nothing");
  return tensor;
}

const hasType = <T extends DType>(tensor: Tensor, dtype: T): tensor is Tensor<T> => tensor.dtype === dtype;

const unfit = (expected: string, received: string): NightshiftError =>
  new NightshiftError("E_BUNDLE_FORMAT", { expected, received, remedy: "Make the files again with sdk/network/text/convert.ts." });
