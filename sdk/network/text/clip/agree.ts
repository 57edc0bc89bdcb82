import type { ModelProto } from "../../../graph/onnx/onnx_pb.js";
import { dtypeOf } from "../../../graph/onnx/types.js";
import { writeOnnx } from "../../../graph/onnx/write.js";
import { type Tensor, tensorOfNumbers } from "../../../graph/tensor.js";
import { textEncoderGraph } from "../encoder-graph.js";
import { photoOf } from "../prompts.js";
import type { RunGraph } from "../text-encoder.js";
import { embedTokens, tokenize } from "../tokens.js";
import type { TextTower } from "../tower.js";
import { unfit } from "./unfit.js";

const probes = ["car", photoOf("traffic sign")];
/** How far an embedding may be from the file's own, both of length 1; float32 in another order leaves some 1e-6, another activation is 1e-2 away. */
const tolerance = 1e-3;

/** Throws `E_TEXT_ENCODER` unless the tower that was read from an `.onnx` file answers what ONNX Runtime does with the file itself. */
export async function agree(tower: TextTower, { graph }: ModelProto, path: string, run: RunGraph): Promise<void> {
  for (const probe of probes) {
    const [ids] = tokenize(tower, [probe]);
    const feeds = Object.fromEntries((graph?.input ?? []).map((input) => [input.name, inputOf(input, ids)]));
    const theirs = Object.entries(await run(path, feeds)).flatMap(([name, tensor]) => (tensor.dtype === "float32" && tensor.shape.length === 2 && tensor.shape[1] === tower.width ? [{ name, tensor }] : []));
    const tokens = embedTokens(tower, [ids]);
    const { embedding } = await run(writeOnnx(textEncoderGraph(tower, 1, ids.length)), { ...tokens });
    const found = theirs.map(({ name, tensor }) => ({ name, apart: distance(unit(embedding), unit(tensor)) }));
    if (found.some(({ apart }) => apart < tolerance)) continue;
    throw unfit(
      `an output float32 [texts, ${tower.width}] of ${path} that is what its weights mean as a CLIP text tower`,
      found.map(({ name, apart }) => `${name}, ${apart.toPrecision(2)} away for ${JSON.stringify(probe)}`).join(", ") || "no output of this shape",
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

/** The first row, of length 1. */
function unit({ data, shape: [, width] }: Tensor): number[] {
  const row = Array.from({ length: width }, (_, at) => Number(data[at]));
  const length = Math.hypot(...row);
  return row.map((x) => x / length);
}

const distance = (a: readonly number[], b: readonly number[]): number => Math.hypot(...a.map((x, at) => x - b[at]));
