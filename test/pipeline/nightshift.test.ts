import { existsSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import test from "ava";
import { defaultTrainingOptions } from "../../sdk/adaptation/trainer/index.js";
import { Sensors } from "../../sdk/adaptation/trainer/sensors.js";
import { ControlClient, Nightshift, type NightshiftOptions, Subscriber, type StreamEvent } from "../../sdk/index.js";
import { absent } from "../support/absent.js";
import { tinyBundle } from "../support/tiny-bundle.js";

const bundle = await tinyBundle();
const frames = await night(24);

test.after.always(() => bundle.remove());
test.after.always(() => rm(frames, { recursive: true, force: true }));

const base: NightshiftOptions = { bundle: bundle.directory, publish: ["tcp://127.0.0.1:*"], control: "tcp://127.0.0.1:*", adaptation: false, onError: () => undefined };

const states: string[] = [];
test.after.always(() => Promise.all(states.map((state) => rm(state, { recursive: true, force: true }))));

/** Options that leave nothing outside of temporary folders. */
async function quiet(): Promise<NightshiftOptions> {
  const state = await mkdtemp(join(tmpdir(), "nightshift-state-"));
  states.push(state);
  return { ...base, state };
}

/** A folder of dim pictures that differ, as frames of a night. */
async function night(count: number): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "nightshift-frames-"));
  for (let index = 0; index < count; index++) {
    const rgb = Buffer.alloc(160 * 90 * 3);
    for (let y = 0; y < 90; y++)
      for (let x = 0; x < 160; x++) {
        const lamp = Math.hypot(x - 20 - ((index * 37) % 120), y - 30) < 9 ? 200 : 0;
        const grain = ((x * 7 + y * 13 + index * 29) * 2654435761) % 9;
        rgb.fill(Math.min(255, 6 + grain + lamp + (y > 50 ? 12 : 0) + ((index * 11 + x) % 60 < 12 ? 25 : 0)), (y * 160 + x) * 3, (y * 160 + x) * 3 + 3);
      }
    await writeFile(join(folder, `${String(index).padStart(3, "0")}.png`), await sharp(rgb, { raw: { width: 160, height: 90, channels: 3 } }).png().toBuffer());
  }
  return folder;
}

test("every frame of a recording is answered, in order, with the generation and the words in force", async (t) => {
  const nightshift = await Nightshift.start({ ...(await quiet()), source: frames, fps: 0, vocabulary: ["road", "sky"] });
  t.teardown(() => nightshift.stop());
  const sequences: number[] = [];
  for await (const answer of nightshift.answers()) {
    sequences.push(answer.sequence);
    t.is(answer.generation, 0);
    t.deepEqual(answer.vocabulary, ["road", "sky"]);
    t.is(answer.mask.length, 128 * 64);
  }
  t.deepEqual(sequences, Array.from({ length: 24 }, (_, index) => index));
  await nightshift.ended;
  const [camera] = nightshift.status.cameras;
  t.deepEqual([camera?.framesIn, camera?.answered, camera?.dropped, camera?.lost], [24, 24, 0, 0]);
});

test("words change under way, by the class and by the control socket; wrong ones change nothing", async (t) => {
  const nightshift = await Nightshift.start({ ...(await quiet()), source: "drive" });
  t.teardown(() => nightshift.stop());
  const client = new ControlClient(nightshift.addresses.control ?? "");
  t.teardown(() => client.close());
  const answers = nightshift.answers()[Symbol.asyncIterator]();
  await answers.next();
  await client.setVocabulary(["bus", "tree", "road"]);
  await t.throwsAsync(nightshift.setVocabulary([]), { code: "E_VOCABULARY" });
  await t.throwsAsync(client.setVocabulary(["bus", "bus"]), { code: "E_VOCABULARY" });
  const { vocabulary } = await client.status();
  t.deepEqual(vocabulary, ["bus", "tree", "road"]);
  // At most two answers were under way.
  for (let skipped = 0; skipped < 2; skipped++) await answers.next();
  const last = await answers.next();
  t.deepEqual(last.done ? [] : last.value.vocabulary, ["bus", "tree", "road"]);
});

test("answers are published, and a reader that leaves holds nothing up", async (t) => {
  const nightshift = await Nightshift.start({ ...(await quiet()), source: frames, loop: 1000, fps: 0 });
  t.teardown(() => nightshift.stop());
  const subscriber = new Subscriber({ address: nightshift.addresses.publisher[0] ?? "" });
  t.teardown(() => subscriber.close());
  for await (const answer of nightshift.answers()) if (answer.sequence === 3) break;
  const kinds = new Set<string>();
  for await (const { kind } of subscriber) {
    kinds.add(kind);
    if (kinds.has("mask") && kinds.has("boxes")) break;
  }
  await nightshift.stop();
  t.is(nightshift.status.cameras[0]?.lost, 0);
});

test("a reader of a recording may stop it, and one that never began holds nothing up", async (t) => {
  const nightshift = await Nightshift.start({ ...(await quiet()), source: frames, loop: 100, fps: 0 });
  await nightshift.answers()[Symbol.asyncIterator]().return?.();
  const left = nightshift.answers()[Symbol.asyncIterator]();
  for await (const { sequence } of nightshift.answers()) {
    if (sequence === 0) await left.next();
    if (sequence === 1) await nightshift.stop();
  }
  const [camera] = nightshift.status.cameras;
  t.is(camera?.framesIn, (camera?.answered ?? 0) + (camera?.dropped ?? 0));
});

test("night triggers a training, the judge's verdict comes with numbers, and the stream loses nothing", async (t) => {
  const events: StreamEvent[] = [];
  const training = { ...defaultTrainingOptions, learner: "in-memory" as const, steps: 2, judgeFrames: 4 };
  const nightshift = await Nightshift.start({
    ...(await quiet()),
    source: frames,
    loop: 4,
    fps: 0,
    adaptation: { training, triggerFrames: 4, offerEvery: 1, framesWanted: 12, framesNeeded: 8, patienceFrames: 20 },
    onEvent: (event) => events.push(event),
  });
  t.teardown(() => nightshift.stop());
  await nightshift.ended;
  await nightshift.settled();
  const kinds = events.map(({ kind }) => kind);
  for (const kind of ["stream_started", "weather_changed", "trigger", "trainer_started", "trainer_progress", "verdict", "stream_ended"] as const) t.true(kinds.includes(kind), `${kind} in ${events.map(({ kind: each, text }) => `${each}: ${text}`).join("\n")}`);
  const { verdicts, triggers } = nightshift.learned;
  t.true(triggers >= 1);
  t.is(verdicts.accepted + verdicts.rejected, kinds.filter((kind) => kind === "verdict").length);
  t.is(nightshift.status.cameras[0]?.lost, 0);
});

test("the budget of learning is told; a limit of what this machine does not measure is refused, at the start and under way", async (t) => {
  const nightshift = await Nightshift.start({ ...(await quiet()), source: frames, adaptation: { training: { duty: 0.25, memoryMb: 900 } } });
  t.teardown(() => nightshift.stop());
  const { budget } = nightshift.status;
  t.like(budget, { share: 0.25, threads: 1, niceness: 19, memoryMb: 900 });
  t.true((budget?.holds.length ?? 0) + (budget?.lacks.length ?? 0) >= 3, "each of the means is there, or it is told why not");
  const { powerOf } = await Sensors.open("/sys");
  if (powerOf !== "") return absent(t, `a machine that does not tell its power: this one tells that of ${powerOf}`);
  const adaptation = { training: { mostWatts: 10 } };
  await t.throwsAsync(nightshift.reconfigure(async () => ({ changes: { adaptation, vocabulary: ["road"] } })), { code: "E_CONFIG", message: /mostWatts/ });
  t.notDeepEqual(nightshift.status.vocabulary, ["road"], "everything is as it was");
  await t.throwsAsync(Nightshift.start({ ...(await quiet()), source: frames, adaptation }), { code: "E_CONFIG", message: /mostWatts/ });
});

test("a listener that throws is told of, and ends nothing", async (t) => {
  const mistake = new TypeError("a listener's mistake");
  const told: unknown[] = [];
  const nightshift = await Nightshift.start({
    ...(await quiet()),
    source: frames,
    adaptation: false,
    onEvent: () => {
      throw mistake;
    },
    onError: (error, event) => told.push([error, event?.kind]),
  });
  let answered = 0;
  for await (const _ of nightshift.answers()) answered++;
  await nightshift.ended;
  await nightshift.stop();
  t.is(answered, nightshift.status.cameras[0]?.framesIn);
  t.deepEqual(told.filter((each) => (each as [unknown, string])[1] === "stream_ended"), [[mistake, "stream_ended"]]);
});

test("what cannot start says why and leaves nothing open", async (t) => {
  await t.throwsAsync(Nightshift.start({ ...(await quiet()), bundle: "/nowhere" }), { code: "E_BUNDLE_MISSING" });
  await t.throwsAsync(Nightshift.start({ ...(await quiet()), source: "/nowhere" }), { code: "E_CAMERA" });
  await t.throwsAsync(Nightshift.start({ ...(await quiet()), source: frames, vocabulary: ["a", "a"] }), { code: "E_VOCABULARY" });
  await t.throwsAsync(Nightshift.start({ ...(await quiet()), source: frames, adaptation: { training: { trains: "/^nothing/" } } }), { code: "E_CONFIG", message: /\^nothing/ });
  await t.throwsAsync(Nightshift.start({ ...(await quiet()), source: frames, adaptation: { training: { duty: 0 } } }), { code: "E_CONFIG", message: /training\.duty/ });
  for (const idle of [{ loop: 2 }, { source: "rtsp://user:secret@192.0.2.1/stream", loop: 2 }, { source: "rtsp://user:secret@192.0.2.1/stream", fps: 5 }]) {
    const { message } = await t.throwsAsync(Nightshift.start({ ...(await quiet()), ...idle }), { code: "E_CONFIG", message: /Leave that option out/ });
    t.false(message.includes("secret"));
  }
  const first = await Nightshift.start({ ...(await quiet()), source: frames });
  t.teardown(() => first.stop());
  await t.throwsAsync(Nightshift.start({ ...(await quiet()), source: frames, publish: first.addresses.publisher }), { code: "E_ADDRESS_IN_USE" });
  const record = { path: join((await quiet()).state ?? "", "run.mcap") };
  await t.throwsAsync(Nightshift.start({ ...(await quiet()), source: frames, publish: first.addresses.publisher, record }), { code: "E_ADDRESS_IN_USE" });
  t.false(existsSync(record.path), "the next start would find it there already");
  const { state = "" } = await quiet();
  const second = await Nightshift.start({ ...base, source: frames, state });
  t.teardown(() => second.stop());
  await t.throwsAsync(Nightshift.start({ ...base, source: frames, state }), { code: "E_CONFIG" });
  await second.stop();
  // What one left, another takes over: also its memory of frames.
  await (await Nightshift.start({ ...base, source: frames, state })).stop();
});
