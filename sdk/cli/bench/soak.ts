import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { findBundle } from "../../bundle/index.js";
import { Nightshift } from "../../nightshift.js";
import type { Bench } from "../benches.js";
import { SoakCamera } from "./soak/camera.js";
import { type Fault, faults } from "./soak/faults.js";
import { plotSoak, type SoakData } from "./soak/plot.js";
import { Witness } from "./soak/witness.js";
import { median, quantile, rounded } from "./statistics.js";

const defaultMinutes = 60;
/** Each minute has a fault of this length, from its half on. */
const faultAtS = 30;
const faultForS = 5;
/** After it, until what it left under way is done with. */
const aftermathS = 3;
const sampleEveryMs = 500;
/** Of the samples, for memory to settle before its slope counts. */
const settlingShare = 0.2;

/** Trains as ever, but again and again. */
const learning = { furtherRounds: 1000, furtherAfterFrames: 75, rejectionBackoffMs: 5000, failureBackoffMs: 5000, mostFailures: 1000 } as const;

interface Answered {
  readonly sequence: number;
  readonly generation: number;
  readonly totalMs: number;
}

/**
 * A live camera at full rate, the trainer cycling, two subscribers in other processes, and a fault every minute: what is lost outside of the faults' own windows, whether memory
 * grows, and whether everyone hears of the same generations. With `out`, data and a plot are kept there.
 */
export const bench: Bench = async ({ bundle = "default", threads = 2, minutes = defaultMinutes, out, onProgress }) => {
  const state = await mkdtemp(join(tmpdir(), "nightshift-soak-"));
  const camera = new SoakCamera();
  const startMs = performance.now();
  const nowS = (): number => (performance.now() - startMs) / 1000;
  const windows: { fault: string; fromS: number; toS: number }[] = [];
  const samples: { atS: number; residentMb: number; lost: number }[] = [];
  const answers: Answered[] = [];
  const changes: { atS: number; generation: number }[] = [{ atS: 0, generation: 0 }];
  const nightshift = await Nightshift.start({
    source: camera,
    bundle: findBundle(bundle),
    threads,
    state,
    adaptation: learning,
    publish: ["tcp://127.0.0.1:*"],
    control: false,
    onEvent: ({ kind, details }) => {
      if (kind === "generation_swapped" || kind === "rolled_back") changes.push({ atS: nowS(), generation: Number(details.generation) });
    },
    // Faults are told; what they come to is counted below.
    onError: () => undefined,
  });
  const all: Witness[] = [];
  const subscribe = async (): Promise<Witness> => {
    const witness = await Witness.open(nightshift.addresses.publisher[0] ?? "");
    all.push(witness);
    return witness;
  };
  try {
    const reading = (async () => {
      for await (const { sequence, generation, timings } of nightshift.answers()) answers.push({ sequence, generation, totalMs: timings.totalMs });
    })();
    const witnesses = [await subscribe(), await subscribe()];
    const clock = setInterval(() => {
      const [seen] = nightshift.status.cameras;
      samples.push({ atS: nowS(), residentMb: process.memoryUsage.rss() / 2 ** 20, lost: seen?.lost ?? 0 });
      const { adaptation, generation, condition } = nightshift.status;
      onProgress(`${(nowS() / 60).toFixed(1)} of ${minutes} minutes, ${answers.length} answered, ${seen?.lost} lost, ${condition}, generation ${generation}, ${adaptation}`);
    }, sampleEveryMs);
    const endS = nowS() + minutes * 60;
    for (let minute = 0; nowS() + faultAtS + faultForS < endS; minute++) {
      await sleep(faultAtS * 1000);
      const fault = faults[minute % faults.length];
      const fromS = nowS();
      await during(fault, camera, { witnesses, subscribe });
      windows.push({ fault: fault.name, fromS, toS: nowS() + aftermathS });
      await sleep(Math.max(0, Math.min(endS - nowS(), fromS + 60 - faultAtS - nowS()) * 1000));
    }
    await sleep(Math.max(0, endS - nowS()) * 1000);
    clearInterval(clock);
    camera.stop();
    await nightshift.ended;
    await reading;
    for (const witness of witnesses) await witness.close();
    const isOutside = (atS: number): boolean => !windows.some(({ fromS, toS }) => atS >= fromS && atS <= toS);
    const dueS = (sequence: number): number => ((camera.deliveredMs.get(sequence) ?? 0) - startMs) / 1000;
    const answered = new Map(answers.map((each) => [each.sequence, each]));
    const outside = [...camera.deliveredMs.keys()].filter((sequence) => isOutside(dueS(sequence)));
    const missing = outside.filter((sequence) => !answered.has(sequence)).length;
    const lost = samples.reduce((sum, sample, at) => sum + (isOutside(sample.atS) ? sample.lost - (samples[at - 1]?.lost ?? 0) : 0), 0);
    const latenciesMs = outside.flatMap((sequence) => answered.get(sequence)?.totalMs ?? []);
    const [seen] = nightshift.status.cameras;
    const data: SoakData = { windows, memory: samples.map(({ atS, residentMb }) => ({ atS: rounded(atS, 1), residentMb: rounded(residentMb, 1) })), latency: latencyOver(answers, dueS), generations: changes };
    if (out !== undefined) await keep(out, data);
    const { triggers, verdicts, rolledBack, trainerFailures } = nightshift.learned;
    return {
      minutes,
      delivered: camera.deliveredMs.size,
      answered: seen?.answered ?? 0,
      outside: { delivered: outside.length, lost, dropped: missing - lost, latencyMs: { p50: rounded(quantile(latenciesMs, 0.5), 1), p99: rounded(quantile(latenciesMs, 0.99), 1) } },
      within: { lost: (seen?.lost ?? 0) - lost, refused: camera.deliveredMs.size - (seen?.framesIn ?? 0) },
      faults: Object.fromEntries([...new Set(windows.map(({ fault }) => fault))].map((name) => [name, windows.filter(({ fault }) => fault === name).length])),
      learnt: { triggers, ...verdicts, rolledBack, trainerFailures, swaps: changes.length - 1 },
      generations: consistency(all, answered),
      memory: memoryOf(samples),
      bundle,
      threads,
      ...(out !== undefined && { out }),
    };
  } finally {
    for (const witness of all) witness.kill();
    await nightshift.stop();
    await rm(state, { recursive: true, force: true });
  }
};

async function during(fault: Fault, camera: SoakCamera, surroundings: Parameters<Extract<Fault, { begin: unknown }>["begin"]>[0]): Promise<void> {
  if ("camera" in fault) {
    camera.fault = fault.camera();
    await sleep(faultForS * 1000);
    camera.fault = undefined;
    return;
  }
  const end = await fault.begin(surroundings);
  await sleep(faultForS * 1000);
  end();
}

/** Whether every subscriber heard the generation of each frame that it was answered with; frames that it did not hear of are counted too. */
function consistency(witnesses: readonly Witness[], answered: ReadonlyMap<number, Answered>) {
  let [compared, differing] = [0, 0];
  for (const { generations } of witnesses)
    for (const [sequence, generation] of generations) {
      compared++;
      if (answered.get(sequence)?.generation !== generation) differing++;
    }
  return { subscribers: witnesses.length, compared, differing, seen: [...new Set([...answered.values()].map(({ generation }) => generation))].length };
}

/** The least-squares slope of resident memory over time, with its 95 % interval, of medians of half minutes, which are nearly independent. */
function memoryOf(samples: readonly { readonly atS: number; readonly residentMb: number }[]) {
  const settled = samples.slice(Math.floor(samples.length * settlingShare));
  const blocks = inBlocks(settled, ({ atS }) => Math.floor(atS / 30));
  const points = [...blocks.values()].map((block) => [median(block.map(({ atS }) => atS)) / 3600, median(block.map(({ residentMb }) => residentMb))] as const);
  const mean = (of: 0 | 1): number => points.reduce((sum, point) => sum + point[of], 0) / points.length;
  const [middle, level] = [mean(0), mean(1)];
  const spread = points.reduce((sum, [x]) => sum + (x - middle) ** 2, 0);
  const slope = points.reduce((sum, [x, y]) => sum + (x - middle) * (y - level), 0) / spread;
  const residual = points.reduce((sum, [x, y]) => sum + (y - level - slope * (x - middle)) ** 2, 0);
  const error = 1.96 * Math.sqrt(residual / Math.max(1, points.length - 2) / spread);
  const [first, last] = [samples[0], samples.at(-1)].map((sample) => rounded(sample?.residentMb ?? 0, 0));
  return { slopeMbPerHour: rounded(slope, 1), interval: [rounded(slope - error, 1), rounded(slope + error, 1)], firstMb: first, lastMb: last, peakMb: rounded(process.resourceUsage().maxRSS / 1024, 0) };
}

function latencyOver(answers: readonly Answered[], dueS: (sequence: number) => number): SoakData["latency"] {
  const blocks = inBlocks(answers, ({ sequence }) => Math.floor(dueS(sequence) / 5) * 5);
  return [...blocks].map(([atS, block]) => {
    const ms = block.map(({ totalMs }) => totalMs);
    return { atS, p50Ms: rounded(quantile(ms, 0.5), 1), p99Ms: rounded(quantile(ms, 0.99), 1) };
  });
}

function inBlocks<T>(items: readonly T[], of: (item: T) => number): Map<number, T[]> {
  const blocks = new Map<number, T[]>();
  for (const item of items) {
    const block = blocks.get(of(item));
    if (block) block.push(item);
    else blocks.set(of(item), [item]);
  }
  return blocks;
}

async function keep(folder: string, data: SoakData): Promise<void> {
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, "soak.json"), `${JSON.stringify(data)}\n`);
  await writeFile(join(folder, "soak.svg"), plotSoak(data));
}
