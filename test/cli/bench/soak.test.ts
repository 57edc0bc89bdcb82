import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import test from "ava";
import { FrameLog, generations } from "../../../sdk/cli/bench/soak/frame-log.js";
import { plotSoak } from "../../../sdk/cli/bench/soak/plot.js";
import { consistency, dataOf, memoryOf, outsideWindows } from "../../../sdk/cli/bench/soak/report.js";
import { Trainers } from "../../../sdk/cli/bench/soak/trainers.js";

/** Ten frames a second for ten seconds: every tenth is not answered, and generation 1 answers from the fiftieth on. */
function logged(): FrameLog {
  const frames = new FrameLog(200, 5000);
  for (let sequence = 0; sequence < 100; sequence++) {
    frames.delivered(sequence, 5000 + sequence * 100);
    if (sequence % 10 !== 9) frames.answered(sequence, sequence < 50 ? 0 : 1, 20 + sequence / 100);
  }
  return frames;
}

test("frames and losses within the faults' windows do not count as outside of them", (t) => {
  const samples = Array.from({ length: 20 }, (_, at) => ({ atS: at / 2, residentMb: 400, heldMb: 40, lost: at < 7 ? 0 : at < 15 ? 2 : 3 }));
  const windows = [{ fault: "camera silent", fromS: 3, toS: 5 }];
  const { delivered, lost, dropped, latencyMs } = outsideWindows({ windows, samples, frames: logged(), generations: [] });
  // From 3.0 to 5.0 seconds there are 21 frames, two of them missing; of three that were lost, two were within.
  t.deepEqual({ delivered, lost, dropped }, { delivered: 79, lost: 1, dropped: 7 });
  t.true(latencyMs.p50 >= 20 && latencyMs.p99 <= 21);
});

test("what a subscriber heard of another generation is counted, and what it did not hear of outside of the windows", (t) => {
  const heard = generations(200);
  for (let sequence = 0; sequence < 50; sequence++) if (sequence % 10 !== 9) heard[sequence] = 0;
  heard[60] = 0;
  heard[61] = -2;
  // From 50 to 58 it heard of nothing; 52 to 55 were due within a window. It left after 61.
  const windows = [{ fault: "camera silent", fromS: 5.15, toS: 5.55 }];
  t.deepEqual(consistency([{ generations: heard }], { windows, frames: logged() }), { subscribers: 1, compared: 47, differing: 2, unheard: 5, seen: 2 });
});

test("memory that grows has a slope whose interval leaves zero out; memory that only wavers has not", (t) => {
  const wavers = (atS: number): number => 5 * Math.sin(atS / 7) + 3 * Math.sin(atS / 61);
  const of = (residentMb: (atS: number) => number) => memoryOf(Array.from({ length: 7200 }, (_, at) => ({ atS: at / 2, residentMb: residentMb(at / 2), heldMb: 40 + wavers(at / 2), lost: 0 })));
  const grows = of((atS) => 400 + atS / 60 + wavers(atS));
  t.true(Math.abs(grows.slopeMbPerHour - 60) < 5 && grows.interval[0] > 0 && grows.held.interval[0] < 0 && grows.held.interval[1] > 0, JSON.stringify(grows));
  const stays = of((atS) => 400 + wavers(atS));
  t.true(stays.interval[0] < 0 && stays.interval[1] > 0, JSON.stringify(stays));
});

test("what is drawn has all panels, and a window with its name for each fault", (t) => {
  const samples = Array.from({ length: 20 }, (_, at) => ({ atS: at / 2, residentMb: 400 + at, heldMb: 40, lost: 0 }));
  const svg = plotSoak(dataOf({ windows: [{ fault: "camera silent", fromS: 3, toS: 5 }], samples, frames: logged(), generations: [{ atS: 0, generation: 0 }, { atS: 5, generation: 1 }] }));
  t.true(svg.includes("<title>camera silent</title>"));
  t.is(svg.match(/<polyline/g)?.length, 5);
  t.false(/NaN|undefined|Infinity/.test(svg));
});

test("signals reach trainers alone, and only while they run", async (t) => {
  const trainers = new Trainers();
  const start = (program: string) => fork(fileURLToPath(new URL(`../../../sdk/${program}.js`, import.meta.url)), ["tcp://127.0.0.1:9"]);
  const [trainer, other] = [start("adaptation/trainer/main"), start("cli/bench/soak/witness-process")];
  t.teardown(() => other.kill("SIGKILL"));
  const ended = once(trainer, "exit");
  trainers.signal("SIGKILL");
  t.deepEqual(await ended, [null, "SIGKILL"]);
  trainers.signal("SIGKILL");
  t.false(other.killed);
  trainers.close();
});
