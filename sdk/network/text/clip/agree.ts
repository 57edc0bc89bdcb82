import type { ModelProto } from "../../../graph/onnx/onnx_pb.js";
import { dtypeOf } from "../../../graph/onnx/types.js";
import { writeOnnx } from "../../../graph/onnx/write.js";
import { type Tensor, tensorOfNumbers } from "../../../graph/tensor.js";
import { textEncoderGraph } from "../encoderGraph.js";
import { photoOf } from "../prompts.js";
import type { RunGraph } from "../textEncoder.js";
import { embedTokens, tokenize } from "../tokens.js";
import type { TextTower } from "../tower.js";
import { unfit } from "./unfit.js";

const probes = ["car", photoOf("traffic sign")];
/** Cosine of an embedding with the file's own; float32 in another order leaves some 1e-6. */
const leastCosine = 0.9999;

/** Throws `E_TEXT_ENCODER` unless the tower that was read from an `.onnx` file answers what ONNX Runtime does with the file itself. */
export async function agree(tower: TextTower, { graph }: ModelProto, path: string, run: RunGraph): Promise<void> {
  for (const probe of probes) {
    const [ids] = tokenize(tower, [probe]);
    const feeds = Object.fromEntries((graph?.input ?? []).map((input) => [input.name, inputOf(input, ids)]));
    const theirs = Object.entries(await run(path, feeds)).flatMap(([name, tensor]) => (tensor.shape.at(-1) === tower.width && tensor.shape.length === 2 ? [{ name, tensor }] : []));
    const tokens = embedTokens(tower, [ids]);
    const { embedding } = await run(writeOnnx(textEncoderGraph(tower, 1, ids.length)), { ...tokens });
    const cosines = theirs.map(({ name, tensor }) => ({ name, cosine: cosine(embedding, tensor) }));
    if (cosines.some(({ cosine }) => cosine > leastCosine)) continue;
    throw unfit(
      `an output [texts, ${tower.width}] of ${path} that is what its weights mean as a CLIP text tower`,
      cosines.map(({ name, cosine }) => `${name} with a cosine of ${cosine.toFixed(4)} for ${JSON.stringify(probe)}`).join(", ") || "no output of this shape",
      "Check heads and hidden_act in the configuration, or bring the tower as .safetensors.",
    );
  }

  /** Ids, padded with the last one, which is looked for from the left; or what says which of them are text. */
  function inputOf({ name, type }: NonNullable<typeof graph>["input"][number], ids: readonly number[]): Tensor {
    if (type?.value.case !== "tensorType" || !/input_?ids|text|tokens|attention_?mask/.test(name))
      throw unfit(`inputs input_ids and attention_mask of ${path}`, name, "Export the tower as transformers does, or bring it as .safetensors.");
    const [batch = 1, length = ids.length] = (type.value.value.shape?.dim ?? []).map(({ value }) => (value.case === "dimValue" ? Number(value.value) : undefined));
    const isMask = /mask/.test(name);
    const row = Array.from({ length }, (_, at) => (isMask ? Number(at < ids.length) : (ids[at] ?? tower.tokenizer.end)));
    return tensorOfNumbers(dtypeOf(type.value.value.elemType), [batch, length], Array.from({ length: batch }, () => row).flat());
  }
}

/** Of the first rows. */
function cosine(a: Tensor, b: Tensor): number {
  const width = a.shape[1];
  let [product, square, other] = [0, 0, 0];
  for (let at = 0; at < width; at++) {
    const [x, y] = [Number(a.data[at]), Number(b.data[at])];
    product += x * y;
    square += x * x;
    other += y * y;
  }
  return product / Math.sqrt(square * other);
}
