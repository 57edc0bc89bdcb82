import type { Vocabulary } from "../bundle/embeddings.js";
import { checkFinite } from "../bundle/weights.js";
import { NightshiftError } from "../errors.js";
import { sizeOf } from "../graph/tensor.js";
import { checkVocabulary, inputNames, paddedVocabularySize, tasks } from "../network/contract.js";
import type { Tensors } from "./onnxruntime.js";

/** The vocabulary's part of a model's inputs, padded; `textWidth` of its embeddings is the network's. Throws `E_VOCABULARY`, `E_WEIGHTS_NOT_FINITE`. */
export function vocabularyFeeds({ names, text }: Vocabulary, textWidth: number): Tensors {
  checkVocabulary(names);
  const rows = names.length + tasks.length;
  if (sizeOf(text.shape) !== rows * textWidth || text.data.length !== rows * textWidth)
    throw new NightshiftError("E_VOCABULARY", {
      expected: `embeddings [${rows}, ${textWidth}] for ${names.length} names`,
      received: `[${text.shape.join(", ")}] with ${text.data.length} numbers`,
      remedy: "Give a row for each task and each name, by the text encoder that the network was trained with.",
    });
  checkFinite("the embeddings", text, "the vocabulary");
  const size = paddedVocabularySize(names.length);
  const padded = new Float32Array((size + tasks.length) * textWidth);
  padded.set(text.data);
  return {
    [inputNames.text]: { dtype: "float32", shape: [size + tasks.length, textWidth], data: padded },
    [inputNames.used]: { dtype: "float32", shape: [size], data: new Float32Array(size).fill(1, 0, names.length) },
  };
}
