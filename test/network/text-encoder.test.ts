import { readFileSync } from "node:fs";
import { join } from "node:path";
import test from "ava";
import { gradients } from "../../sdk/autodiff/backward.js";
import { runModel } from "../../sdk/engine/run.js";
import { NightshiftError } from "../../sdk/errors.js";
import { Graph } from "../../sdk/graph/graph.js";
import { writeOnnx } from "../../sdk/graph/onnx/write.js";
import { mul, total } from "../../sdk/graph/ops.js";
import { type FloatTensor, float32 } from "../../sdk/graph/tensor.js";
import { tasks } from "../../sdk/network/contract.js";
import { insertPrompts, textEncoderGraph } from "../../sdk/network/text/encoder-graph.js";
import { loadMiniLm } from "../../sdk/network/text/minilm.js";
import { photoOf, promptsOf } from "../../sdk/network/text/prompts.js";
import { TextEncoder } from "../../sdk/network/text/text-encoder.js";
import { embedTokens, tokenize } from "../../sdk/network/text/tokens.js";
import { packageRoot } from "../../sdk/paths.js";

interface Reference {
  readonly text: string;
  /** By the original's float32 weights, in float64. */
  readonly original: readonly number[];
  /** By the int8 weights, in float64. */
  readonly stored: readonly number[];
}

// One at a time: each builds a model of 43 MB.
const weights = await loadMiniLm();
const encoder = await TextEncoder.create(runModel, weights);

const row = ({ data, shape }: FloatTensor, i: number): Float32Array => data.subarray(i * shape[1], (i + 1) * shape[1]);
const dot = (a: ArrayLike<number>, b: ArrayLike<number>): number => Array.from(a).reduce((total, x, i) => total + x * b[i], 0);
const distance = (a: ArrayLike<number>, b: ArrayLike<number>): number => Math.max(...Array.from(a, (x, i) => Math.abs(x - b[i])));

/** Prompt vectors of the size of word embeddings, the same on every run. */
const context = (vectors: number, phase: number): FloatTensor =>
  float32([vectors, 384], Float32Array.from({ length: vectors * 384 }, (_, i) => 0.05 * Math.sin(1.7 * i + phase)));

test.serial("embeddings equal the reference: to 2e-6 with the same weights, to a cosine of 0.998 with the original's", async (t) => {
  const references = JSON.parse(readFileSync(join(packageRoot(), "test", "network", "text-embeddings.json"), "utf8")) as Reference[];
  // One batch of texts of very different lengths, so padding is at work too.
  const embedding = await encoder.encode(references.map(({ text }) => text));
  t.deepEqual(embedding.shape, [references.length, 384]);
  references.forEach(({ text, original, stored }, i) => {
    t.true(distance(row(embedding, i), stored) < 2e-6, text);
    t.true(dot(row(embedding, i), original) > 0.998, text);
    t.true(Math.abs(dot(row(embedding, i), row(embedding, i)) - 1) < 1e-5, text);
  });
});

test.serial("padding does not change an embedding", async (t) => {
  const rows = tokenize(weights, ["traffic sign", "car"]);
  const tight = await runModel(writeOnnx(textEncoderGraph(weights, 2, 4)), { ...embedTokens(weights, rows) });
  const wide = await runModel(writeOnnx(textEncoderGraph(weights, 2, 16)), { ...embedTokens(weights, rows, undefined, 16) });
  t.true(distance(tight.embedding.data as Float32Array, wide.embedding.data as Float32Array) < 1e-6);
});

test.serial("what stands in padding is never looked at", async (t) => {
  const { tokens, attention } = embedTokens(weights, tokenize(weights, ["car"]), undefined, 8);
  const model = writeOnnx(textEncoderGraph(weights, 1, 8));
  const filled = { ...tokens, data: tokens.data.map((value, i) => (i < 3 * 384 ? value : 7)) };
  const clean = await runModel(model, { tokens, attention });
  const dirty = await runModel(model, { tokens: filled, attention });
  t.deepEqual(dirty.embedding, clean.embedding);
});

test.serial("synonyms are nearer than other things", async (t) => {
  const names = ["car", "vehicle", "foliage", "vegetation", "pedestrian", "person", "sidewalk", "pavement", "lorry", "truck"];
  const embedding = await encoder.encode(names.map(photoOf));
  names.forEach((name, i) => {
    const nearest = names.map((_, j) => (j === i ? -1 : dot(row(embedding, i), row(embedding, j))));
    if (name !== "truck") t.is(nearest.indexOf(Math.max(...nearest)), i ^ 1, name);
  });
});

test.serial("prompt vectors change every embedding, each kind its own rows", async (t) => {
  const names = ["road", "sky"];
  const plain = await encoder.encodeVocabulary(names);
  const prompted = await encoder.encodeVocabulary(names, { task: context(2, 0), category: context(3, 1) });
  const other = await encoder.encodeVocabulary(names, { task: context(2, 0), category: context(3, 2) });
  t.deepEqual(plain.shape, [tasks.length + names.length, 384]);
  t.deepEqual(prompted.shape, plain.shape);
  for (let i = 0; i < 4; i++) t.true(distance(row(prompted, i), row(plain, i)) > 1e-2);
  for (let i = 0; i < tasks.length; i++) t.deepEqual(row(other, i), row(prompted, i));
  for (let i = tasks.length; i < 4; i++) t.true(distance(row(other, i), row(prompted, i)) > 1e-3);
});

test.serial("the words of the template, given as prompt vectors, are the template", async (t) => {
  const prompts = promptsOf(weights, "a photo of a");
  t.deepEqual(prompts.task.shape, [4, 384]);
  const asVectors = await encoder.encode(["car"], prompts.category);
  const asText = await encoder.encode([photoOf("car")]);
  t.true(distance(asVectors.data, asText.data) < 1e-6);
});

test.serial("prompts inserted inside a graph equal prompts inserted before it", async (t) => {
  const rows = tokenize(weights, ["road", "non-drivable area"]);
  const { tokens, attention } = embedTokens(weights, rows);
  const graph = new Graph("prompted");
  const prompts = graph.input("prompts", "float32", [3, 384]);
  const inserted = insertPrompts(graph.input("tokens", "float32", tokens.shape), graph.input("attention", "float32", attention.shape), prompts);
  graph.output("embedding", weights.embed(inserted.tokens, inserted.attention));
  const answer = await runModel(writeOnnx(graph), { tokens, attention, prompts: context(3, 0) });
  const before = await encoder.encode(["road", "non-drivable area"], context(3, 0));
  t.true(distance(answer.embedding.data as Float32Array, before.data) < 1e-6);
});

test.serial("prompts learn through the encoder: the gradient is the slope, and following it brings a name to its synonym", async (t) => {
  const { tokens, attention } = embedTokens(weights, tokenize(weights, ["bicyclist"]));
  const target = await encoder.encode(["rider"]);
  const graph = new Graph("training");
  const prompts = graph.input("prompts", "float32", [2, 384]);
  const inserted = insertPrompts(graph.constant(tokens), graph.constant(attention), prompts);
  const similarity = total(mul(weights.embed(inserted.tokens, inserted.attention), graph.constant(target)));
  graph.output("similarity", similarity);
  graph.output("gradient", gradients(similarity, [prompts])[0]);
  const model = writeOnnx(graph);
  const at = async (data: Float32Array): Promise<{ similarity: number; gradient: Float32Array }> => {
    const answer = await runModel(model, { prompts: { dtype: "float32", shape: [2, 384], data } });
    return { similarity: Number(answer.similarity.data[0]), gradient: answer.gradient.data as Float32Array };
  };

  const start = context(2, 0).data;
  const direction = context(2, 5).data;
  const step = 0.02;
  const moved = (data: Float32Array, by: Float32Array, times: number): Float32Array => data.map((value, i) => value + times * by[i]);
  const first = await at(start);
  const [up, down] = [await at(moved(start, direction, step)), await at(moved(start, direction, -step))];
  const slope = (up.similarity - down.similarity) / (2 * step);
  t.true(Math.abs(slope - dot(first.gradient, direction)) < 0.01 * Math.abs(slope) + 1e-4, `${slope} ${dot(first.gradient, direction)}`);

  let prompted = start;
  for (let i = 0; i < 5; i++) prompted = moved(prompted, (await at(prompted)).gradient, 0.5);
  const last = await at(prompted);
  t.log(`similarity ${first.similarity.toFixed(3)} to ${last.similarity.toFixed(3)}`);
  t.true(last.similarity > first.similarity + 0.05);
});

test.serial("texts without visible characters, too long ones, and unfitting prompts are refused", async (t) => {
  const code = async (texts: string[], prompts?: FloatTensor): Promise<string> =>
    (await t.throwsAsync(encoder.encode(texts, prompts), { instanceOf: NightshiftError })).code;
  t.is(await code([]), "E_VOCABULARY");
  t.is(await code(["road", " \u200b "]), "E_VOCABULARY");
  t.is(await code(["road ".repeat(255)]), "E_VOCABULARY");
  t.is(await code(["road ".repeat(250)], context(10, 0)), "E_VOCABULARY");
  t.is(await code(["road"], float32([1, 128], new Float32Array(128))), "E_VOCABULARY");
});
