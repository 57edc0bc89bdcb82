import test from "ava";
import { gradients } from "../../sdk/autodiff/backward.js";
import { Learner } from "../../sdk/engine/learner.js";
import { runModel } from "../../sdk/engine/run.js";
import { Graph, type Value } from "../../sdk/graph/graph.js";
import { writeOnnx } from "../../sdk/graph/onnx/write.js";
import { add, concat, matMul, mul, reshape, slice, tanh, total } from "../../sdk/graph/ops.js";
import { type FloatTensor, type Weights, sizeOf } from "../../sdk/graph/tensor.js";
import { Random } from "../../sdk/random.js";
import { initialPrompts, promptNames, promptStep } from "../../sdk/network/steps/prompts.js";
import { bert } from "../../sdk/network/text/bert.js";
import { insertPrompts } from "../../sdk/network/text/encoder-graph.js";
import { deviationOf, quantiseRows } from "../../sdk/network/text/quantise.js";

/** A text encoder of random weights: MiniLM's in everything but width. */
const width = 24;
const inner = 40;
const texts = 7;
const length = 5;

const random = new Random(3, "prompts");
const normal = (shape: number[], deviation: number, around = 0): FloatTensor => ({
  dtype: "float32",
  shape,
  data: Float32Array.from({ length: sizeOf(shape) }, () => around + deviation * random.normal()),
});

function randomEncoder(): Weights {
  const weights = new Map<string, FloatTensor>([
    ["embeddings.position_embeddings.weight", normal([16, width], 0.3)],
    ["embeddings.token_type_embeddings.weight", normal([2, width], 0.3)],
  ]);
  const norm = (name: string): unknown => weights.set(`${name}.weight`, normal([width], 0.1, 1)).set(`${name}.bias`, normal([width], 0.1));
  const linear = (name: string, from: number, to: number): unknown => weights.set(`${name}.weight`, normal([from, to], 1 / Math.sqrt(from))).set(`${name}.bias`, normal([to], 0.1));
  norm("embeddings.LayerNorm");
  for (let i = 0; i < 6; i++) {
    const at = `encoder.layer.${i}`;
    for (const name of ["query", "key", "value"]) linear(`${at}.attention.self.${name}`, width, width);
    linear(`${at}.attention.output.dense`, width, width);
    norm(`${at}.attention.output.LayerNorm`);
    linear(`${at}.intermediate.dense`, width, inner);
    linear(`${at}.output.dense`, inner, width);
    norm(`${at}.output.LayerNorm`);
  }
  return weights;
}

const weights = randomEncoder();
const tower = { width, embed: (tokens: Value, attention: Value): Value => bert(weights, tokens, attention) };
const tokens = normal([texts, length, width], 1);
/** Texts of 2 to 5 tokens. */
const attention: FloatTensor = { dtype: "float32", shape: [texts, length], data: Float32Array.from({ length: texts * length }, (_, i) => (i % length < 2 + (Math.floor(i / length) % 4) ? 1 : 0)) };
const prompts = { task: normal([3, width], 1), category: normal([3, width], 1) };
/** More rows than texts, as images share names: the loss sees some embeddings twice, and one never. */
const rowsSeen = [0, 1, 2, 3, 5, 0, 1, 5, 6];
const mixing = normal([width, width], 0.5);
const wanted = normal([rowsSeen.length, width], 1);

/** What stands for the network: a loss that is not linear in the embeddings it sees. */
const lossOf = (embedding: Value): Value => {
  const { graph } = embedding;
  const seen = concat(rowsSeen.map((row) => slice(embedding, 0, row, row + 1)), 0);
  const mixed = tanh(matMul(seen, graph.constant(mixing)));
  return add(total(mul(mixed, graph.constant(wanted))), mul(total(mul(mixed, mul(mixed, mixed))), 0.3));
};

/** The whole chain in one graph. */
async function fused(at: { task: FloatTensor; category: FloatTensor }): Promise<{ loss: number; embedding: Float32Array; task: Float32Array; category: Float32Array }> {
  const graph = new Graph("fused");
  const [task, category] = [graph.input("task", "float32", at.task.shape), graph.input("category", "float32", at.category.shape)];
  const [all, mask] = [graph.constant(tokens), graph.constant(attention)];
  const tasks = insertPrompts(slice(all, 0, 0, 2), slice(mask, 0, 0, 2), task);
  const names = insertPrompts(slice(all, 0, 2, texts), slice(mask, 0, 2, texts), category);
  const embedding = concat([tower.embed(tasks.tokens, tasks.attention), tower.embed(names.tokens, names.attention)], 0);
  const loss = lossOf(embedding);
  const [byTask, byCategory] = gradients(loss, [task, category]);
  for (const [name, value] of Object.entries({ loss: reshape(loss, [1]), embedding, byTask, byCategory })) graph.output(name, value);
  const answer = await runModel(writeOnnx(graph), { task: at.task, category: at.category });
  const floats = (name: string): Float32Array => answer[name].data as Float32Array;
  return { loss: floats("loss")[0], embedding: floats("embedding"), task: floats("byTask"), category: floats("byCategory") };
}

/** The network's own graph: the loss's gradient with respect to the embeddings it is fed. */
async function textGradient(embedding: Float32Array): Promise<FloatTensor> {
  const graph = new Graph("network");
  const input = graph.input("embedding", "float32", [texts, width]);
  graph.output("gradient", gradients(lossOf(input), [input])[0]);
  const { gradient } = await runModel(writeOnnx(graph), { embedding: { dtype: "float32", shape: [texts, width], data: embedding } });
  return gradient as FloatTensor;
}

const largest = (a: ArrayLike<number>): number => Math.max(...Array.from(a, Math.abs));
const distance = (a: ArrayLike<number>, b: ArrayLike<number>): number => largest(Array.from(a, (x, i) => x - b[i]));

test("the gradient through two graphs is that of one graph, and the step is AdamW's", async (t) => {
  const whole = await fused(prompts);
  const learner = await Learner.create(promptStep(tower, prompts, { texts, length }));
  const results = await learner.step({ tokens, attention, textGradient: await textGradient(whole.embedding) }, { rate: 0.01, clip: 1e9 });
  const state = learner.state();
  for (const [name, gradient, before] of [
    [promptNames.task, whole.task, prompts.task],
    [promptNames.category, whole.category, prompts.category],
  ] as const) {
    // After the first step the first moment is a tenth of the gradient.
    const found = state.get(`first/${name}`)!.data.map((value) => value * 10);
    t.log(`${name}: largest gradient ${largest(gradient).toFixed(4)}, largest difference ${distance(found, gradient).toExponential(1)}`);
    t.true(largest(gradient) > 0.05);
    t.true(distance(found, gradient) < 2e-5 * largest(gradient), name);
    const moved = state.get(name)!.data;
    moved.forEach((value, i) => {
      if (Math.abs(gradient[i]) > 1e-4) t.true(Math.abs(value - before.data[i] + 0.01 * Math.sign(gradient[i])) < 1e-5);
    });
  }
  const next = await fused({ task: state.get(promptNames.task)!, category: state.get(promptNames.category)! });
  t.true(distance(results.embedding, next.embedding) < 1e-5, "the embeddings answered are those of the new prompts");
  await learner.close();
});

test("steps lower the loss of the other graph", async (t) => {
  const learner = await Learner.create(promptStep(tower, prompts, { texts, length }));
  const first = await fused(prompts);
  let { embedding } = first;
  for (let i = 0; i < 10; i++) ({ embedding } = await learner.step({ tokens, attention, textGradient: await textGradient(embedding) }, { rate: 0.03 }));
  const state = learner.state();
  const last = await fused({ task: state.get(promptNames.task)!, category: state.get(promptNames.category)! });
  t.log(`loss ${first.loss.toFixed(3)} to ${last.loss.toFixed(3)}`);
  t.true(last.loss < first.loss - 0.1);
  await learner.close();
});

test("prompts start as large as word embeddings, the same for the same seed", (t) => {
  const table = quantiseRows(normal([200, width], 0.05, 0.01));
  const words = { width, deviation: () => deviationOf(table) };
  const { task, category } = initialPrompts(words, 100, 4);
  t.deepEqual([task.shape, category.shape], [[100, width], [100, width]]);
  const deviation = Math.sqrt(task.data.reduce((sum, x) => sum + x * x, 0) / task.data.length);
  t.true(Math.abs(deviation - 0.05) < 0.004, String(deviation));
  t.deepEqual(initialPrompts(words, 100, 4).task, task);
  t.notDeepEqual(category.data, task.data);
  t.notDeepEqual(initialPrompts(words, 100, 5).task.data, task.data);
});
