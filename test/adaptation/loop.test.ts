import test from "ava";
import { defaultProbationLimits } from "../../sdk/adaptation/probation.js";
import { readSignerOf } from "../../sdk/bundle/index.js";
import { NightshiftError } from "../../sdk/errors.js";
import { harmful, Setting } from "./setting.js";
import { network } from "./tiny-bundle.js";

test("night falls, the network learns, the judge accepts, the weights change, probation passes", async (t) => {
  const setting = await Setting.open(t, { furtherRounds: 0 });
  await setting.show("day", 20);
  t.is(setting.loop.state, "idle");
  await setting.show("night", 40);
  t.is(setting.loop.state, "probation");
  t.deepEqual(setting.kinds(), ["weather_changed", "weather_changed", "trigger", "trainer_started", "verdict", "generation_swapped"]);
  await setting.show("night", 120);
  t.is(setting.loop.state, "idle");
  t.deepEqual(setting.loop.counters, { triggers: 1, verdicts: { accepted: 1, rejected: 0 }, generations: 1, rolledBack: 0, trainerFailures: 0 });
  t.is(await setting.store.current(), 1);
  t.is(await readSignerOf(setting.store.pathOf(1)), (await setting.store.publicKeys())[0], "what was judged is signed");
  const [job] = setting.trainer.jobs;
  t.is(job?.condition, "night");
  t.true((job?.targets.length ?? 0) >= 8);
  t.is(job?.targets[0]?.length, network.width * network.height * 3);
  const verdict = setting.events.find(({ kind }) => kind === "verdict");
  t.like(verdict?.details, { accepted: true, generation: 1, condition: "night", numbers: { targetScore: { gain: 7.5 } } });
});

test("a training that rests is told, with the reason, and so is that it goes on", async (t) => {
  const setting = await Setting.open(t, { furtherRounds: 0, training: { mostCelsius: 80 } });
  const at = { phase: "learning", step: 1, steps: 2 } as const;
  setting.trainer.progress = [at, { ...at, rest: { because: "temperature", celsius: 85.25 } }, { ...at, rest: { because: "temperature", celsius: 84 } }, at, { ...at, step: 2 }];
  await setting.show("day", 20);
  await setting.show("night", 40);
  const rests = setting.events.filter(({ kind }) => kind === "trainer_rests" || kind === "trainer_goes_on");
  t.deepEqual(rests.map(({ text }) => text), ["Learning rests, as the temperature is 85.3 and is limited to 80 °C.", "Learning goes on."]);
  t.deepEqual(rests.map(({ details }) => details), [{ generation: 1, because: "temperature", celsius: 85.25 }, { generation: 1 }]);
  t.is(setting.events.filter(({ kind, details }) => kind === "trainer_progress" && details.phase === "learning").length, 2);
});

test("what the judge rejects is never swapped in, leaves no files, and is not tried again at once", async (t) => {
  const setting = await Setting.open(t, { furtherRounds: 9, furtherAfterFrames: 5 });
  setting.trainer.outcome = harmful;
  await setting.show("day", 20);
  await setting.show("night", 60);
  t.is(setting.generation, 0);
  t.deepEqual(setting.swaps, []);
  t.deepEqual(await setting.store.list(), []);
  t.deepEqual(setting.loop.counters.verdicts, { accepted: 0, rejected: 1 });
  t.true(setting.kinds().includes("generation_rejected"));
  setting.nowMs += 10 * 60_000;
  await setting.show("night", 20);
  t.is(setting.loop.counters.verdicts.rejected, 2, "after the back-off, again");
});

test("worse answers after a swap bring the previous generation back", async (t) => {
  const setting = await Setting.open(t, { triggerFrames: 25, furtherAfterFrames: 5 });
  await setting.show("day", 20);
  await setting.show("night", 50);
  t.is(setting.generation, 1);
  setting.confidence = 120;
  await setting.show("night", 30);
  t.is(setting.generation, 0);
  t.is(setting.trainer.jobs.length, 1, "what was just taken back is not learnt again at once");
  t.is(setting.loop.state, "idle");
  t.is(setting.loop.counters.rolledBack, 1);
  t.is(await setting.store.current(), undefined);
  const event = setting.events.find(({ kind }) => kind === "rolled_back");
  t.regex(event?.text ?? "", /mean confidence fell from 0.78 to 0\.\d\d/);
});

test("a trainer that fails leaves the stream alone, waits longer each time, and is paused in the end", async (t) => {
  const setting = await Setting.open(t, { mostFailures: 3 });
  setting.trainer.outcome = new NightshiftError("E_TRAINER", { expected: "life", received: "SIGKILL", remedy: "None." });
  await setting.show("day", 20);
  await setting.show("night", 40);
  t.is(setting.trainer.jobs.length, 1, "no second attempt within the back-off");
  for (const [waitMs, attempts] of [[31_000, 2], [31_000, 2], [31_000, 3]] as const) {
    setting.nowMs += waitMs;
    await setting.show("night", 3);
    t.is(setting.trainer.jobs.length, attempts);
  }
  t.deepEqual(setting.kinds().slice(-2), ["trainer_failed", "adaptation_paused"]);
  t.true(setting.loop.isPaused);
  t.deepEqual(await setting.store.list(), [], "half a generation is removed");
  t.is(setting.loop.weather?.condition, "night", "frames are still looked at");
});

test("parked and paused, nothing starts; a parked vehicle's frames are not learnt from", async (t) => {
  const setting = await Setting.open(t);
  setting.loop.vehicle({ parked: true });
  setting.loop.vehicle({ wipers: "on" });
  await setting.show("night", 40);
  t.is(setting.memory.counters.held, 0);
  t.is(setting.loop.counters.triggers, 0);
  t.throws(() => setting.loop.adaptNow(), { code: "E_CONTROL" });
  setting.loop.vehicle({ parked: false, speedMps: 0 });
  await setting.show("night", 5);
  t.is(setting.memory.counters.held, 0, "nor those of one that stands");
  setting.loop.vehicle({ speedMps: 8 });
  setting.loop.pause();
  await setting.show("night", 40);
  t.throws(() => setting.loop.adaptNow(), { code: "E_CONTROL" });
  t.is(setting.trainer.jobs.length, 0);
  setting.loop.resume();
  await setting.show("night", 5);
  t.is(setting.trainer.jobs.length, 1);
});

test("frames of all cameras are remembered, however many take turns", async (t) => {
  const setting = await Setting.open(t, { conditions: [], offerEvery: 3 });
  const cameras = ["front", "left", "right"];
  for (let at = 0; at < 45; at++) setting.see("night", { camera: cameras[at % 3] });
  t.deepEqual([...new Set(setting.memory.frames().map(({ id }) => id.split("/")[0]))].sort(), cameras);
});

test("turned off, nothing is remembered; paused alone, it is", async (t) => {
  const setting = await Setting.open(t, { conditions: [] });
  setting.loop.turnOff();
  await setting.show("night", 20);
  t.is(setting.memory.counters.held, 0);
  setting.loop.resume();
  setting.loop.pause();
  await setting.show("night", 20);
  t.true(setting.memory.counters.held > 0);
});

test("unfit and invalid frames are not learnt from", async (t) => {
  const setting = await Setting.open(t);
  await setting.show("night", 15);
  const { held } = setting.memory.counters;
  await setting.show("black", 10);
  await setting.show("night", 10, { valid: false });
  t.is(setting.memory.counters.held, held);
});

test("adapts when asked, by day too", async (t) => {
  const setting = await Setting.open(t);
  await setting.show("day", 30);
  t.is(setting.trainer.jobs.length, 0);
  setting.loop.adaptNow();
  await setting.show("day", 2);
  t.is(setting.trainer.jobs.length, 1);
  t.is(setting.trainer.jobs[0]?.condition, "clear");
  t.is(setting.events.find(({ kind }) => kind === "trigger")?.details.reason, "it was asked for");
});

test("rolls back when asked, and refuses where there is nothing before", async (t) => {
  const setting = await Setting.open(t);
  await setting.show("day", 20);
  await setting.show("night", 40);
  t.is(setting.generation, 1);
  await setting.loop.rollBack();
  t.is(setting.generation, 0);
  t.is(setting.kinds().at(-1), "rolled_back");
  await t.throwsAsync(setting.loop.rollBack(), { code: "E_ENGINE" });
  t.is(setting.loop.counters.rolledBack, 1);
});

test("a training goes on where there was nothing to take back", async (t) => {
  const setting = await Setting.open(t);
  await setting.show("day", 20);
  let refused: Promise<unknown> | undefined;
  setting.trainer.meanwhile = () => void (refused ??= t.throwsAsync(setting.loop.rollBack(), { code: "E_ENGINE" }));
  await setting.show("night", 40);
  await refused;
  t.is(setting.trainer.jobs.length, 1);
  t.is(setting.generation, 1);
});

test("frames that are erased while it trains are not learnt from, nor held any more", async (t) => {
  const setting = await Setting.open(t);
  await setting.show("day", 20);
  setting.trainer.meanwhile = () => void setting.loop.eraseFrames();
  for (let shown = 0; shown < 40 && setting.trainer.jobs.length === 0; shown++) await setting.show("night", 1);
  t.deepEqual(setting.kinds().slice(-2), ["trigger", "trainer_started"], "no verdict, and no failure either");
  t.is(setting.memory.counters.held, 0);
});

test("a training is stopped by a pause, and that is no failure", async (t) => {
  const setting = await Setting.open(t);
  await setting.show("day", 20);
  setting.trainer.meanwhile = () => setting.loop.pause();
  await setting.show("night", 40);
  t.deepEqual(setting.kinds().slice(-2), ["trainer_started", "adaptation_paused"]);
  t.is(setting.loop.counters.trainerFailures, 0);
  t.deepEqual([setting.generation, await setting.store.list()], [0, []]);
});

test("probation looks at answers of the new weights, and in their own weather alone", async (t) => {
  const setting = await Setting.open(t, { furtherRounds: 0 });
  await setting.show("day", 20);
  await setting.show("night", 40);
  // Well below what it was, and not so far that the day would not be believed.
  setting.confidence = 155;
  await setting.show("night", 40, { generation: 0 });
  t.is(setting.loop.state, "probation");
  await setting.show("day", 60);
  t.deepEqual([setting.loop.state, setting.generation, setting.loop.counters.rolledBack], ["idle", 0, 0]);
});

test("answers in other words are not compared with those of before", async (t) => {
  const inOneWord = { vocabulary: ["road"], mask: new Uint8Array(network.width * network.height) };
  const watched = await Setting.open(t, { furtherRounds: 0 });
  await watched.show("day", 20);
  await watched.show("night", 40);
  t.is(watched.loop.state, "probation");
  await watched.show("night", 40, inOneWord);
  t.is(watched.generation, 1);

  const returning = await Setting.open(t, { furtherRounds: 0, probation: { ...defaultProbationLimits, frames: 25 } });
  await returning.show("day", 20);
  await returning.show("night", 90);
  await returning.show("day", 20);
  await returning.show("day", 20, inOneWord);
  returning.loop.reconfigure({ conditions: [] });
  await returning.show("night", 50, inOneWord);
  t.is(returning.generation, 1);
  t.is(returning.loop.counters.rolledBack, 0);

  const unsure = await Setting.open(t, { conditions: [] });
  unsure.confidence = 250;
  await unsure.show("day", 25);
  await unsure.show("night", 25);
  unsure.confidence = 120;
  await unsure.show("day", 30, inOneWord);
  t.is(unsure.loop.weather?.condition, "clear", "nor is a clear day doubted by them");
});

test("probation waits while paused, and ends once adaptation goes on", async (t) => {
  const setting = await Setting.open(t, { furtherRounds: 0 });
  await setting.show("day", 20);
  await setting.show("night", 40);
  setting.loop.pause();
  setting.confidence = 10;
  await setting.show("night", 120);
  t.is(setting.generation, 1);
  t.is(setting.loop.state, "probation");
  setting.loop.resume();
  await setting.show("night", 120);
  t.is(setting.generation, 0);
  t.is(setting.loop.counters.rolledBack, 1);
});

test("goes on learning while a condition lasts, each time from what serves", async (t) => {
  const setting = await Setting.open(t, { furtherRounds: 2, furtherAfterFrames: 20 });
  await setting.show("day", 20);
  await setting.show("night", 500);
  t.deepEqual(setting.trainer.jobs.map(({ generation }) => generation), [1, 2, 3]);
  t.is(setting.trainer.jobs[1]?.bundleDirectory, setting.swaps[0]);
  t.is(setting.generation, 3);
});

test("the day brings the delivered weights back, and the next night what was learnt in the last one", async (t) => {
  const setting = await Setting.open(t, { furtherRounds: 0 });
  await setting.show("day", 20);
  await setting.show("night", 160);
  t.is(setting.generation, 1);
  await setting.show("day", 40);
  t.is(setting.generation, 0);
  t.is(await setting.store.current(), undefined);
  t.is(setting.loop.state, "idle");
  setting.trainer.outcome = harmful;
  await setting.show("night", 20);
  t.is(setting.generation, 1);
  t.is(await setting.store.current(), 1);
  t.deepEqual(await setting.store.shelf(), { night: 1 });
  t.is(setting.loop.state, "probation", "it is watched as a new one is");
  await setting.show("night", 120);
  t.is(setting.trainer.jobs.length, 2);
  t.is(setting.trainer.jobs[1]?.bundleDirectory, setting.store.pathOf(1), "learning goes on from it");
  t.is(setting.generation, 1);
  const turns = setting.events.filter(({ kind }) => kind === "generation_swapped").map(({ details: { from, generation, condition } }) => [from, generation, condition]);
  t.deepEqual(turns, [[0, 1, "night"], [1, 0, "clear"], [0, 1, "night"]]);
});

test("what is accepted when its night is over waits for the next", async (t) => {
  const setting = await Setting.open(t, { furtherRounds: 0 });
  await setting.show("day", 20);
  setting.trainer.meanwhile = () => {
    for (let at = 0; at < 30; at++) setting.see("day");
  };
  await setting.show("night", 40);
  t.is(setting.loop.weather?.condition, "night", "it was day while it trained, then night again");
  const kinds = setting.kinds();
  t.true(kinds.includes("generation_shelved"));
  t.is(setting.generation, 1);
  t.is(setting.loop.counters.generations, 1);
});

test("what is accepted while everything closes stays on the shelf; what the engine refuses does not", async (t) => {
  for (const [code, shelf, kind] of [["E_CANCELLED", { night: 1 }, "generation_shelved"], ["E_CLOSED", { night: 1 }, "generation_shelved"], ["E_GOLDEN", {}, "trainer_failed"]] as const) {
    const setting = await Setting.open(t, { furtherRounds: 0 });
    await setting.show("day", 20);
    setting.swapFailure = new NightshiftError(code, { expected: "an engine", received: "none", remedy: "Try again." });
    await setting.show("night", 40);
    t.deepEqual(await setting.store.shelf(), shelf, code);
    t.true(setting.kinds().includes(kind), code);
    t.is(setting.generation, 0);
  }
});

test("a generation that is taken back is off the shelf", async (t) => {
  const setting = await Setting.open(t, { furtherRounds: 1, furtherAfterFrames: 5 });
  await setting.show("day", 20);
  await setting.show("night", 300);
  t.deepEqual(await setting.store.shelf(), { night: 2 });
  await setting.loop.rollBack();
  t.deepEqual(await setting.store.shelf(), { night: 1 });
  await setting.show("day", 40);
  await setting.show("night", 20);
  t.is(setting.generation, 1);
});

test("while paused, the weights stay whatever the weather; from then on they follow it", async (t) => {
  const setting = await Setting.open(t, { furtherRounds: 0 });
  await setting.show("day", 20);
  await setting.show("night", 160);
  setting.loop.pause();
  await setting.show("day", 40);
  t.is(setting.generation, 1);
  setting.loop.resume();
  await setting.show("day", 1);
  t.is(setting.generation, 0);
  t.like(setting.events.at(-1), { kind: "generation_swapped", details: { from: 1, generation: 0, condition: "clear" } });
});

test("conditions, rounds and options change under way; the next training takes them", async (t) => {
  const setting = await Setting.open(t, { conditions: ["fog"], furtherAfterFrames: 5 });
  await setting.show("day", 20);
  await setting.show("night", 40);
  t.is(setting.loop.counters.triggers, 0);
  setting.loop.reconfigure({ conditions: ["night"], furtherRounds: 1, training: { steps: 7, duty: 0.25 } });
  await setting.show("night", 200);
  t.is(setting.loop.counters.triggers, 2, "once, and once more while it lasts");
  t.like(setting.trainer.jobs[0]?.options, { steps: 7, duty: 0.25 });
  setting.loop.reconfigure({ furtherRounds: 2 });
  await setting.show("night", 200);
  t.is(setting.loop.counters.triggers, 3);
  t.like(setting.trainer.jobs[2]?.options, { steps: 7 });
});
