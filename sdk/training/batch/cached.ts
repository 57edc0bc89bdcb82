import type { Dataset, Sample } from "../dataset.js";

/** Megabytes that may still be kept; shared by the datasets of one loader. */
export interface CacheBudget {
  leftMb: number;
}

/** The dataset with its samples kept in memory once read, while the budget lasts. Later ones are read anew each time. */
export function cached(dataset: Dataset, budget: CacheBudget): Dataset {
  const kept = new Map<number, Sample>();
  return {
    name: dataset.name,
    names: dataset.names,
    boxNames: dataset.boxNames,
    alsoNames: dataset.alsoNames,
    length: dataset.length,
    sample: async (index) => {
      const known = kept.get(index);
      if (known) return known;
      const sample = await dataset.sample(index);
      const sizeMb = (sample.rgb.length + (sample.mask?.length ?? 0) + (sample.depth?.byteLength ?? 0)) / 1e6;
      if (sizeMb <= budget.leftMb && !kept.has(index)) {
        budget.leftMb -= sizeMb;
        kept.set(index, sample);
      }
      return sample;
    },
  };
}
