import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ExecutionContext } from "ava";
import type { BundleContents } from "../../sdk/bundle/bundle.js";
import type { Description } from "../../sdk/bundle/manifest.js";
import { float32, type FloatTensor, sizeOf } from "../../sdk/graph/tensor.js";
import { type NetworkConfig, textWidth } from "../../sdk/network/contract.js";
import { bundledTextEncoder } from "../support/text-encoder.js";

/** The smallest network that the contract allows. */
export const tinyNetwork: NetworkConfig = {
  width: 64,
  height: 32,
  stem: 4,
  channels: [4, 4, 8, 8],
  depths: [1, 1, 1, 1],
  expansion: 2,
  embedding: 8,
  heads: 2,
  decoderLayers: 1,
  regions: 30,
};

export const description: Description = {
  name: "tiny",
  generation: 0,
  createdAt: "2026-11-23T20:00:00Z",
  parent: null,
  network: tinyNetwork,
  vocabulary: ["road", "car"],
  training: { statement: "Nothing: random numbers.", data: [{ name: "none", terms: "none" }] },
  textEncoder: bundledTextEncoder,
  condition: "clear",
  metrics: { "miou day-test": 12.5 },
};

/** Numbers in -1 to 1 that are the same on every machine. */
export function noise(shape: readonly number[], seed: number): FloatTensor {
  let state = seed;
  return float32(
    shape,
    Array.from({ length: sizeOf(shape) }, () => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      return state / 2 ** 31 - 1;
    }),
  );
}

export const embeddingsOf = (names: readonly string[], seed = 1): BundleContents["embeddings"] => ({
  tasks: noise([2, textWidth], seed),
  names: new Map(names.map((name, at) => [name, noise([textWidth], seed * 100 + at).data])),
  prompts: new Map([["learnt", noise([2, 4, textWidth], seed + 7)]]),
});

/** A bundle that no network needs to understand. */
export function tinyContents(change: Partial<BundleContents> = {}): BundleContents {
  return {
    description,
    weights: new Map([
      ["stem.weight", noise([4, 3, 3, 3], 3)],
      ["stem.bias", noise([4], 4)],
    ]),
    embeddings: embeddingsOf(["road", "car", "sky"]),
    golden: {
      frame: { dtype: "uint8", shape: [1, 16, 32, 3], data: new Uint8Array(16 * 32 * 3).fill(9) },
      outputs: {
        mask: { dtype: "uint8", shape: [32, 64], data: new Uint8Array(32 * 64).fill(1) },
        mask_score: { dtype: "uint8", shape: [8, 16], data: new Uint8Array(8 * 16).fill(200) },
        boxes: noise([100, 4], 5),
        box_score: noise([100], 6),
        box_label: { dtype: "int64", shape: [100], data: new BigInt64Array(100) },
      },
    },
    notice: "Made for tests.\n",
    ...change,
  };
}

/** A folder that goes when the test ends. */
export async function temporaryFolder(t: ExecutionContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "nightshift-"));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  return folder;
}
