import { defaultLesserShares } from "../../adaptation/trainer/index.js";
import { defaultDataFolder } from "../../paths.js";
import { type Campaign, isGood, isHarmful, runCampaign, type Trial, verdictOn } from "../../pipeline/campaign/campaign.js";
import type { Bench } from "../benches.js";
import { rounded, wilson } from "./statistics.js";

const defaultHarmful = 400;

/** Harmful and helpful updates that pass the judge as it is now; the campaign's measurements are made once and kept. */
export const bench: Bench = async ({ bundle = "default", count = defaultHarmful, threads = 2, onProgress }) => summarised(await runCampaign({ bundle, count, threads, data: defaultDataFolder(), onProgress }));

/** What the judge says to every trial. */
function summarised({ before, trials, short }: Campaign) {
  const verdict = ({ world, after }: Trial): { accepted: boolean; reasons: readonly string[] } => {
    const worth = before[world];
    if (!after || !worth) return { accepted: false, reasons: ["weights are not finite"] };
    return verdictOn(after, worth);
  };
  const passes = (trial: Trial): boolean => verdict(trial).accepted;
  const [harmful, good] = [trials.filter(isHarmful), trials.filter(isGood)];
  const [harmfulPassed, goodPassed] = [harmful.filter(passes), good.filter(passes)];
  // As the trainer offers them: all of what was learnt, or less of it.
  const trainings = good.filter(({ strength }) => strength === 1);
  const passesAtAShare = ({ world, kind, seed }: Trial): boolean =>
    goodPassed.some((trial) => trial.world === world && trial.kind === kind && trial.seed === seed && (trial.strength === 1 || defaultLesserShares.includes(trial.strength)));
  // Strengths of one direction are no updates of their own: intervals are over directions, of which one passes with any harmful strength.
  const directionOf = ({ world, kind, seed }: Trial): string => JSON.stringify([world, kind, seed]);
  const directions = (of: readonly Trial[]): number => new Set(of.map(directionOf)).size;
  const by = (key: "kind" | "world", of: readonly Trial[], passed: readonly Trial[]) =>
    Object.fromEntries([...new Set(of.map((trial) => trial[key]))].map((each) => [each, { passed: passed.filter((trial) => trial[key] === each).length, of: of.filter((trial) => trial[key] === each).length }]));
  return {
    harmful: harmful.length,
    harmfulAcceptedRate: rounded(harmfulPassed.length / harmful.length, 4),
    harmfulDirections: rate(directions(harmfulPassed), directions(harmful)),
    good: good.length,
    goodAcceptedRate: rounded(goodPassed.length / good.length, 4),
    // Of harmful ones that would be let in now and were asked: those that were not let in when they were measured were not.
    survivedProbation: harmfulPassed.filter(({ endsOnProbation }) => endsOnProbation !== true).length,
    harmfulByKind: by("kind", harmful, harmfulPassed),
    goodByKind: by("kind", good, goodPassed),
    goodByWorld: by("world", good, goodPassed),
    letIn: harmfulPassed.map(({ world, kind, seed, strength, change, endsOnProbation }) => ({ world, kind, seed, strength, change, endsOnProbation })),
    keptOut: good.filter((trial) => !passes(trial)).map((trial) => ({ world: trial.world, kind: trial.kind, seed: trial.seed, strength: trial.strength, change: trial.change, reasons: verdict(trial).reasons })),
    trainings: { acceptedWhole: rate(trainings.filter(passes).length, trainings.length), acceptedAtAShare: rate(trainings.filter(passesAtAShare).length, trainings.length) },
    neither: trials.filter((trial) => !isHarmful(trial) && !isGood(trial)).length,
    short,
  };
}

/** A share with Wilson's interval of 95 %. */
const rate = (passed: number, of: number) => ({ passed, of, share: rounded(passed / of, 4), interval: wilson(passed, of).map((bound) => rounded(bound, 4)) });
