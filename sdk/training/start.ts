import { findBundle, keptPrompts, type Manifest, readBundle, readTrust } from "../bundle/index.js";
import { NightshiftError } from "../errors.js";
import type { Weights } from "../graph/tensor.js";
import { isImported } from "../network/architecture.js";
import type { NetworkConfig } from "../network/contract.js";
import type { Prompts } from "../network/text/prompts.js";
import type { TextTower } from "../network/text/tower.js";
import type { Recipe } from "./recipe.js";

/** What a training of masks and boxes goes on from. */
export interface Start {
  readonly network: NetworkConfig;
  readonly weights: Weights;
  /** What its names were encoded with; undefined where they were bare. */
  readonly prompts: Prompts | undefined;
  /** What it was taught by. */
  readonly data: Manifest["training"]["data"];
}

/**
 * The bundle that a recipe starts from; undefined where it starts from random weights.
 * Throws `E_CONFIG` for one that cannot be taught so: an imported model, or one with depth, whose head would no longer fit; `E_TEXT_ENCODER` where its names
 * were encoded by another text encoder than `tower`; `E_UNTRUSTED`, and as `readBundle`.
 */
export async function startOf(recipe: Recipe, tower: TextTower, trust?: readonly string[]): Promise<Start | undefined> {
  const { start } = recipe;
  const unfit = (expected: string, received: string, remedy: string): NightshiftError => new NightshiftError("E_CONFIG", { expected, received, remedy });
  if (start === undefined) {
    if (trust) throw unfit("a recipe that starts from a bundle", `--trust with recipe ${recipe.name}, which starts from nothing`, "Leave --trust out.");
    return undefined;
  }
  const bundle = await readBundle(findBundle(start), { trust: trust && (await readTrust(trust)) });
  const { network, manifest } = bundle;
  const other = "Name another bundle as start.";
  if (isImported(network)) throw unfit("a bundle of Nightshift's own network to start from", `${start}, an imported model`, other);
  if (network.depth) throw unfit("a bundle without depth to start from", `${start}, which tells depth`, `${other} Depth can be taught to what comes out of it.`);
  if (recipe.tasks || recipe.fusion !== undefined)
    throw unfit("a recipe without tasks and fusion, as the bundle that it starts from has them", `recipe ${recipe.name} with both`, "Leave them out, or leave start out.");
  const { id, sha256 } = manifest.textEncoder;
  if (sha256 !== tower.sha256)
    throw new NightshiftError("E_TEXT_ENCODER", {
      expected: `${id}, SHA-256 ${sha256}, which the bundle ${start} was trained with`,
      received: `${tower.id}, SHA-256 ${tower.sha256}`,
      remedy: "Name its folder (--text-encoder, or textEncoder in the recipe), none for the bundled one.",
    });
  return { network, weights: bundle.weights, prompts: keptPrompts(bundle.embeddings()), data: manifest.training.data };
}
