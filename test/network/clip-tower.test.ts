import { copyFile, cp, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import test, { type ExecutionContext } from "ava";
import { gradients } from "../../sdk/autodiff/backward.js";
import { runModel } from "../../sdk/engine/run.js";
import { NightshiftError } from "../../sdk/errors.js";
import { Graph } from "../../sdk/graph/graph.js";
import { writeOnnx } from "../../sdk/graph/onnx/write.js";
import { mul, total } from "../../sdk/graph/ops.js";
import { readSafetensors, writeSafetensors } from "../../sdk/graph/safetensors.js";
import { float32, type Tensor } from "../../sdk/graph/tensor.js";
import { loadClip } from "../../sdk/network/text/clip/load.js";
import { insertPrompts } from "../../sdk/network/text/encoder-graph.js";
import { TextEncoder } from "../../sdk/network/text/text-encoder.js";
import { embedTokens, tokenize } from "../../sdk/network/text/tokens.js";
import { packageRoot } from "../../sdk/paths.js";
import { temporaryFolder } from "../bundle/contents.js";

/** What transformers and PyTorch make of the same weights; see clip_reference.py. */
interface Reference {
  readonly texts: readonly { readonly text: string; readonly ids: readonly number[] }[];
  readonly width: number;
  readonly plain: readonly number[];
  readonly prompts: readonly number[];
  readonly prompted: readonly number[];
  /** What <E, wanted> is the loss with. */
  readonly wanted: readonly number[];
  readonly gradient: readonly number[];
}

const folder = join(packageRoot(), "test", "network", "clip");
/** A tower with its reference: the small one of the repository, or one of CLIP's size that clip_reference.py made. */
const large = process.env["NIGHTSHIFT_CLIP"];
const reference = JSON.parse(await readFile(large ? join(large, "reference.json") : join(folder, "tower.json"), "utf8")) as Reference;
const encoder = await TextEncoder.open(runModel, large ?? join(folder, "tower"));
const { tower } = encoder;
const texts = reference.texts.map(({ text }) => text);
const prompts = float32([reference.prompts.length / tower.words.width, tower.words.width], reference.prompts);

const distance = (a: ArrayLike<number>, b: ArrayLike<number>): number => Math.max(...Array.from(a, (x, i) => Math.abs(x - b[i])));

/** A copy of the small tower with changes. */
async function changed(t: ExecutionContext, change: (copy: string) => Promise<unknown>): Promise<string> {
  const copy = join(await temporaryFolder(t), "tower");
  await cp(join(folder, "tower"), copy, { recursive: true });
  await change(copy);
  return copy;
}

test.serial("ids and embeddings equal those of transformers, with and without prompts", async (t) => {
  t.deepEqual(tokenize(tower, texts), reference.texts.map(({ ids }) => [...ids]));
  const plain = await encoder.encode(texts);
  t.deepEqual(plain.shape, [texts.length, reference.width]);
  const apart = [distance(plain.data, reference.plain), distance((await encoder.encode(texts, prompts)).data, reference.prompted)];
  t.log(`largest differences ${apart.map((each) => each.toExponential(1)).join(" and ")}`);
  t.true(Math.max(...apart) < 2e-6);
});

test.serial("the gradient with respect to prompts is PyTorch's", async (t) => {
  const { tokens, attention } = embedTokens(tower, tokenize(tower, texts));
  const graph = new Graph("prompted");
  const vectors = graph.input("prompts", "float32", prompts.shape);
  const inserted = insertPrompts(graph.constant(tokens), graph.constant(attention), vectors);
  const loss = total(mul(tower.embed(inserted.tokens, inserted.attention), graph.constant(float32([texts.length, tower.width], reference.wanted))));
  graph.output("gradient", gradients(loss, [vectors])[0]);
  const { gradient } = await runModel(writeOnnx(graph), { prompts });
  const largest = Math.max(...reference.gradient.map(Math.abs));
  t.log(`largest gradient ${largest.toExponential(1)}, largest difference ${distance(gradient.data as Float32Array, reference.gradient).toExponential(1)}`);
  t.true(distance(gradient.data as Float32Array, reference.gradient) < 1e-5 * largest);
});

test.serial("padding, and what stands in it, does not change an embedding", async (t) => {
  const fed = embedTokens(tower, tokenize(tower, ["car"]), undefined, 12);
  const [[...ids]] = tokenize(tower, ["car"]);
  const filled = { ...fed.tokens, data: fed.tokens.data.map((value, i) => (i < ids.length * tower.words.width ? value : 7)) };
  const graph = new Graph("padded");
  graph.output("embedding", tower.embed(graph.constant(filled), graph.constant(fed.attention)));
  const { embedding } = await runModel(writeOnnx(graph), {});
  t.true(distance(embedding.data as Float32Array, (await encoder.encode(["car"])).data) < 1e-6);
});

test.serial("an ONNX file, OpenAI's names and open_clip's configuration give the same embeddings", async (t) => {
  const own = await TextEncoder.open(runModel, join(folder, "tower"));
  const wanted = await own.encode(["car", "road sign"]);
  const same = async (copy: string, what: string): Promise<void> => {
    const other = await TextEncoder.open(runModel, copy);
    t.true(distance((await other.encode(["car", "road sign"])).data, wanted.data) < 1e-6, what);
    t.not(other.tower.sha256, own.tower.sha256);
  };
  await same(
    await changed(t, async (copy) => {
      await rm(join(copy, "model.safetensors"));
      await copyFile(join(folder, "model.onnx"), join(copy, "model.onnx"));
    }),
    "ONNX",
  );
  await same(
    await changed(t, async (copy) => {
      const { tensors } = readSafetensors(await readFile(join(copy, "model.safetensors")));
      await rm(join(copy, "model.safetensors"));
      await writeFile(join(copy, "open_clip_model.safetensors"), writeSafetensors(inOpenAiNames(tensors)));
      await rm(join(copy, "config.json"));
      await writeFile(join(copy, "open_clip_config.json"), JSON.stringify({ model_cfg: { embed_dim: 12, quick_gelu: true, text_cfg: { context_length: 40, width: 16, heads: 2, layers: 2 } } }));
    }),
    "OpenAI's names",
  );
});

/** As OpenAI's and open_clip's files name them; the image encoder's tensors are passed over. */
function inOpenAiNames(tensors: ReadonlyMap<string, Tensor>): Map<string, Tensor> {
  const out = new Map<string, Tensor>([["visual.conv1.weight", float32([1, 1], [1])]]);
  for (const [name, tensor] of tensors) {
    const data = tensor.data as Uint16Array;
    if (name === "text_projection.weight") {
      const [rows, columns] = tensor.shape;
      const turned = data.map((_, i) => data[(i % rows) * columns + Math.floor(i / rows)]);
      out.set("text_projection", { dtype: "float16", shape: [columns, rows], data: turned });
      continue;
    }
    const part = /^text_model\.encoder\.layers\.(\d+)\.self_attn\.([qkv])_proj\.(weight|bias)$/.exec(name);
    if (!part) {
      out.set(
        name
          .replace("text_model.embeddings.token_embedding", "token_embedding")
          .replace("text_model.embeddings.position_embedding.weight", "positional_embedding")
          .replace("text_model.final_layer_norm", "ln_final")
          .replace("text_model.encoder.layers", "transformer.resblocks")
          .replace("self_attn", "attn")
          .replace("layer_norm", "ln_")
          .replace("mlp.fc1", "mlp.c_fc")
          .replace("mlp.fc2", "mlp.c_proj"),
        tensor,
      );
      continue;
    }
    const [, layer, which, kind] = part;
    if (which !== "q") continue;
    const of = (each: string): Uint16Array => tensors.get(name.replace("q_proj", `${each}_proj`))!.data as Uint16Array;
    const joined = Uint16Array.from([...of("q"), ...of("k"), ...of("v")]);
    out.set(`transformer.resblocks.${layer}.attn.in_proj_${kind}`, { dtype: "float16", shape: [tensor.shape[0] * 3, ...tensor.shape.slice(1)], data: joined });
  }
  return out;
}

test.serial("a tower without a projection answers its last token", async (t) => {
  const copy = await changed(t, async (path) => {
    const { tensors } = readSafetensors(await readFile(join(path, "model.safetensors")));
    tensors.delete("text_projection.weight");
    await writeFile(join(path, "model.safetensors"), writeSafetensors(tensors));
  });
  const bare = await TextEncoder.open(runModel, copy);
  t.is(bare.tower.width, 16);
  const { data } = await bare.encode(["car"]);
  t.true(Math.abs(data.reduce((sum, x) => sum + x * x, 0) - 1) < 1e-5);
});

test.serial("folders that are no CLIP text tower are refused, and an ONNX file whose weights would mean something else", async (t) => {
  const refused = async (change: (copy: string) => Promise<unknown>, message: RegExp): Promise<void> => {
    const error = await t.throwsAsync(loadClip(await changed(t, change), runModel), { instanceOf: NightshiftError, message });
    t.is(error.code, "E_TEXT_ENCODER", String(message));
  };
  const configured = (values: object) => (copy: string) => writeFile(join(copy, "config.json"), JSON.stringify(values));
  const weights = (change: (tensors: Map<string, Tensor>) => unknown) => async (copy: string) => {
    const { tensors } = readSafetensors(await readFile(join(copy, "model.safetensors")));
    change(tensors);
    await writeFile(join(copy, "model.safetensors"), writeSafetensors(tensors));
  };
  const asOnnx = (values: object) => async (copy: string) => {
    await rm(join(copy, "model.safetensors"));
    await copyFile(join(folder, "model.onnx"), join(copy, "model.onnx"));
    await configured(values)(copy);
  };
  await refused((copy) => rm(copy, { recursive: true }), /a folder with a CLIP text tower/);
  await refused((copy) => rm(join(copy, "model.safetensors")), /one \.safetensors or \.onnx file/);
  await refused((copy) => copyFile(join(folder, "model.onnx"), join(copy, "model.onnx")), /received model\.onnx, model\.safetensors/);
  await refused((copy) => rm(join(copy, "config.json")), /config\.json or open_clip_config\.json/);
  await refused(configured({ hidden_act: "relu" }), /hidden_act/);
  await refused(configured({ model_type: "siglip" }), /model_type/);
  await refused(configured({ num_attention_heads: 3 }), /divides 16/);
  await refused(weights((tensors) => tensors.delete("text_model.final_layer_norm.bias")), /final_layer_norm\.bias/);
  await refused(weights((tensors) => tensors.set("text_projection.weight", float32([12, 15], new Float32Array(180)))), /text_projection\.weight \[16, any\]/);
  await refused(weights((tensors) => tensors.set("text_model.embeddings.token_embedding.weight", float32([9, 16], new Float32Array(144)))), /each of 574 ids/);
  await refused(async (copy) => asOnnx({ num_attention_heads: 2 })(copy).then(() => writeFile(join(copy, "model.onnx"), "no model")), /an ONNX model/);
  await refused(asOnnx({ num_attention_heads: 4 }), /Check heads and hidden_act/);
  await refused(asOnnx({ num_attention_heads: 2, hidden_act: "gelu" }), /Check heads and hidden_act/);
});
