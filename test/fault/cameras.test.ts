import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test, { type ExecutionContext } from "ava";
import { type Answer, type Camera, type Frame, Nightshift, NightshiftError, type NightshiftOptions, type StreamEvent, type VehicleState } from "../../sdk/index.js";
import { Random } from "../../sdk/random.js";
import { type Look, picture } from "../adaptation/pictures.js";
import { tinyBundle } from "../support/tiny-bundle.js";

const bundle = await tinyBundle();
test.after.always(() => bundle.remove());

const lost = (): NightshiftError => new NightshiftError("E_CAMERA", { expected: "a frame", received: "an unplugged camera", remedy: "Plug it in." });

/** A camera that delivers what the script says, one frame an entry; an error ends it. */
const scripted = (script: Iterable<Frame | NightshiftError>): Camera => ({
  name: "front",
  live: false,
  frames: async function* () {
    for (const entry of script) {
      if (entry instanceof NightshiftError) throw entry;
      yield entry;
    }
  },
});

const frame = (look: Look, sequence: number, [width, height] = [160, 90]): Frame => picture(look, sequence, width, height);
const several = (look: Look, from: number, count: number): Frame[] => Array.from({ length: count }, (_, at) => frame(look, from + at));

/** Streams the script and tells what came of it. */
async function streamed(t: ExecutionContext, script: Iterable<Frame | NightshiftError>, options: NightshiftOptions = {}, vehicle?: VehicleState) {
  const state = await mkdtemp(join(tmpdir(), "nightshift-fault-"));
  t.teardown(() => rm(state, { recursive: true, force: true }));
  const events: StreamEvent[] = [];
  const nightshift = await Nightshift.start({
    bundle: bundle.directory,
    source: scripted(script),
    state,
    publish: false,
    control: false,
    adaptation: { conditions: [], offerEvery: 1 },
    onEvent: (event) => events.push(event),
    onError: () => undefined,
    ...options,
  });
  if (vehicle) nightshift.vehicleState(vehicle);
  const answers: Answer[] = [];
  const reading = (async () => {
    for await (const answer of nightshift.answers()) answers.push(answer);
  })();
  const ended = await nightshift.ended.then(() => undefined, (error: unknown) => error);
  await reading;
  const { status } = nightshift;
  await nightshift.stop();
  const [camera] = status.cameras;
  if (!camera) throw new Error("no camera");
  return { answers, events, ended, camera, remembered: status.framesRemembered, valid: answers.map(({ valid }) => valid), reasons: [...new Set(answers.flatMap(({ invalidReasons }) => invalidReasons))] };
}

test.serial("a camera that vanishes: what came before is answered, it is told, nothing is lost", async (t) => {
  const { answers, events, ended, camera } = await streamed(t, [...several("day", 0, 6), lost()]);
  t.is(answers.length, 6);
  t.deepEqual([camera.framesIn, camera.answered, camera.dropped, camera.lost], [6, 6, 0, 0]);
  t.true(ended instanceof NightshiftError && ended.code === "E_CAMERA");
  t.true(events.some(({ kind }) => kind === "camera_lost"));
});

test.serial("a camera that fails in its own way: it is told as the camera's failure, not the engine's", async (t) => {
  const missing = new NightshiftError("E_MISSING_TOOL", { expected: "ffmpeg", received: "none", remedy: "Install it." });
  const { answers, events, ended } = await streamed(t, [...several("day", 0, 3), missing]);
  t.is(answers.length, 3);
  t.is(ended, missing);
  t.deepEqual(events.filter(({ kind }) => kind === "camera_lost" || kind === "engine_error").map(({ kind, details }) => [kind, details.code]), [["camera_lost", "E_MISSING_TOOL"]]);
});

test.serial("a frozen camera: its answers say that they are not valid, and it is valid again when it moves", async (t) => {
  const still = frame("day", 3);
  const { valid, reasons, remembered } = await streamed(t, [
    ...several("day", 0, 4),
    ...Array.from({ length: 8 }, (_, at) => ({ ...still, sequence: 4 + at, captureTimeNs: BigInt(4 + at) * 66_000_000n })),
    ...several("day", 12, 4),
  ]);
  t.deepEqual(valid, [true, true, true, true, true, true, ...new Array<boolean>(6).fill(false), true, true, true, true]);
  t.deepEqual(reasons, ["the camera is frozen"]);
  t.true(remembered < 12);
});

test.serial("corrupt frames: told one by one, and the others are answered", async (t) => {
  const torn = { ...frame("day", 2), rgb: new Uint8Array(100) };
  const grey = { ...frame("day", 4), rgb: new Uint8Array(160 * 90) };
  const empty = { ...frame("day", 5), width: 0 };
  const { answers, events, camera, ended } = await streamed(t, [frame("day", 0), frame("day", 1), torn, frame("day", 3), grey, empty, frame("day", 6)]);
  t.deepEqual(answers.map(({ sequence }) => sequence), [0, 1, 3, 6]);
  t.is(camera.lost, 0);
  t.is(ended, undefined);
  t.deepEqual(events.filter(({ kind }) => kind === "camera_error").map(({ details: { code } }) => code), ["E_FRAME_SIZE", "E_FRAME_FORMAT", "E_FRAME_SIZE"]);
});

test.serial("a size that changes under way: each answer is in its own frame's pixels", async (t) => {
  const sizes: [number, number][] = [[160, 90], [160, 90], [320, 180], [96, 64], [160, 90]];
  const { answers } = await streamed(t, sizes.map((size, sequence) => frame("day", sequence, size)));
  t.deepEqual(answers.map(({ cameraWidth, cameraHeight }) => [cameraWidth, cameraHeight]), sizes);
  for (const { boxes, cameraWidth, cameraHeight } of answers) t.true(boxes.every(({ x2, y2 }) => x2 <= cameraWidth && y2 <= cameraHeight));
});

test.serial("time that goes back, or stands: the frame is answered and marked, and the next is well again", async (t) => {
  const back = { ...frame("day", 3), captureTimeNs: 1n };
  const standing = { ...frame("day", 4), captureTimeNs: 1n };
  const { valid, reasons } = await streamed(t, [...several("day", 0, 3), back, standing, ...several("day", 5, 2)]);
  t.deepEqual(valid, [true, true, true, false, false, true, true]);
  t.deepEqual(reasons, ["its capture time is not after that of the frame before"]);
});

for (const [look, reason] of [["black", "the frame is black"], ["covered", "the lens is covered"], ["burnt", "the frame is overexposed"]] as const)
  test.serial(`a ${look} picture: not valid, not learnt from, and no change of weather`, async (t) => {
    const { answers, reasons, remembered, events } = await streamed(t, [...several("day", 0, 30), ...several(look, 30, 30)]);
    t.is(answers.length, 60);
    t.true(answers.slice(30).every(({ valid }) => !valid));
    t.true(reasons.includes(reason));
    const before = await streamed(t, several("day", 0, 30));
    t.is(remembered, before.remembered);
    t.deepEqual(events.filter(({ kind }) => kind === "weather_changed").map(({ details: { from, to } }) => [from, to]), [["unknown", "clear"]]);
  });

test.serial("light that flickers: marked while it does", async (t) => {
  const flickering = Array.from({ length: 12 }, (_, at) => frame(at % 2 === 0 ? "day" : "night", 10 + at));
  const { valid, reasons } = await streamed(t, [...several("day", 0, 10), ...flickering, ...several("day", 22, 6)]);
  t.true(valid.slice(0, 10).every(Boolean));
  t.true(valid.slice(14, 22).every((each) => !each));
  t.true(valid.slice(24).every(Boolean));
  t.deepEqual(reasons, ["the light flickers"]);
});

test.serial("a clock that steps ahead, and back again: frames are answered, and only the one that steps back is marked", async (t) => {
  const hour = 3_600_000_000_000n;
  const script = several("day", 0, 12).map((each) => (each.sequence >= 4 && each.sequence < 8 ? { ...each, captureTimeNs: each.captureTimeNs + hour } : each));
  const { valid, camera, ended } = await streamed(t, script);
  t.deepEqual(valid, Array.from({ length: 12 }, (_, at) => at !== 8));
  t.deepEqual([camera.lost, ended], [0, undefined]);
});

test.serial("a sensor that delivers noise: not valid, not learnt from, and no change of weather", async (t) => {
  const random = new Random(1, "noise");
  const noise = several("night", 30, 30).map((each) => ({ ...each, rgb: each.rgb.map(() => random.below(256)) }));
  const { valid, reasons, remembered, events } = await streamed(t, [...several("day", 0, 30), ...noise, ...several("day", 60, 4)]);
  t.deepEqual([valid.slice(0, 30).every(Boolean), valid.slice(30, 60).some(Boolean), valid.slice(60).every(Boolean)], [true, false, true]);
  t.true(reasons.includes("the picture is noise"));
  t.true(remembered <= (await streamed(t, [...several("day", 0, 30), ...several("day", 60, 4)])).remembered);
  t.is(events.filter(({ kind }) => kind === "weather_changed").length, 1);
});

test.serial("adversarial noise on every frame of a night: answered, and what is learnt from it serves only if the judge lets it", async (t) => {
  const random = new Random(2, "signs");
  const attacked = several("night", 0, 70).map((each) => ({ ...each, rgb: each.rgb.map((value) => Math.max(0, Math.min(255, value + (random.chance(0.5) ? 8 : -8)))) }));
  const training = { learner: "in-memory", steps: 2, judgeFrames: 4 } as const;
  const { answers, events, camera } = await streamed(t, attacked, { adaptation: { triggerFrames: 2, offerEvery: 1, framesWanted: 8, framesNeeded: 8, furtherRounds: 0, training }, lockstep: true });
  t.deepEqual([answers.length, camera.lost], [70, 0]);
  const verdicts = events.filter(({ kind }) => kind === "verdict");
  t.is(verdicts.length, 1);
  t.is(answers.at(-1)?.generation, verdicts[0]?.details.accepted === true ? 1 : 0);
});

test.serial("parked for hours and nobody says so: of what never changes next to nothing is remembered, too little to learn from", async (t) => {
  const still = frame("night", 0);
  const random = new Random(3, "sensor");
  const script = Array.from({ length: 200 }, (_, sequence) => ({ ...still, sequence, captureTimeNs: BigInt(sequence) * 66_000_000n, rgb: still.rgb.map((value) => Math.max(0, Math.min(255, value + random.below(5) - 2))) }));
  const { answers, remembered, events } = await streamed(t, script, { adaptation: { offerEvery: 1, triggerFrames: 2 } });
  t.is(answers.length, 200);
  t.true(remembered < 6, `${remembered}`);
  t.false(events.some(({ kind }) => kind === "trainer_started"));
});

test.serial("a vehicle that stands, by its own account: nothing is remembered until it drives on", async (t) => {
  const { answers, remembered } = await streamed(t, several("night", 0, 40), {}, { speedMps: 0 });
  t.is(answers.length, 40);
  t.is(remembered, 0);
});

test.serial("a parked vehicle: its frames are answered, and none is learnt from", async (t) => {
  const { answers, remembered } = await streamed(t, several("night", 0, 40), {}, { parked: true });
  t.is(answers.length, 40);
  t.is(remembered, 0);
});

test.serial("a camera of one's own that is misnamed, or paced from outside: refused at the start", async (t) => {
  const wrong = { bundle: bundle.directory, publish: false, control: false } as const;
  await t.throwsAsync(Nightshift.start({ ...wrong, source: { ...scripted([]), name: "front/left" } }), { code: "E_CONFIG" });
  await t.throwsAsync(Nightshift.start({ ...wrong, source: scripted([]), fps: 3 }), { code: "E_CONFIG", message: /fps 3/ });
});
