import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { ExecutionContext } from "ava";
import { sha256Of } from "../../sdk/bundle/files.js";
import { SwappableEngine } from "../../sdk/engine/hot-swap.js";
import type { Perception } from "../../sdk/engine/perception.js";
import { checkOf, type EngineUnderTest, engines } from "./engines.js";
import { bundleOf, frameOf, manyNames, names, vocabulary } from "./models.js";

const bundle = async (t: ExecutionContext, generation: number) => ({ kind: "bundle", directory: await bundleOf(t, generation) }) as const;

/** Swaps of every engine. */
for (const engine of engines) swaps(engine);

function swaps(underTest: EngineUnderTest): void {
  const check = checkOf(underTest);

  function open(t: ExecutionContext): SwappableEngine {
    const engine = new SwappableEngine(() => underTest.create(t, { threads: 1 }));
    t.teardown(() => engine.close());
    return engine;
  }

  check("under swaps every frame is answered once, in order, by the generation it states", async (t) => {
    const engine = open(t);
    const models = [await bundle(t, 0), await bundle(t, 1), await bundle(t, 2)] as const;
    const frame = frameOf(5);
    const alone: Perception[] = [];
    for (const model of models) {
      await engine.load(model);
      alone.push(await engine.infer(frame));
    }
    t.notDeepEqual(alone[0]?.mask, alone[1]?.mask);
    t.notDeepEqual(alone[1]?.mask, alone[2]?.mask);

    let isSwapping = true;
    const swaps = (async () => {
      for (let at = 0; at < 4; at++) await engine.swap(models[at % 3] ?? models[0]);
      isSwapping = false;
    })();
    const order: number[] = [];
    const seen = new Set<number>();
    const answers: Promise<void>[] = [];
    for (let sequence = 0; isSwapping; sequence++) {
      const answer = engine.infer({ ...frame, sequence }).then((perception) => {
        order.push(perception.sequence);
        seen.add(perception.generation);
        t.deepEqual(perception.mask, alone[perception.generation]?.mask);
      });
      answers.push(answer);
      // Two frames under way at every time.
      await answers[sequence - 1];
    }
    await Promise.all(answers);
    await swaps;
    t.deepEqual(order, order.map((_, at) => at));
    t.deepEqual([...seen].sort(), [0, 1, 2]);
  });

  check("rolling back restores the answers of before, once", async (t) => {
    const engine = open(t);
    await t.throwsAsync(() => engine.rollBack(), { message: /^E_ENGINE/ });
    await engine.load(await bundle(t, 0));
    const before = await engine.infer(frameOf(0));
    await engine.swap(await bundle(t, 1));
    t.is(engine.previous?.generation, 0);
    t.is((await engine.infer(frameOf(0))).generation, 1);
    t.is((await engine.rollBack()).generation, 0);
    const after = await engine.infer(frameOf(0));
    t.deepEqual([after.generation, after.mask, after.boxes], [0, before.mask, before.boxes]);
    await t.throwsAsync(() => engine.rollBack(), { message: /^E_ENGINE/ });
  });

  check("a generation that does not reproduce its golden outputs is not served", async (t) => {
    const engine = open(t);
    const good = await bundle(t, 0);
    await engine.load(good);
    const swapped = await bundle(t, 1);
    // The weights of another generation, with a right hash.
    const content = await readFile(join(good.directory, "weights.safetensors"));
    await writeFile(join(swapped.directory, "weights.safetensors"), content);
    const path = join(swapped.directory, "manifest.json");
    const manifest = JSON.parse(await readFile(path, "utf8")) as { files: { path: string; sha256: string }[] };
    for (const file of manifest.files) if (file.path === "weights.safetensors") file.sha256 = sha256Of(content);
    await writeFile(path, JSON.stringify(manifest));
    await t.throwsAsync(() => engine.swap(swapped), { message: /^E_GOLDEN/ });
    t.is((await engine.infer(frameOf(0))).generation, 0);
    t.is(engine.previous, undefined);
    t.is((await engine.swap(await bundle(t, 2))).generation, 2, "the next swap works");
  });

  check("the vocabulary in force goes along with a swap, larger ones too", async (t) => {
    const engine = open(t);
    await engine.load(await bundle(t, 0));
    await engine.setVocabulary(["sky", "person"]);
    await engine.swap(await bundle(t, 1));
    t.deepEqual((await engine.infer(frameOf(0))).vocabulary, ["sky", "person"]);
    await engine.setVocabulary(manyNames);
    const answer = await engine.infer(frameOf(0));
    t.deepEqual([answer.vocabulary, answer.generation], [manyNames, 1]);
    t.is(engine.previous?.generation, 0, "a change of vocabulary is nothing to roll back");
    await engine.setVocabulary(vocabulary(["whale"].map(() => "car")));
    t.deepEqual((await engine.rollBack()).vocabulary, ["sky", "person"]);
    await t.throwsAsync(() => engine.setVocabulary([...names, "whale"]), { message: /^E_VOCABULARY/ });
    t.deepEqual(engine.loaded?.vocabulary, ["sky", "person"]);
  });

  check("rolling back into other words: no answer is in those of before, and where it fails everything is as it was", async (t) => {
    const engine = open(t);
    await engine.load(await bundle(t, 0));
    for (const words of [["sky", "person"], manyNames]) {
      await engine.swap(await bundle(t, 1));
      await t.throwsAsync(() => engine.rollBack(["whale"]), { message: /^E_VOCABULARY/ });
      t.deepEqual([engine.loaded?.generation, engine.previous?.generation], [1, 0]);
      const rolledBack = engine.rollBack(words);
      for (let answer = await engine.infer(frameOf(0)); ; answer = await engine.infer(frameOf(0))) {
        if (answer.generation === 1) continue;
        t.deepEqual([answer.generation, answer.vocabulary], [0, words]);
        break;
      }
      t.deepEqual((await rolledBack).vocabulary, words);
      t.is(engine.previous, undefined);
    }
  });

  check("after closing everything is refused", async (t) => {
    const engine = open(t);
    const model = await bundle(t, 0);
    await engine.load(model);
    await engine.swap(await bundle(t, 1));
    await engine.close();
    await t.throwsAsync(() => engine.infer(frameOf(0)), { message: /^E_CLOSED/ });
    for (const change of [() => engine.load(model), () => engine.swap(model), () => engine.rollBack(), () => engine.renew(), () => engine.setVocabulary(names)])
      await t.throwsAsync(change, { message: /^E_CLOSED/ }, String(change));
    await t.notThrowsAsync(engine.unload());
    const empty = open(t);
    await empty.close();
    await t.throwsAsync(() => empty.infer(frameOf(0)), { message: /^E_CLOSED/ });
  });
}
