import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { driveDataset } from "../../adapters/datasets/drive.js";
import { writeBundle } from "../../sdk/bundle/index.js";
import { makeGolden } from "../../sdk/engine/golden.js";
import { type FloatTensor, float32 } from "../../sdk/graph/tensor.js";
import { type NetworkConfig, textWidth } from "../../sdk/network/contract.js";
import { initialWeights } from "../../sdk/network/initial.js";
import { withDepth } from "../../sdk/network/steps/depth.js";
import { Random } from "../../sdk/training/batch/index.js";
import { bundledTextEncoder } from "./text-encoder.js";

/** Small enough that a frame takes a few milliseconds. */
export const tinyNetwork: NetworkConfig = { width: 128, height: 64, stem: 4, channels: [4, 8, 8, 16], depths: [1, 1, 1, 1], expansion: 2, embedding: 16, heads: 2, decoderLayers: 1, regions: 100 };

/** A whole bundle with random weights, random embeddings and a few rendered exemplars, in a temporary folder. */
export async function tinyBundle(exemplars = 12, network = tinyNetwork): Promise<{ readonly directory: string; remove(): Promise<void> }> {
  const folder = await mkdtemp(join(tmpdir(), "nightshift-test-"));
  const directory = join(folder, "bundle");
  const dataset = driveDataset({ seed: 3, length: exemplars, condition: "day", width: 160, height: 96 });
  const random = new Random(7);
  const row = (count: number): FloatTensor => float32([count, textWidth], Array.from({ length: count * textWidth }, () => random.uniform(-0.1, 0.1)));
  const { names } = dataset;
  const embeddings = { tasks: row(2), names: new Map(names.map((name) => [name, row(1).data])), prompts: new Map() };
  const text = float32([names.length + 2, textWidth], [...embeddings.tasks.data, ...[...embeddings.names.values()].flatMap((data) => [...data])]);
  const plain = initialWeights(network, 1);
  const weights = network.depth ? withDepth(network, plain, 1) : plain;
  const samples = [];
  for (let index = 0; index < exemplars; index++) samples.push({ ...(await dataset.sample(index)), id: `exemplar-${index}` });
  await writeBundle(directory, {
    description: {
      name: "tiny",
      generation: 0,
      createdAt: "2026-11-23T20:00:00Z",
      parent: null,
      network,
      vocabulary: names,
      training: { statement: "Nothing: random numbers.", data: [] },
      textEncoder: bundledTextEncoder,
      condition: "clear",
      metrics: {},
    },
    weights,
    embeddings,
    golden: await makeGolden(network, weights, { names, text }),
    notice: "Made for tests.\n",
    exemplars: { names, boxNames: dataset.boxNames, samples },
  });
  return { directory, remove: () => rm(folder, { recursive: true, force: true }) };
}
