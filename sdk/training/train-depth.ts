import { descriptionOf, findBundle, readBundle, readTrust, vocabularyOf, writeBundle } from "../bundle/index.js";
import { makeGolden } from "../engine/golden.js";
import { Learner } from "../engine/learner.js";
import { NightshiftError } from "../errors.js";
import { isImported } from "../network/architecture.js";
import { depthStep, withDepth } from "../network/steps/depth.js";
import { PrefetchingLoader } from "./batch/index.js";
import { checkpointFor, writeCheckpoint } from "./checkpoint.js";
import { openerOf } from "./dataset.js";
import { renderedDrives, taughtBesides } from "./export.js";
import type { DepthRecipe } from "./recipe.js";
import { goThrough, teacherAlpha } from "./steps.js";
import type { Trained, TrainOptions } from "./train.js";
import { validate } from "./validate.js";

const warmUp = 30;

/**
 * Teaches a bundle depth from labelled frames: the head alone learns, on the features of the bundle, so that its masks and boxes are answered as before, bit by bit.
 * Throws `E_CONFIG` for a bundle of an imported model or a text encoder, of which depth has no use, `E_UNTRUSTED`, and as its parts do.
 */
export async function trainDepth(recipe: DepthRecipe, options: TrainOptions): Promise<Trained> {
  const { out, threads = 2, openModule, onProgress } = options;
  if (options.textEncoder !== undefined)
    throw new NightshiftError("E_CONFIG", { expected: "no text encoder where depth is taught", received: options.textEncoder, remedy: "Leave --text-encoder out: the bundle's words stay what they are." });
  const start = await readBundle(findBundle(recipe.start), { trust: options.trust && (await readTrust(options.trust)) });
  if (isImported(start.network))
    throw new NightshiftError("E_CONFIG", { expected: "a bundle of Nightshift's own network to start from", received: `${recipe.start}, an imported model`, remedy: "Name another bundle as start." });
  const config = { ...start.network, depth: true };
  const first = withDepth(config, start.weights, recipe.seed);
  const found = await checkpointFor(options);
  const learner = await Learner.create(depthStep(config, first, { batch: recipe.batch }), { threads, spinning: true, state: found?.state, steps: found?.steps });
  const { width, height } = config;
  const loader = new PrefetchingLoader({
    openModule,
    sources: recipe.sources.map(({ drive, share, paste, haze, darkness }) => ({ spec: { kind: "drive", ...drive, depth: true }, share, paste, haze, darkness, boxes: false })),
    batch: { batchSize: recipe.batch, width, height, seed: recipe.seed, depth: true },
    firstStep: learner.steps,
  });
  try {
    const { minutes, losses } = await goThrough({
      learner,
      steps: recipe.steps,
      warmUp,
      minutes: options.minutes,
      found,
      onProgress,
      checkpoint: (sofar) => writeCheckpoint(options.checkpoint, { state: learner.state(), steps: learner.steps, minutes: sofar }),
      step: async (factor) => {
        const { frames, depth = new Float32Array() } = await loader.next();
        return learner.step(
          {
            frames: { dtype: "uint8", shape: [recipe.batch, height, width, 3], data: frames },
            depth: { dtype: "float32", shape: [recipe.batch, height / 4, width / 4], data: depth },
          },
          { rateDecoder: recipe.rate * factor, alpha: teacherAlpha(learner) },
        );
      },
    });
    const weights = new Map([...first, ...learner.weights("teacher")]);
    const description = descriptionOf(start.manifest);
    const exemplars = await start.exemplarFiles();
    const { training } = description;
    const own = recipe.sources.map(({ drive, terms }) => ({ name: `depth: ${renderedDrives} (${drive.condition}, seed ${drive.seed})`, terms }));
    const data = taughtBesides(training.data, own);
    await writeBundle(out, {
      description: { ...description, name: recipe.name, createdAt: new Date().toISOString(), network: config, training: { ...training, data } },
      weights,
      embeddings: start.embeddings(),
      golden: await makeGolden(config, weights, vocabularyOf(start.embeddings(), description.vocabulary), start.golden.frame),
      notice: `${start.notice}${data.slice(training.data.length).map(({ name, terms }) => `${name}: ${terms}\n`).join("")}`,
      exemplars,
    });
    const trained = { bundle: out, parameters: [...weights.values()].reduce((sum, tensor) => sum + tensor.data.length, 0), steps: learner.steps, minutes, losses };
    if (!recipe.validation) return trained;
    onProgress?.("validating");
    const openDataset = await openerOf(openModule);
    const frames = await openDataset({ kind: "drive", ...recipe.validation.drive, depth: true });
    return { ...trained, validation: await validate(out, frames, { threads }) };
  } finally {
    await loader.close();
    await learner.close();
  }
}
