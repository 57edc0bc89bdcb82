/**
 * A vehicle whose judge accepts everything, so that its generations change every second or so: day and night take turns, and it learns, with the trainer in its own process. It
 * tells what it promises, when it is promised, and runs until it is killed. Arguments: the state's folder, the bundle's.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { AdaptationLoop } from "../../sdk/adaptation/loop.js";
import { WeatherMonitor } from "../../sdk/adaptation/monitor/index.js";
import { TrainerProcess } from "../../sdk/adaptation/trainer/index.js";
import { readBundle } from "../../sdk/bundle/index.js";
import { SwappableEngine } from "../../sdk/engine/hot-swap.js";
import { ThreadEngine } from "../../sdk/engine/thread-engine.js";
import { nowNs } from "../../sdk/frame.js";
import { ServedModel } from "../../sdk/pipeline/served-model.js";
import { State } from "../../sdk/pipeline/state.js";
import { judge } from "../../sdk/adaptation/judge/index.js";
import { picture } from "../adaptation/pictures.js";

/** What the program tells. */
export type Told =
  | { readonly kind: "serving"; readonly generation: number; readonly startMs: number; readonly damage: readonly string[] }
  | { readonly kind: "trainer"; readonly pid: number }
  | { readonly kind: "answered"; readonly generation: number }
  | { readonly kind: "remembered"; readonly held: number }
  | { readonly kind: "event"; readonly event: string; readonly generation?: number; readonly text: string };

const tell = (told: Told): void => void process.send?.(told);

const startMs = performance.now();
const [directory = "", bundleDirectory = ""] = process.argv.slice(2);
const delivered = await readBundle(bundleDirectory);
const state = await State.open({ source: "folder", state: directory }, delivered, "front");
const damage: string[] = [];
const note = (error: unknown): void => void damage.push(String(error));
const engine = new SwappableEngine(() => new ThreadEngine({ threads: 1 }));
const model = await ServedModel.load(engine, await state.current(delivered, note));
const memory = await state.memory(delivered, note);
tell({ kind: "serving", generation: model.generation, startMs: performance.now() - startMs, damage });

const trainer = new TrainerProcess();
const loop = new AdaptationLoop(
  {
    bundle: model.bundle,
    delivered,
    engine: model,
    trainer,
    memory,
    monitor: new WeatherMonitor(),
    judge: (measurements) => ({ ...judge(measurements), accepted: true, reasons: [] }),
    generations: state.generations,
    options: { triggerFrames: 1, offerEvery: 1, framesWanted: 6, framesNeeded: 4, furtherRounds: 1000, furtherAfterFrames: 1, failureBackoffMs: 1, mostFailures: 1000, training: { learner: "in-memory", steps: 2, judgeFrames: 4, niceness: 0 } },
  },
  ({ kind, text, details }) => {
    if (kind === "trainer_progress" && trainer.pid !== undefined) tell({ kind: "trainer", pid: trainer.pid });
    if (kind !== "trainer_progress") tell({ kind: "event", event: kind, text, ...(typeof details.generation === "number" && { generation: details.generation }) });
  },
);

for (let sequence = 0; ; sequence++) {
  // Of now: frames of long ago would be forgotten.
  const frame = { ...picture(sequence % 240 < 60 ? "day" : "night", sequence, 160, 96), captureTimeNs: nowNs() };
  const perception = await engine.infer(frame);
  loop.observe(frame, perception);
  tell({ kind: "answered", generation: perception.generation });
  if (sequence % 5 === 4) {
    await state.keep(memory);
    tell({ kind: "remembered", held: memory.counters.held });
  }
  await sleep(5);
}
