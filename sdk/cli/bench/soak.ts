import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { findBundle } from "../../bundle/index.js";
import { Nightshift } from "../../nightshift.js";
import type { Bench } from "../benches.js";
import { SoakCamera, soakFps } from "./soak/camera.js";
import { type Fault, faults } from "./soak/faults.js";
import { FrameLog } from "./soak/frame-log.js";
import { plotSoak, type SoakData } from "./soak/plot.js";
import { consistency, dataOf, memoryOf, type Observed, outsideWindows, type Sample } from "./soak/report.js";
import { Trainers } from "./soak/trainers.js";
import { Witness } from "./soak/witness.js";

const defaultMinutes = 60;
/** Each minute has a fault of this length, from its half on. */
const faultAtS = 30;
const faultForS = 5;
/** After it, until what it left under way is done with. */
const aftermathS = 3;
const sampleEveryMs = 500;

/** Trains as ever, but again and again. */
const learning = { furtherRounds: 1000, furtherAfterFrames: 75, rejectionBackoffMs: 5000, failureBackoffMs: 5000, mostFailures: 1000 } as const;

/**
 * A live camera at full rate, the trainer cycling, two subscribers in other processes, and a fault every minute: what is lost outside of the faults' own windows, whether memory
 * grows, and whether everyone hears of the same generations. With `out`, data and a plot are kept there.
 */
export const bench: Bench = async ({ bundle = "default", threads = 2, minutes = defaultMinutes, out, onProgress }) => {
  const state = await mkdtemp(join(tmpdir(), "nightshift-soak-"));
  const startMs = performance.now();
  // A minute more than it should take.
  const frames = new FrameLog((minutes + 1) * 60 * soakFps, startMs);
  const camera = new SoakCamera(frames);
  const nowS = (): number => (performance.now() - startMs) / 1000;
  const windows: { fault: string; fromS: number; toS: number }[] = [];
  const samples: Sample[] = [];
  let answered = 0;
  const trainers = new Trainers();
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
    const witness = await Witness.open(nightshift.addresses.publisher[0] ?? "", frames.generation.length);
    all.push(witness);
    return witness;
  };
  try {
    const reading = (async () => {
      for await (const { sequence, generation, timings } of nightshift.answers()) {
        frames.answered(sequence, generation, timings.totalMs);
        answered++;
      }
    })();
    const witnesses = [await subscribe(), await subscribe()];
    const clock = setInterval(() => {
      const [seen] = nightshift.status.cameras;
      const { rss, heapUsed, external } = process.memoryUsage();
      samples.push({ atS: nowS(), residentMb: rss / 2 ** 20, heldMb: (heapUsed + external) / 2 ** 20, lost: seen?.lost ?? 0 });
      const { adaptation, generation, condition } = nightshift.status;
      onProgress(`${(nowS() / 60).toFixed(1)} of ${minutes} minutes, ${answered} answered, ${seen?.lost} lost, ${condition}, generation ${generation}, ${adaptation}`);
    }, sampleEveryMs);
    const endS = nowS() + minutes * 60;
    for (let minute = 0; nowS() + faultAtS + faultForS < endS; minute++) {
      await sleep(faultAtS * 1000);
      const fault = faults[minute % faults.length];
      const fromS = nowS();
      await during(fault, camera, { witnesses, subscribe, trainers });
      windows.push({ fault: fault.name, fromS, toS: nowS() + aftermathS });
      await sleep(Math.max(0, Math.min(endS - nowS(), fromS + 60 - faultAtS - nowS()) * 1000));
    }
    await sleep(Math.max(0, endS - nowS()) * 1000);
    clearInterval(clock);
    camera.stop();
    await nightshift.ended;
    await reading;
    for (const witness of witnesses) await witness.close();
    const observed: Observed = { windows, samples, frames, generations: changes };
    const outside = outsideWindows(observed);
    const [seen] = nightshift.status.cameras;
    const { triggers, verdicts, rolledBack, trainerFailures } = nightshift.learned;
    const report = {
      minutes,
      delivered: frames.deliveredCount,
      answered: seen?.answered ?? 0,
      outside,
      within: { lost: (seen?.lost ?? 0) - outside.lost, refused: frames.deliveredCount - (seen?.framesIn ?? 0) },
      faults: Object.fromEntries([...new Set(windows.map(({ fault }) => fault))].map((name) => [name, windows.filter(({ fault }) => fault === name).length])),
      learnt: { triggers, ...verdicts, rolledBack, trainerFailures, swaps: changes.length - 1 },
      generations: consistency(all, observed),
      memory: memoryOf(samples),
      bundle,
      threads,
    };
    if (out === undefined) return report;
    await keep(out, `${allocator()}npx nightshift bench soak --minutes ${minutes} --threads ${threads} --bundle ${bundle}`, report, dataOf(observed));
    return { ...report, out };
  } finally {
    for (const witness of all) witness.kill();
    trainers.close();
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

/** What glibc was told, as it stands before a command: how much it keeps depends on that. */
const allocator = (): string => Object.entries(process.env).map(([name, value]) => (/^(MALLOC_|GLIBC_TUNABLES$)/.test(name) ? `${name}=${value} ` : "")).join("");

async function keep(folder: string, command: string, report: object, data: SoakData): Promise<void> {
  await mkdir(folder, { recursive: true });
  const [{ model = "" } = {}] = cpus();
  await writeFile(join(folder, "soak.json"), `${JSON.stringify({ command, machine: `${cpus().length} x ${model}`, report, ...data })}\n`);
  await writeFile(join(folder, "soak.svg"), plotSoak(data));
}
