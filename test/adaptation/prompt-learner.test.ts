import test from "ava";
import { runModel } from "../../sdk/engine/run.js";
import { NightshiftError } from "../../sdk/errors.js";
import { tasks, textWidth } from "../../sdk/network/contract.js";
import { initialPrompts } from "../../sdk/network/steps/prompts.js";
import { TextEncoder } from "../../sdk/network/text/text-encoder.js";
import { readCheckpoint, writeCheckpoint } from "../../sdk/training/checkpoint.js";
import { PromptLearner } from "../../sdk/adaptation/prompt-learner.js";
import { train } from "../../sdk/training/train.js";
import { Words } from "../../sdk/network/text/words.js";
import { temporaryFolder } from "../bundle/contents.js";

const encoder = await TextEncoder.create(runModel);
const options = { start: initialPrompts(encoder.tower.words, 4, 1), every: 2 };
const rate = 0.01;
const pairs = [
  ["bicyclist", "rider"],
  ["living thing", "person"],
  ["tree", "vegetation"],
] as const;
const names = pairs.map(([name]) => name);
const wanted = new Words(encoder);
await wanted.learn(pairs.map(([, name]) => name));

const dot = (a: Float32Array, b: Float32Array): number => a.reduce((sum, x, i) => sum + x * b[i], 0);

/** How near the names are to what they are to mean, in the mean. */
const nearness = (words: Words): number => pairs.reduce((sum, [name, other]) => sum + dot(words.names.get(name)!, wanted.names.get(other)!), 0) / pairs.length;

/** Gradients of minus the nearness for samples with these names, each in K + 2 rows. The tasks' rows ask for the first pair, so that their prompts learn too. */
function gradientOf(samples: readonly (readonly string[])[], k = 16): Float32Array {
  const gradient = new Float32Array(samples.length * (k + tasks.length) * textWidth);
  const target = (name: string): Float32Array => wanted.names.get(pairs.find(([own]) => own === name)![1])!;
  samples.forEach((list, sample) =>
    [names[0], names[0], ...list].forEach((name, row) => gradient.set(target(name).map((x) => -x / samples.length), (sample * (k + tasks.length) + row) * textWidth)),
  );
  return gradient;
}

test.serial("prompts learn from what batches say about names, and words follow", async (t) => {
  const prompts = new PromptLearner(encoder, options);
  const words = new Words(encoder, prompts.prompts);
  await words.learn(names);
  const before = nearness(words);
  const batches = [[[names[0], names[1]], [names[2]]], [[names[2], names[0]], [names[1], names[2]]]];
  const changes: boolean[] = [];
  for (let i = 0; i < 12; i++) changes.push(await prompts.learn([{ names: batches[i % 2], textGradient: gradientOf(batches[i % 2]) }], { words, rate }));
  t.deepEqual(changes, Array.from({ length: 12 }, (_, i) => i % 2 === 1));
  t.is(prompts.steps, 6);
  const after = nearness(words);
  t.log(`nearness ${before.toFixed(3)} to ${after.toFixed(3)}`);
  t.true(after > before + 0.02);

  // What the step's graph answered is what the text encoder makes of the prompts; names that come later are encoded alike.
  const direct = await encoder.encodeVocabulary([...names, "drivable area"], prompts.prompts);
  await words.learn(["drivable area"]);
  const answered = [...words.tasks.data, ...[...words.names.values()].flatMap((row) => [...row])];
  t.true(Math.max(...answered.map((x, i) => Math.abs(x - direct.data[i]))) < 2e-6);
  t.deepEqual(words.prompts, prompts.prompts);
  await prompts.close();
});

test.serial("a checkpoint holds the prompts, and learning goes on from it exactly; more names make room for themselves", async (t) => {
  const folder = await temporaryFolder(t);
  const all = [[...names]];
  const prompts = new PromptLearner(encoder, { ...options, every: 1 });
  const words = new Words(encoder, prompts.prompts);
  await words.learn(names);
  await prompts.learn([{ names: all, textGradient: gradientOf(all) }], { words, rate });
  const other = { dtype: "float32" as const, shape: [1], data: Float32Array.of(3) };
  await writeCheckpoint(folder, { state: new Map([...prompts.state(), ["student/other", other]]), steps: 40, minutes: 2, promptSteps: prompts.steps });
  await prompts.learn([{ names: all, textGradient: gradientOf(all) }], { words, rate });

  const found = await readCheckpoint(folder);
  t.is(found?.promptSteps, 1);
  const resumed = new PromptLearner(encoder, { ...options, start: initialPrompts(encoder.tower.words, 4, 9), every: 1, state: found!.state, steps: found!.promptSteps });
  const again = new Words(encoder, resumed.prompts);
  // Ten names: the resumed graph holds more texts, the other one is built anew for them.
  const further = ["road", "sky", "pole", "fence", "car", "bus", "truck"];
  await again.learn([...names, ...further]);
  await resumed.learn([{ names: all, textGradient: gradientOf(all) }], { words: again, rate });
  t.is(resumed.steps, 2);
  const apart = (a: Float32Array, b: Float32Array): number => Math.max(...a.map((x, i) => Math.abs(x - b[i])));
  t.true(apart(resumed.prompts.category.data, prompts.prompts.category.data) < 1e-5);
  t.true(apart(resumed.prompts.task.data, prompts.prompts.task.data) < 1e-5);
  await words.learn(further);
  await prompts.learn([{ names: all, textGradient: gradientOf(all) }], { words, rate });
  t.is(prompts.steps, 3, "building the graph anew loses no step");
  await prompts.close();
  await resumed.close();
});

test.serial("checkpoints without prompts are read as before", async (t) => {
  const folder = await temporaryFolder(t);
  await writeCheckpoint(folder, { state: new Map([["student/w", { dtype: "float32", shape: [1], data: Float32Array.of(2) }]]), steps: 7, minutes: 1.5 });
  const found = await readCheckpoint(folder);
  t.is(found?.steps, 7);
  t.is(found?.promptSteps, 0);
  t.deepEqual([...found!.state.keys()], ["student/w"]);
});

test.serial("a training with prompts does not go on without them", async (t) => {
  const checkpoint = await temporaryFolder(t);
  await writeCheckpoint(checkpoint, { state: new PromptLearner(encoder, options).state(), steps: 7, minutes: 1 });
  const openModule = new URL("../../adapters/datasets/open.js", import.meta.url);
  const going = train({ out: `${checkpoint}/bundle`, checkpoint, recipe: "rendered", resume: true, openModule });
  t.is((await t.throwsAsync(going, { instanceOf: NightshiftError })).code, "E_CONFIG");
});
