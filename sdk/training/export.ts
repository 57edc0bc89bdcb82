import { type BundleContents, type Manifest, vocabularyOf, writeBundle } from "../bundle/index.js";
import { makeGolden } from "../engine/golden.js";
import { OnnxSession } from "../engine/onnxruntime.js";
import type { Weights } from "../graph/tensor.js";
import type { NetworkConfig } from "../network/contract.js";
import { StatisticsAverage, statisticsModel } from "../network/steps/statistics.js";
import type { TextTower } from "../network/text/tower.js";
import { PrefetchingLoader, type SourceSpec } from "./batch/index.js";
import { openerOf, type Sample, withoutNames } from "./dataset.js";
import type { Recipe } from "./recipe.js";
import type { Words } from "../network/text/words.js";

export interface ExportOptions {
  readonly out: string;
  readonly config: NetworkConfig;
  readonly weights: Weights;
  readonly words: Words;
  /** What encoded the words. */
  readonly tower: TextTower;
  readonly recipe: Recipe;
  /** Room for the names of a sample's labels, K. */
  readonly names: number;
  readonly sources: readonly SourceSpec<unknown>[];
  readonly openModule: URL;
  /** What the bundle that the training started from was taught by. */
  readonly taughtBy?: Manifest["training"]["data"];
}

export interface ExportedBundle {
  readonly bundle: string;
  readonly parameters: number;
}

const statisticsBatches = 60;
const exemplarCount = 72;
/** Exemplars come from drives that training does not see. */
const exemplarSeed = 77;

/** Kept statistics of the EMA's weights, over augmented frames of all sources: the student's do not fit them. */
async function withStatistics({ config, weights, words, recipe, names, sources, openModule }: ExportOptions): Promise<Weights> {
  const session = await OnnxSession.create(statisticsModel(config, weights, { batch: recipe.batch, names }));
  const loader = new PrefetchingLoader({
    openModule,
    sources,
    batch: { batchSize: recipe.batch, width: config.width, height: config.height, seed: recipe.seed + 1 },
  });
  const average = new StatisticsAverage();
  try {
    for (let i = 0; i < statisticsBatches; i++) {
      const batch = await loader.next();
      await words.learn(batch.names.flat());
      const frames = { dtype: "uint8" as const, shape: [recipe.batch, config.height, config.width, 3], data: batch.frames };
      average.add(await session.run({ frames, ...words.batch(batch.names, names) }));
    }
  } finally {
    await loader.close();
    await session.close();
  }
  return average.into(weights);
}

async function exemplars({ openModule, recipe: { heldOut = [] } }: ExportOptions): Promise<{ names: readonly string[]; boxNames: readonly string[]; samples: Sample[] }> {
  const openDataset = await openerOf(openModule);
  const drive = withoutNames(await openDataset({ kind: "drive", seed: exemplarSeed, length: exemplarCount, condition: "day", width: 512, height: 288 }), heldOut);
  const samples: Sample[] = [];
  for (let i = 0; i < drive.length; i++) samples.push(await drive.sample(i));
  return { names: drive.names, boxNames: drive.boxNames, samples };
}

/** What rendered frames are called among what a bundle was taught by. */
export const renderedDrives = "rendered drives";

function statementOf(data: Manifest["training"]["data"]): string {
  if (data.some(({ terms }) => /^research/i.test(terms))) return "Weights learnt from data for research use: use them for research, and train your own for anything else.";
  return data.every(({ name }) => name.startsWith(renderedDrives)) ? "Weights learnt from rendered frames alone." : "Weights learnt from the data named here: the terms of each bind whoever uses them.";
}

/** What a bundle was taught by, and what it is taught by now, each stated once. */
export const taughtBesides = (before: Manifest["training"]["data"], now: Manifest["training"]["data"]): Manifest["training"]["data"] =>
  now.reduce((all, each) => (all.some(({ name, terms }) => name === each.name && terms === each.terms) ? all : [...all, each]), before);

/** Re-estimates statistics and writes the trained weights as a bundle. */
export async function exportBundle(options: ExportOptions): Promise<ExportedBundle> {
  const { out, config, words, tower, recipe, taughtBy = [] } = options;
  const weights = await withStatistics(options);
  const shown = await exemplars(options);
  await words.learn([...recipe.vocabulary, ...shown.names]);
  const embeddings = { tasks: words.tasks, names: words.names, prompts: new Map(Object.entries(words.prompts ?? {})) };
  const [{ width, height, rgb }] = shown.samples;
  const golden = await makeGolden(config, weights, vocabularyOf(embeddings, recipe.vocabulary), { dtype: "uint8", shape: [1, height, width, 3], data: rgb });
  const own = recipe.sources.map((source) => ({
    name: "folder" in source ? source.folder : `${renderedDrives} (${source.drive.condition}, seed ${source.drive.seed})`,
    terms: source.terms,
  }));
  const data = taughtBesides(taughtBy, own);
  const statement = statementOf(data);
  const contents: BundleContents = {
    description: {
      name: recipe.name,
      generation: 0,
      createdAt: new Date().toISOString(),
      parent: null,
      network: config,
      vocabulary: recipe.vocabulary,
      training: { statement, data },
      textEncoder: { id: tower.id, sha256: tower.sha256 },
      condition: "clear",
      metrics: {},
    },
    weights,
    embeddings,
    golden,
    notice: [statement, ...data.map(({ name, terms }) => `${name}: ${terms}`), tower.notice].join("\n") + "\n",
    exemplars: shown,
  };
  await writeBundle(out, contents);
  return { bundle: out, parameters: [...weights.values()].reduce((sum, t) => sum + t.data.length, 0) };
}
