import { adamW, clipping } from "../../autodiff/adamw.js";
import { backward } from "../../autodiff/backward.js";
import { ema } from "../../autodiff/ema.js";
import { Graph, type Value } from "../../graph/graph.js";
import { concat, mul, slice, total, where } from "../../graph/ops.js";
import { type FloatTensor, float32, sizeOf } from "../../graph/tensor.js";
import { tasks } from "../contract.js";
import { Random } from "../../random.js";
import { insertPrompts } from "../text/encoder-graph.js";
import type { Prompts } from "../text/prompts.js";
import type { TextTower, WordTable } from "../text/tower.js";
import { prefixes, scalarInputs, writeStep, type StepGraph } from "./step-graph.js";

export interface PromptStepOptions {
  /** Texts in the batch: those of the tasks, then names. */
  readonly texts: number;
  /** Tokens that each text is padded to, prompt vectors not counted. */
  readonly length: number;
  /** Whether a teacher's prompts follow (eq. 3). */
  readonly teacher?: boolean;
}

export const promptScalars = {
  rate: 1e-3,
  correction1: 1,
  correction2: 1,
  /** Bound of the gradient's norm. */
  clip: 1,
  /** EMA of the teacher. */
  alpha: 0.99,
} as const;

/** Names of the state. */
export const promptNames = { task: "prompt/task", category: "prompt/category" } as const;

/**
 * One step of the learnable prompts of eq. 2, as many vectors for tasks as for names. The loss itself is in another graph, which answers its gradient with respect to the embeddings E;
 * the gradient of <E, that gradient> with respect to the prompts is the loss's own, by the chain rule.
 *
 * Data inputs: tokens float32 [texts, length, words.width] and attention float32 [texts, length] as `embedTokens` makes them without prompts;
 * textGradient float32 [texts, width], zeros for texts that only fill the batch up.
 * Results: `loss` (<E, textGradient>, of no meaning by itself), `gradientNorm`, and `embedding` [texts, width], made with the prompts after the step; where there is a teacher, `taught` likewise, with its prompts.
 */
export function promptStep(tower: Pick<TextTower, "embed" | "width">, prompts: Prompts, { texts, length, teacher = false }: PromptStepOptions): StepGraph {
  const width = prompts.task.shape[1];
  const graph = new Graph("prompt step");
  const tokens = graph.input("tokens", "float32", [texts, length, width]);
  const attention = graph.input("attention", "float32", [texts, length]);
  const textGradient = graph.input("textGradient", "float32", [texts, tower.width]);
  const scalars = scalarInputs(graph, promptScalars);
  const embed = (task: Value, category: Value): Value => {
    const part = (vectors: Value, from: number, to: number): ReturnType<typeof insertPrompts> =>
      insertPrompts(slice(tokens, 0, from, to), slice(attention, 0, from, to), vectors);
    const parts = [part(task, 0, tasks.length), part(category, tasks.length, texts)];
    return tower.embed(concat(parts.map((p) => p.tokens), 0), concat(parts.map((p) => p.attention), 0));
  };

  const [task, category] = [graph.input(promptNames.task, "float32", prompts.task.shape), graph.input(promptNames.category, "float32", prompts.category.shape)];
  const loss = total(mul(embed(task, category), textGradient));
  const found = backward(loss, [task, category]);
  const clip = clipping(graph, loss, found, scalars.clip);
  const follows = (parameter: Value, next: Value): Value => {
    const mean = ema(graph.input(prefixes.teacher + parameter.name, "float32", parameter.shape), next, where(clip.isFinite, scalars.alpha, graph.scalar(1)));
    graph.output(prefixes.next + prefixes.teacher + parameter.name, mean);
    return mean;
  };
  const next = [task, category].map((parameter, i) => {
    const { name, shape } = parameter;
    const [first, second] = [prefixes.first, prefixes.second].map((prefix) => graph.input(prefix + name, "float32", shape));
    // Not decayed: a prompt of zeros is no more likely than another.
    const step = adamW(parameter, found.gradients[i], first, second, clip, { ...scalars, decay: graph.scalar(0) });
    graph.output(prefixes.next + name, step.parameter);
    graph.output(prefixes.next + prefixes.first + name, step.first);
    graph.output(prefixes.next + prefixes.second + name, step.second);
    return { student: step.parameter, ...(teacher && { teacher: follows(parameter, step.parameter) }) };
  });
  const [{ student: nextTask, teacher: taughtTask }, { student: nextCategory, teacher: taughtCategory }] = next;
  const results = { loss, gradientNorm: clip.norm, embedding: embed(nextTask, nextCategory), ...(taughtTask && taughtCategory && { taught: embed(taughtTask, taughtCategory) }) };
  for (const [name, value] of Object.entries(results)) graph.output(name, value);
  return { model: writeStep(graph), state: promptState(prompts, teacher), packs: [], scalars: promptScalars, results: Object.keys(results) };
}

/** The state that `promptStep` keeps, from its first prompts. */
export function promptState(prompts: Prompts, teacher = false): Map<string, FloatTensor> {
  const state = new Map<string, FloatTensor>();
  for (const [name, tensor] of [[promptNames.task, prompts.task], [promptNames.category, prompts.category]] as const) {
    // Copies, as steps write where they lie.
    for (const owned of [name, ...(teacher ? [prefixes.teacher + name] : [])]) state.set(owned, { ...tensor, data: tensor.data.slice() });
    for (const prefix of [prefixes.first, prefixes.second]) state.set(prefix + name, float32(tensor.shape, new Float32Array(sizeOf(tensor.shape))));
  }
  return state;
}

/** Random vectors as large as word embeddings, among which they will stand: normal, with the deviation of the whole table `words`. */
export function initialPrompts(words: Pick<WordTable, "width" | "deviation">, vectors: number, seed: number): Prompts {
  const { width } = words;
  const deviation = words.deviation();
  const draw = (label: string): FloatTensor => {
    const random = new Random(seed, label);
    return float32([vectors, width], Float32Array.from({ length: vectors * width }, () => deviation * random.normal()));
  };
  return { task: draw(promptNames.task), category: draw(promptNames.category) };
}
