import { Budget } from "../../adaptation/trainer/budget.js";
import { learn } from "../../adaptation/trainer/train.js";
import { learners } from "../../adaptation/trainer/learners.js";
import { type LabelledSet, type TrainingOptions, trainingOptionsFor } from "../../adaptation/trainer/index.js";
import type { LearningRates } from "../../adaptation/learner.js";
import type { FloatTensor, Weights } from "../../graph/tensor.js";
import { fromFloat16, toFloat16 } from "../../graph/float16.js";
import { Random } from "../../random.js";
import { ignoreLabel } from "../../training/dataset.js";
import type { World } from "./world.js";

/** Weights by how far an update goes: 0 leaves them as they are. */
export type Update = (strength: number) => Weights;

export interface Kind {
  /** Strengths to try, ascending. */
  readonly strengths: readonly number[];
  readonly make: (world: World, seed: number) => Promise<Update>;
}

/** From `first` on, each so many times the one before. */
const ladder = (first: number, factor: number, count: number): number[] => Array.from({ length: count }, (_, at) => first * factor ** at);

/** Shares of the way from the weights that serve to those that were learnt, and a little beyond. */
const ways = ladder(0.2, 1.6, 6);

/** What can go wrong with weights, in learning or after it. */
export const harmful: Readonly<Record<string, Kind>> = {
  "wrong labels": { strengths: ways, make: (world, seed) => learnt(world, seed, { teaching: relabelled(world, permuted(world, seed)), rates: { ...hasty, supervised: 1, selfTraining: 0, lmc: 0, align: 0 } }) },
  "class collapsed": { strengths: ways, make: (world, seed) => learnt(world, seed, { teaching: relabelled(world, merged(world, seed)), rates: hasty }) },
  "one frame": { strengths: ways, make: (world, seed) => learnt(world, seed, { targets: oneOf(world.targets, seed), rates: { ...unsupervised, ...hasty } }) },
  "rate too high": { strengths: ways, make: (world, seed) => learnt(world, seed, { rates: { ...hasty, encoder: 2e-3, decoder: 4e-3 } }) },
  "wrong condition": { strengths: ways, make: (world, seed) => learnt(world, seed, { targets: world.elsewhere, options: { statisticsMix: 1, steps: 10 }, rates: hasty }) },
  "blind frames": { strengths: ways, make: (world, seed) => learnt(world, seed, { targets: blind(world, seed), options: { statisticsMix: 0.5, steps: 10 }, rates: unsupervised }) },
  "own opinions": { strengths: ways, make: (world, seed) => learnt(world, seed, { rates: { ...unsupervised, ...hasty, alpha: 0 } }) },
  noise: { strengths: ladder(0.03, 1.45, 9), make: shifted((tensor, random) => scattered(tensor, deviation(tensor), random)) },
  "bias drift": { strengths: ladder(0.05, 1.6, 9), make: shifted((tensor, random, name) => (name.endsWith(".bias") ? scattered(tensor, size(tensor), random) : undefined)) },
  "box heads drift": { strengths: ladder(0.2, 1.4, 6), make: boxesDrifted },
  "layer scaled": { strengths: ladder(0.1, 1.6, 9), make: oneLayer((tensor, random) => tensor.data.map((value) => value * (random.chance(0.5) ? 1 : -1))) },
  "channels swapped": { strengths: ladder(0.01, 1.8, 8), make: byChannel((data, from, other, length) => data.copyWithin(from, other, other + length)) },
  "channels dead": { strengths: ladder(0.01, 1.8, 8), make: byChannel((data, from, _, length) => data.fill(0, from, from + length)) },
  "bits flipped": { strengths: ladder(1e-6, 2.5, 9), make: flipped },
  "not finite": { strengths: [1, 10, 100], make: notFinite },
};

/** As on the vehicle, in several ways that differ as vehicles' settings might. */
const onVehicle: readonly Kind["make"][] = [
  (world, seed) => learnt(world, seed, { options: trainingOptionsFor(world.condition) }),
  (world, seed) => learnt(world, seed, { options: { ...trainingOptionsFor(world.condition), steps: 40, statisticsMix: 0.35 } }),
  (world, seed) => learnt(world, seed, { options: { ...trainingOptionsFor(world.condition), steps: 60, statisticsMix: 0.5, restyledShare: 0.7 }, rates: { encoder: 6e-5, decoder: 1.2e-4 } }),
  (world, seed) => learnt(world, seed, { options: { ...trainingOptionsFor(world.condition), statisticsMix: 0.5, rampSteps: 1 }, rates: { supervised: 0.2, lmc: 1, lmcBoxes: 0, selfTraining: 0.5, align: 0 } }),
];

/** Shares of what was learnt: some of it helps a little. */
const shares: readonly number[] = [0.3, 0.45, 0.6, 0.8, 1];

/** What should help. A bundle that knows its conditions gains little without labels, so there are updates that had them too: the judge is to let in what helps, wherever it comes from. */
export const helpful: Readonly<Record<string, Kind>> = {
  "as on the vehicle": { strengths: shares, make: (world, seed) => onVehicle[(seed - 1) % onVehicle.length](world, seed) },
  "taught by labels": {
    strengths: shares,
    make: (world, seed) =>
      learnt(world, seed, {
        teaching: [world.labelled, ...world.teaching],
        options: { ...trainingOptionsFor(world.condition), trains: "all", steps: 120, sourceBatch: 4 },
        rates: { encoder: 1e-4, decoder: 2e-4, lmc: 0, selfTraining: 0, align: 0 },
      }),
  },
};

/** Ten times the rates of the vehicle, and a teacher that follows at once. */
const hasty: Partial<LearningRates> = { encoder: 2e-4, decoder: 4e-4, alpha: 0.5 };

const unsupervised: Partial<LearningRates> = { supervised: 0, selfTraining: 1, lmc: 0, align: 0 };

interface Lesson {
  readonly targets?: readonly Uint8Array[];
  readonly teaching?: readonly LabelledSet[];
  readonly options?: Partial<TrainingOptions>;
  readonly rates?: Partial<LearningRates>;
}

/** A few steps of the learner of the vehicle, taught so; a way from the weights that serve towards what came of them. */
async function learnt(world: World, seed: number, { targets = world.targets, teaching = world.teaching, options = { statisticsMix: 0, steps: 15 }, rates }: Lesson): Promise<Update> {
  const defaults = trainingOptionsFor(world.condition);
  const all = { ...defaults, rampSteps: 1, ...options, rates: { ...defaults.rates, ...options.rates, ...rates }, seed, threads: world.threads };
  const { bundle, text } = world;
  const lesson = { job: { options: all, vocabulary: bundle.manifest.vocabulary, generation: 1 }, bundle, text, teaching, targets };
  const { weights } = await learn(lesson, await learners.lmc(), new Budget(1), () => undefined);
  return along(bundle.weights, (name, { data }) => weights.get(name)!.data.map((value, at) => value - data[at]));
}

/** An update that helps masks while the heads of boxes drift: only the scores of boxes can tell. */
async function boxesDrifted(world: World, seed: number): Promise<Update> {
  const learned = await learnt(world, seed, { options: { ...trainingOptionsFor(world.condition), statisticsMix: 0.5, steps: 15 } });
  const random = new Random(seed, "boxes");
  return along(learned(1), (name, tensor) => (name.startsWith("decoder.region.") ? scattered(tensor, size(tensor), random) : undefined));
}

/** The start plus so many times a direction. Variances stay positive: below zero there is nothing but NaN. */
function along(start: Weights, direction: (name: string, tensor: FloatTensor) => Float32Array | undefined): Update {
  const directions = new Map([...start].map(([name, tensor]) => [name, direction(name, tensor)]));
  return (strength) =>
    mapped(start, (tensor, name) => {
      const way = directions.get(name);
      const moved = way ? tensor.data.map((value, at) => value + strength * way[at]) : tensor.data;
      return name.endsWith(".variance") ? moved.map((value, at) => Math.max(value, 1e-3 * tensor.data[at])) : moved;
    });
}

function shifted(direction: (tensor: FloatTensor, random: Random, name: string) => Float32Array | undefined): Kind["make"] {
  return (world, seed) => {
    const random = new Random(seed, "shifted");
    return Promise.resolve(along(world.bundle.weights, (name, tensor) => direction(tensor, random, name)));
  };
}

function oneLayer(direction: (tensor: FloatTensor, random: Random) => Float32Array): Kind["make"] {
  return ({ bundle: { weights } }, seed) => {
    const random = new Random(seed, "layer");
    const matrices = [...weights.keys()].filter((name) => weights.get(name)!.shape.length >= 2);
    const chosen = new Set(Array.from({ length: 3 }, () => matrices[random.below(matrices.length)]));
    return Promise.resolve(along(weights, (name, tensor) => (chosen.has(name) ? direction(tensor, random) : undefined)));
  };
}

/** Does something to a share of all output channels; what is done at a lesser share is done at a greater one too. */
function byChannel(edit: (data: Float32Array, from: number, other: number, length: number) => void): Kind["make"] {
  return ({ bundle: { weights } }, seed) =>
    Promise.resolve((share) => {
      const random = new Random(seed, "channels");
      return mapped(weights, ({ shape, data }) => {
        if (shape.length < 2) return data;
        const [channels, length] = [shape[0], data.length / shape[0]];
        const changed = data.slice();
        for (let channel = 0; channel < channels; channel++) {
          const other = random.below(channels);
          if (random.chance(share)) edit(changed, channel * length, other * length, length);
        }
        return changed;
      });
    });
}

/** Bits of weights as they are stored. */
function flipped({ bundle: { weights } }: World, seed: number): Promise<Update> {
  return Promise.resolve((probability) => {
    const random = new Random(seed, "bits");
    return mapped(weights, ({ shape, data }) => {
      if (shape.length < 2) return data;
      const bits = toFloat16(data);
      for (let flips = Math.ceil(probability * 16 * bits.length * -Math.log(1 - random.uniform())); flips > 0; flips--) bits[random.below(bits.length)] ^= 1 << random.below(16);
      return fromFloat16(bits);
    });
  });
}

function notFinite({ bundle: { weights } }: World, seed: number): Promise<Update> {
  return Promise.resolve((count) => {
    const random = new Random(seed, "not finite");
    const names = [...weights.keys()];
    const changed = new Map([...weights].map(([name, tensor]) => [name, { ...tensor, data: tensor.data.slice() }]));
    for (let at = 0; at < count; at++) {
      const { data } = changed.get(names[random.below(names.length)])!;
      data[random.below(data.length)] = random.chance(0.5) ? NaN : Infinity;
    }
    return changed;
  });
}

/** Of each set, which label becomes which. */
type Relabelling = (set: LabelledSet) => readonly number[];

const permuted =
  (_: World, seed: number): Relabelling =>
  ({ names }) =>
    [...new Random(seed, "permuted").permutation(names.length)];

/** One of the classes that cover most takes on the name of another. */
const merged =
  (_: World, seed: number): Relabelling =>
  ({ names, samples }) => {
    const counts = new Float64Array(256);
    for (const { mask } of samples) for (let at = 0; at < (mask?.length ?? 0); at += 7) counts[mask![at]]++;
    const order = names.map((_name, index) => index).sort((a, b) => counts[b] - counts[a]);
    const lost = order[seed % Math.min(6, order.length)];
    const gains = order[(seed + 1) % Math.min(6, order.length)];
    return names.map((_name, index) => (index === lost ? gains : index));
  };

function relabelled({ teaching }: World, relabelling: Relabelling): LabelledSet[] {
  return teaching.map((set) => {
    const to = relabelling(set);
    return { ...set, samples: set.samples.map(({ boxes: _, ...sample }) => ({ ...sample, ...(sample.mask && { mask: sample.mask.map((label) => (label === ignoreLabel ? label : to[label])) }) })) };
  });
}

const oneOf = <T>(items: readonly T[], seed: number): T[] => {
  const item = items[new Random(seed, "one").below(items.length)];
  return [item, item];
};

/** A covered lens, a blinded sensor, noise alone, or a hand before half of the picture. */
function blind({ targets, bundle: { network } }: World, seed: number): Uint8Array[] {
  const random = new Random(seed, "blind");
  const sorts: readonly ((rgb: Uint8Array) => Uint8Array)[] = [
    (rgb) => rgb.map(() => random.below(6)),
    (rgb) => rgb.map(() => 249 + random.below(7)),
    (rgb) => rgb.map(() => random.below(256)),
    (rgb) => rgb.map((value, at) => (Math.floor(at / 3) % network.width < network.width / 2 ? 12 : value)),
  ];
  const sort = sorts[seed % sorts.length];
  return targets.slice(0, 8).map(sort);
}

const scattered = ({ data }: FloatTensor, by: number, random: Random): Float32Array => data.map(() => by * random.normal());

const mapped = (weights: Weights, change: (tensor: FloatTensor, name: string) => Float32Array): Weights => new Map([...weights].map(([name, tensor]) => [name, { ...tensor, data: change(tensor, name) }]));

/** Root of the mean square; of vectors of zeros a tenth, so that they drift too. */
const size = ({ data }: FloatTensor): number => Math.sqrt(data.reduce((sum, value) => sum + value * value, 0) / data.length) || 0.1;

const deviation = (tensor: FloatTensor): number => {
  const { data } = tensor;
  const mean = data.reduce((sum, value) => sum + value, 0) / data.length;
  return Math.sqrt(data.reduce((sum, value) => sum + (value - mean) ** 2, 0) / data.length);
};
