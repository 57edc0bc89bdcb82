import { descriptionOf, readBundle, vocabularyOf, writeBundle } from "../../bundle/index.js";
import { makeGolden } from "../../engine/golden.js";
import { isImported } from "../../network/architecture.js";
import type { FloatTensor } from "../../graph/tensor.js";

/** How far weights are moved, as a share of their own size: enough to change answers, too little to break them. */
const change = 0.1;

/** Writes the next generation of a bundle, with every weight moved a little, to another folder. */
export async function changedBundle(source: string, target: string): Promise<void> {
  const bundle = await readBundle(source, { verify: "model" });
  const { manifest, weights, notice, quantisation } = bundle;
  const embeddings = bundle.embeddings();
  const changed = new Map([...weights].map(([name, tensor], at) => [name, moved(tensor, at)]));
  await writeBundle(target, {
    description: { ...descriptionOf(manifest), generation: manifest.generation + 1, parent: manifest.generation },
    ...(isImported(bundle.network) && { model: bundle.network.model }),
    weights: changed,
    quantisation,
    embeddings,
    golden: await makeGolden(bundle.network, changed, vocabularyOf(embeddings, manifest.vocabulary), undefined, quantisation),
    notice,
  });
}

/** The tensor with every number moved a little. */
export function moved(tensor: FloatTensor, seed: number): FloatTensor {
  let state = seed + 1;
  const data = tensor.data.map((value) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return value * (1 + change * (state / 2 ** 31 - 1));
  });
  return { ...tensor, data };
}
