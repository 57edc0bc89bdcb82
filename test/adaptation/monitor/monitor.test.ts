import test from "ava";
import { Drive } from "../../../adapters/cameras/drive/drive.js";
import { makeMaterials } from "../../../adapters/cameras/drive/materials.js";
import { frameStatistics, likelihoods, WeatherMonitor } from "../../../sdk/adaptation/monitor/index.js";
import type { Frame } from "../../../sdk/frame.js";
import { type Look, picture } from "../pictures.js";

const likeliest = (frame: Frame): string | undefined => Object.entries(likelihoods(frameStatistics(frame))).sort(([, a], [, b]) => b - a)[0]?.[0];

test("tells the weather of plain pictures", (t) => {
  t.is(likeliest(picture("day")), "clear");
  t.is(likeliest(picture("dusk")), "dusk");
  t.is(likeliest(picture("night")), "night");
  t.is(likeliest(picture("fog")), "fog");
});

const materials = makeMaterials(1);

for (const [condition, expected] of [["day", "clear"], ["dusk", "dusk"], ["night", "night"], ["fog", "fog"]] as const)
  test(`tells the ${condition} of rendered drives on unseen streets`, (t) => {
    for (const seed of [7001, 7002, 7003]) {
      const { width, height, rgb } = new Drive({ seed, width: 160, height: 96, condition }, materials).render(30);
      t.is(likeliest({ camera: "front", sequence: 0, captureTimeNs: 0n, width, height, rgb }), expected, `seed ${seed}`);
    }
  });

test("a lifted black level does not turn night into day", (t) => {
  const night = picture("night");
  const lifted = { ...night, rgb: night.rgb.map((value) => 60 + (value * 195) / 255) };
  t.is(likeliest(lifted), "night");
});

test("changes its mind only after the new weather has held", (t) => {
  const monitor = new WeatherMonitor();
  const show = (look: Look, from: number, count: number) => Array.from({ length: count }, (_, at) => monitor.observe(picture(look, from + at)));
  t.is(show("day", 0, 12).at(-1)?.condition, "clear");
  t.true(show("night", 12, 3).every(({ condition }) => condition === "clear"), "a short tunnel");
  show("day", 15, 20);
  t.is(monitor.report?.condition, "clear");
  const reports = show("night", 35, 30);
  t.is(reports.at(-1)?.condition, "night");
  const changes = reports.filter(({ changed }) => changed);
  t.is(changes.length, 1, "once, without flicker in between");
  t.is(changes[0]?.previous, "clear");
  t.true((reports.at(-1)?.heldFrames ?? 0) > 5);
  t.true((reports.at(-1)?.confidence ?? 0) > 0.8);
});

test("says unknown before it has seen enough", (t) => {
  const report = new WeatherMonitor().observe(picture("day"));
  t.is(report.condition, "unknown");
  t.false(report.changed);
});

test("unfit frames carry their reason and are no weather", (t) => {
  const monitor = new WeatherMonitor();
  for (let at = 0; at < 20; at++) monitor.observe(picture("day", at));
  const reason = (look: Look, sequence: number) => monitor.observe(picture(look, sequence)).fitness.reasons[0];
  t.is(reason("black", 21), "the frame is black");
  t.is(reason("covered", 22), "the lens is covered");
  t.is(reason("burnt", 23), "the frame is overexposed");
  for (let at = 0; at < 40; at++) monitor.observe(picture("black", 30 + at));
  t.is(monitor.report?.condition, "clear", "a covered lens is not night");
  t.true(monitor.observe(picture("day", 70)).likelihoods.clear > 0.9, "nor does anything of it stay");
});

test("a camera that repeats itself is frozen, and fit again when it moves", (t) => {
  const monitor = new WeatherMonitor();
  const still = picture("day", 1);
  const fits = Array.from({ length: 6 }, (_, at) => monitor.observe({ ...still, captureTimeNs: BigInt(at) }).fitness.fit);
  t.deepEqual(fits, [true, true, true, false, false, false]);
  t.deepEqual(monitor.report?.fitness.reasons, ["the camera is frozen"]);
  t.true(monitor.observe(picture("day", 2)).fitness.fit);
});

test("cameras freeze one by one", (t) => {
  const monitor = new WeatherMonitor();
  for (let at = 0; at < 6; at++) {
    monitor.observe({ ...picture("day", 1), camera: "rear", captureTimeNs: BigInt(at) });
    t.true(monitor.observe(picture("day", at)).fitness.fit);
  }
});

test("lamps and fog lamps are evidence", (t) => {
  const statistics = frameStatistics(picture("dusk"));
  const plain = likelihoods(statistics);
  t.true(likelihoods(statistics, { vehicle: { lamps: "low_beam" } }).clear < plain.clear);
  t.true(likelihoods(statistics, { vehicle: { wipers: "on" } }).clear < plain.clear);
  t.true(likelihoods(statistics, { vehicle: { fogLamps: true } }).fog > plain.fog);
});

test("a network that is unsure as it never is on clear days does not see one", (t) => {
  const monitor = new WeatherMonitor();
  let sequence = 0;
  const show = (confidence: number, count: number) => Array.from({ length: count }, () => monitor.observe(picture("day", sequence++), { confidence })).at(-1);
  // Of what is no clear day yet nothing is learnt.
  t.is(show(0.3, 4)?.condition, "unknown");
  const usual = show(0.8, 20);
  t.is(usual?.condition, "clear");
  t.true(show(0.65, 20)!.likelihoods.clear > 0.9 * usual!.likelihoods.clear, "a little less is usual");
  t.true(show(0.5, 20)!.likelihoods.clear < 0.65 * usual!.likelihoods.clear);
});

test("likelihoods add up to one", (t) => {
  for (const look of ["day", "dusk", "night", "fog"] as const) {
    const sum = Object.values(likelihoods(frameStatistics(picture(look)))).reduce((a, b) => a + b, 0);
    t.true(Math.abs(sum - 1) < 1e-9);
  }
});

test("a frame is looked at in little time, whatever its size", (t) => {
  const frame = picture("day", 0, 1280, 720);
  const times = Array.from({ length: 60 }, () => {
    const start = performance.now();
    frameStatistics(frame);
    return performance.now() - start;
  }).sort((a, b) => a - b);
  // 0.6 ms on an idle core; the machine that tests may be busy, so the quickest tenth counts.
  t.true(times[6] < 3, `${times[6]?.toFixed(2)} ms`);
});
