import { NightshiftError } from "../errors.js";
import { isImported, type Network } from "./architecture.js";
import { normParameters } from "./imported.js";
import { parameterSpecs } from "./initial.js";
import { hasFactors } from "./lora.js";
import { isEncoder } from "./packing.js";
import type { ParameterSpec } from "./parameters.js";

/**
 * What may learn. `default`: what learns on the vehicle. `norm`: scales and offsets of normalisation alone. `decoder`: everything but the encoder.
 * `last:n`: the last n matrices (or kernels) in the order of computation, with what comes after the first of them. `lora:r`: factors of rank r added to every matrix that has more numbers than they.
 * Between slashes: parameters whose names match. `prompts`: none of the network's, but the prompt vectors of eq. 2, through the text encoder.
 */
export type Trainable = "default" | "all" | "norm" | "decoder" | "prompts" | `last:${number}` | `lora:${number}` | `/${string}/`;

/** The forms of a choice, in words. */
export const trainableForms = "default, all, norm, decoder, prompts, last:n, lora:r, or a pattern between slashes";

/** The form of a choice. */
export const trainablePattern = /^(default|all|norm|decoder|prompts|(last|lora):[1-9]\d*|\/.+\/)$/;

export const isTrainable = (choice: string): choice is Trainable => trainablePattern.test(choice);

/** The rank of `lora:r`; undefined for the others. */
export const rankOf = (choice: Trainable): number | undefined => (choice.startsWith("lora:") ? Number(choice.slice("lora:".length)) : undefined);

/** Throws `E_NOT_TRAINABLE` for a model that was imported without anything that could be taught, as one that answers classes in the place of logits. */
export function requireTrainable(network: Network): void {
  if (isTrainableNetwork(network)) return;
  throw new NightshiftError("E_NOT_TRAINABLE", {
    expected: "a network that answers what can be taught",
    received: "an imported model none of whose parameters has a gradient",
    remedy: "It streams and is evaluated as it is. To adapt a segmentation model, export it with its logits, in float; a detection model that an earlier version imported, import again.",
  });
}

export const isTrainableNetwork = (network: Network): boolean => !isImported(network) || parameterSpecs(network).some(({ statistic }) => !statistic);

export type Trains = (spec: ParameterSpec) => boolean;

/** Everything but the stem and the two finest stages: most of the backward pass's time is there, little of the gain. */
export const trainsDefault: Trains = ({ name }) => !/^encoder\.(stem|stage[01])\b/.test(name);

/** Throws `E_CONFIG` where a choice means nothing of this network, of which anything could be taught. */
export function checkTrains(choice: Trainable, network: Network): void {
  if (choice !== "prompts") trainsOf(choice, network);
  else if (isImported(network))
    throw new NightshiftError("E_CONFIG", {
      expected: "parameters of an imported model to train",
      received: "prompts, of which it has none, as it answers its own classes and not words",
      remedy: "Choose default, norm, last:n, lora:r, all, or a pattern that matches.",
    });
}

/** Which parameters a choice means. Throws `E_CONFIG` where it means none, or the network has no such parts; for prompts, which are none of them. */
export function trainsOf(choice: Trainable, network: Network): Trains {
  if (choice === "prompts")
    throw new NightshiftError("E_CONFIG", {
      expected: "parameters of the network to train",
      received: "prompts, which are none of them: they learn through the text encoder",
      remedy: "Let prompts learn by `nightshift adapt` or on the vehicle; `adapt --json` prints how long its steps take.",
    });
  const specs = parameterSpecs(network).filter(({ statistic }) => !statistic);
  const chosen = new Set(specs.filter(choose(choice, network, specs)).map(({ name }) => name));
  if (chosen.size === 0)
    throw new NightshiftError("E_CONFIG", {
      expected: "parameters to train",
      received: `${JSON.stringify(choice)}, which is none of the ${specs.length} of this network`,
      remedy: "Choose norm, last:n, all, or a pattern that matches; `nightshift inspect` lists the parameters.",
    });
  return ({ name }) => chosen.has(name);
}

function choose(choice: Trainable, network: Network, specs: readonly ParameterSpec[]): Trains {
  if (choice === "all") return () => true;
  const rank = rankOf(choice);
  if (rank !== undefined) return (spec) => hasFactors(spec, rank);
  if (choice.startsWith("/")) {
    const pattern = patternOf(choice);
    return ({ name }) => pattern.test(name);
  }
  if (choice.startsWith("last:")) {
    const matrices = specs.filter(({ shape }) => shape.length > 1);
    const first = specs.indexOf(matrices[Math.max(0, matrices.length - Number(choice.slice("last:".length)))] ?? specs[0]);
    return (spec) => specs.indexOf(spec) >= first;
  }
  if (isImported(network)) {
    // Nobody knows where the encoder of a model ends that was made elsewhere.
    if (choice === "decoder") return () => false;
    const norms = normParameters(network);
    if (choice === "norm" || norms.size > 0) return ({ name }) => norms.has(name);
    return () => true;
  }
  if (choice === "default") return trainsDefault;
  if (choice === "decoder") return ({ name }) => !isEncoder(name);
  const layers = new Set(specs.flatMap(({ name }) => (name.endsWith(".scale") ? [name.slice(0, -".scale".length)] : [])));
  return ({ name }) => /\.(scale|bias)$/.test(name) && layers.has(name.replace(/\.\w+$/, ""));
}

function patternOf(choice: string): RegExp {
  try {
    return new RegExp(choice.slice(1, -1));
  } catch (cause) {
    throw new NightshiftError("E_CONFIG", { expected: "a regular expression between slashes", received: choice, remedy: "Mend the pattern.", cause });
  }
}
