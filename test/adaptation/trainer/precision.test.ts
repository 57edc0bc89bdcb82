import { join } from "node:path";
import test from "ava";
import { defaultTrainingOptions, train } from "../../../sdk/adaptation/trainer/index.js";
import { learners } from "../../../sdk/adaptation/trainer/learners.js";
import { descriptionOf, readBundle, vocabularyOf, writeBundle } from "../../../sdk/bundle/index.js";
import { makeGolden } from "../../../sdk/engine/golden.js";
import { ThreadEngine } from "../../../sdk/engine/thread-engine.js";
import { temporaryFolder } from "../../bundle/contents.js";
import { allInHalf } from "../../support/half.js";
import { quantisationOf } from "../../support/int8.js";
import { exemplars, frames, names, network, nightJob, tinyBundle } from "../tiny-bundle.js";

for (const precision of ["int8", "float16"] as const) test(`a bundle in ${precision} learns in float, and its next generation serves in ${precision} by the same choice`, async (t) => {
  const folder = await temporaryFolder(t);
  const float = await tinyBundle(folder);
  const { weights, manifest, notice } = float;
  const embeddings = float.embeddings();
  const vocabulary = vocabularyOf(embeddings, names);
  const { width, height } = network;
  const quantisation = precision === "int8" ? await quantisationOf({ network, weights }, vocabulary, frames("night", 2).map((rgb) => ({ width, height, rgb }))) : await allInHalf({ network, weights });
  const description = descriptionOf(manifest);
  const directory = join(folder, precision);
  await writeBundle(directory, {
    description: { ...description, precision },
    weights,
    quantisation,
    embeddings,
    golden: await makeGolden(network, weights, vocabulary, undefined, quantisation),
    notice,
    exemplars: { names, boxNames: ["car"], samples: exemplars(8) },
  });
  const outDirectory = join(folder, "1");
  const job = { ...nightJob(directory, outDirectory), options: { ...defaultTrainingOptions, learner: "in-memory", steps: 2, threads: 1 } } as const;
  const { measurements } = await train(job, await learners["in-memory"](), () => undefined);
  t.true(measurements.after.finite && measurements.deployedDisagreement < 20);
  const learnt = await readBundle(outDirectory);
  t.is(learnt.manifest.precision, precision);
  t.deepEqual(learnt.quantisation, quantisation);
  t.notDeepEqual([...learnt.weights.values()][0].data, [...weights.values()][0].data);
  const engine = new ThreadEngine({ threads: 1 });
  t.teardown(() => engine.close());
  t.is((await engine.load({ kind: "bundle", directory: outDirectory })).generation, 1, "it reproduces its golden outputs");
});
