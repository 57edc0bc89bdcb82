import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "ava";
import sharp from "sharp";
import { datasetNamed } from "../../sdk/cli/dataset.js";
import { score } from "../../sdk/cli/scores.js";
import { Graph } from "../../sdk/graph/graph.js";
import { argMax, mul, relu } from "../../sdk/graph/ops.js";
import { writeOnnx } from "../../sdk/graph/onnx/write.js";
import { float32 } from "../../sdk/graph/tensor.js";
import { packageRoot } from "../../sdk/paths.js";
import { json, nightshift } from "../support/command.js";
import { tinyBundle } from "../support/tiny-bundle.js";

const bundle = await tinyBundle();
const folder = await mkdtemp(join(tmpdir(), "nightshift-cli-"));
test.after.always(() => bundle.remove());
test.after.always(() => rm(folder, { recursive: true, force: true }));

test("who reads no further ends nothing", async (t) => {
  const child = spawn(process.execPath, [join(packageRoot(), "sdk/cli/nightshift.mjs"), "inspect", bundle.directory, "--json"], { stdio: ["ignore", "pipe", "pipe"] });
  child.stdout.destroy();
  let said = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => (said += text));
  const [code] = (await once(child, "close")) as [number | null];
  t.is(code, 0, said);
  t.notRegex(said, /EPIPE/);
});

test("every command explains itself", async (t) => {
  const { code, out } = await nightshift("--help");
  t.is(code, 0);
  for (const command of ["run", "record", "replay", "train", "adapt", "evaluate", "ablate", "calibrate", "bench", "build", "import", "inspect", "keys", "sign", "erase", "doctor"]) {
    t.regex(out, new RegExp(`^  ${command} `, "m"));
    const help = await nightshift(command, "--help");
    t.is(help.code, 0, command);
    t.regex(help.out, /Usage: nightshift/);
    t.is(help.err, "");
  }
  for (const bench of ["decode", "judge", "native", "precision", "publish", "serve", "swap", "train-step"]) t.is((await nightshift("bench", bench, "--help")).code, 0);
  t.regex((await nightshift("--version")).out, /^\d+\.\d+\.\d+/);
});

test("a wrong command line is code 2 and says so on stderr", async (t) => {
  for (const argv of [[], ["bench", "decode", "--peer", "python3"], ["fly"], ["run", "--wings"], ["run", "--frames", "none"], ["run", "--frames", "0"], ["run", "--seed", ""], ["run", "--port", "70000"], ["run", "--viewer-port", "65536"], ["run", "--health-port", ""], ["run", "--memory-hours", "0"], ["evaluate"], ["build"], ["build", "--target", "abacus"], ["build", "--target", "tensorrt", "--frame", "big"], ["adapt", "--frames", "."], ["import", "a.onnx", "--spec", "a.yaml", "--out", "a", "--pin", "height"], ["bench", "coffee"]]) {
    const { code, out, err } = await nightshift(...argv);
    t.is(code, 2, argv.join(" "));
    t.is(out, "");
    t.not(err, "");
  }
});

test("a failure is code 1, with its code on stderr and as JSON where that is asked for", async (t) => {
  const { code, out, err } = await nightshift("inspect", "/nowhere", "--json");
  t.is(code, 1);
  t.like(json(out), { error: { code: "E_BUNDLE_MISSING" } });
  t.regex(err, /^E_BUNDLE_MISSING\n {2}expected .+\n {2}received .+\n {2}remedy /);
  t.is((await nightshift("inspect", "/nowhere")).out, "");
  t.like(json((await nightshift("evaluate", "--bundle", bundle.directory, "--dataset", "drive:noon:1:4", "--json")).out), { error: { code: "E_CONFIG" } });
  const misspelt = json((await nightshift("evaluate", "--bundle", bundle.directory, "--dataset", "drive:night:1:1", "--held-out", "road,rode", "--json")).out) as { error: { code: string; expected: string; received: string } };
  t.like(misspelt.error, { code: "E_CONFIG", received: '"rode"' });
  t.regex(misspelt.error.expected, /: sky, building, pole, road, /);
  await writeFile(join(folder, "wrong.yaml"), "intrinsics: {fx: 3}\nwheels: 4\n");
  t.like(json((await nightshift("run", "--config", join(folder, "wrong.yaml"), "--json")).out), { error: { code: "E_CONFIG" } });
  t.like(json((await nightshift("run", "--bundle", bundle.directory, "--vocabulary", "a,,b", "--headless", "--port", "0", "--json")).out), { error: { code: "E_VOCABULARY" } });
});

test("what was learnt on a drive is measured on another one, whichever seed it had", async (t) => {
  const absent = { delivered: "/nowhere", serving: "/nowhere" };
  // Told once the other drive is there.
  for (const seed of [1, 4_200_000_000, 2 ** 32 - 1]) await t.throwsAsync(score("drive", seed, absent, () => undefined), { code: "E_BUNDLE_MISSING" }, String(seed));
  await t.throwsAsync(datasetNamed("drive:night:4294967296:1"), { code: "E_CONFIG" });
});

test("where the new bundle cannot go is said before anything is done for it", async (t) => {
  // Of frames there would be something else to say.
  for (const argv of [["adapt", "--frames", "/nowhere"], ["calibrate", "--frames", "drive:day:1:1"]])
    t.like(json((await nightshift(...argv, "--bundle", bundle.directory, "--out", folder, "--json")).out), { error: { code: "E_BUNDLE_FORMAT", received: "a folder" } }, argv[0]);
});

test("a source without end is not adapted to", async (t) => {
  for (const frames of ["drive", "rtsp://user:secret@camera/a", "csi:0"]) {
    const { code, out } = await nightshift("adapt", "--frames", frames, "--bundle", bundle.directory, "--out", join(folder, "endless"), "--json");
    t.is(code, 1);
    t.like(json(out), { error: { code: "E_CONFIG" } }, frames);
    t.notRegex(out, /secret/);
  }
});

test("inspect prints the manifest, parameters and hashes", async (t) => {
  const { code, out } = await nightshift("inspect", bundle.directory, "--json");
  t.is(code, 0);
  const { name, parameterCount, files, encodedNames } = json(out);
  t.is(name, "tiny");
  t.true(Number(parameterCount) > 1000);
  t.true(Array.isArray(files) && Array.isArray(encodedNames) && encodedNames.includes("car"));
  const lines = (await nightshift("inspect", bundle.directory)).out;
  t.regex(lines, /weights\.safetensors +\d+ bytes {2}[0-9a-f]{64}/);
});

test("inspect tells what an ONNX model is made of, and what of it can be trained", async (t) => {
  const graph = new Graph("small");
  const x = graph.input("x", "float32", [1, 2, 4, 4]);
  const scaled = mul(x, graph.constant(float32([2, 1, 1], [1, 2]), "scale"));
  graph.output("y", relu(scaled));
  graph.output("index", argMax(mul(x, graph.constant(float32([2, 1, 1], [3, 4]), "lost")), 1));
  const path = join(folder, "small.onnx");
  await writeFile(path, writeOnnx(graph));
  const { code, out, err } = await nightshift("inspect", path, "--json");
  t.is(code, 0, err);
  const { inputs, operators, parameters } = json(out);
  t.deepEqual(inputs, [{ name: "x", dtype: "float32", shape: [1, 2, 4, 4] }]);
  t.deepEqual(operators, { Mul: 2, Relu: 1, ArgMax: 1 });
  t.deepEqual(parameters, { tensors: 2, count: 4, trainable: { tensors: 1, count: 2 }, others: [{ name: "lost", why: "nothing that it does reaches an output with a slope" }] });
  t.regex((await nightshift("inspect", path)).out, /can be trained +2 in 1 tensors/);
  await writeFile(path, "not a model");
  t.like(json((await nightshift("inspect", path, "--json")).out), { error: { code: "E_GRAPH_FORMAT" } });
  t.like(json((await nightshift("inspect", `${path}x.onnx`, "--json")).out), { error: { code: "E_GRAPH_FORMAT" } });
});

test("evaluate scores a rendered dataset by its own words", async (t) => {
  const { code, out, err } = await nightshift("evaluate", "--bundle", bundle.directory, "--dataset", "drive:night:5:2", "--json");
  t.is(code, 0, err);
  const { miou, perClass, ap50, perClassAp50, frames, seconds } = json(out);
  t.is(frames, 2);
  for (const value of [miou, ap50, seconds]) t.is(typeof value, "number");
  t.true(typeof perClass === "object" && perClass !== null && "road" in perClass);
  t.is(typeof perClassAp50, "object");
});

test("evaluate tells people both bounds of an interval to one digit", async (t) => {
  const { out } = await nightshift("evaluate", "--bundle", bundle.directory, "--dataset", "drive:night:5:2", "--intervals");
  t.regex(out, /^95 %: mIoU \d+\.\d to \d+\.\d /m);
});

test("evaluate tells the gain over another bundle", async (t) => {
  const options = ["--bundle", bundle.directory, "--over", bundle.directory, "--dataset", "drive:night:5:2"];
  const { gain } = json((await nightshift("evaluate", ...options, "--json")).out);
  t.like(gain, { miou: { points: 0, interval: [0, 0] } });
  t.regex((await nightshift("evaluate", ...options)).out, /^gained over .*\nmIoU +0\.0 \(0\.0 to 0\.0\)$/m);
});

test("run ends with every figure, and leaves JSON alone on stdout", async (t) => {
  await writeFile(join(folder, "run.yaml"), `bundle: ${bundle.directory}\nframes: 20\nheadless: true\nport: 0\nfps: 0\ncamera: front\nadaptation: false\n`);
  const { code, out, err } = await nightshift("run", "--config", join(folder, "run.yaml"), "--json");
  t.is(code, 0, err);
  const summary = json(out);
  t.like(summary, { framesIn: 20, answered: 20, dropped: 0, lost: 0, generations: 0, triggers: 0, verdicts: { accepted: 0, rejected: 0 } });
  for (const key of ["fps", "latencyMs", "miou", "miouOn"]) t.true(key in summary, key);
  t.regex(String(summary["miouOn"]), /^drive:night:/);
  t.regex(err, /Publishing on tcp:\/\/127\.0\.0\.1:\d+/);
});

test.serial("run says what goes wrong beside the stream, and what is an event once", async (t) => {
  const source = join(folder, "pictures");
  await mkdir(source);
  await sharp(Buffer.alloc(64 * 48 * 3, 90), { raw: { width: 64, height: 48, channels: 3 } }).png().toFile(join(source, "a.png"));
  await writeFile(join(source, "b.png"), "no picture");
  process.env["NOTIFY_SOCKET"] = "/nowhere/notify";
  const { code, err } = await nightshift("run", "--bundle", bundle.directory, "--source", source, "--state", join(folder, "state"), "--fps", "0", "--port", "0", "--headless", "--no-adaptation").finally(() => delete process.env["NOTIFY_SOCKET"]);
  t.is(code, 0, err);
  for (const each of [/^E_\w+: expected systemd-notify/gm, /^E_IMAGE/gm]) t.is(err.match(each)?.length, 1, err);
});

test("run prints the page's address", async (t) => {
  const { code, err } = await nightshift("run", "--bundle", bundle.directory, "--frames", "3", "--fps", "0", "--port", "0", "--viewer-port", "0", "--no-adaptation");
  t.is(code, 0);
  t.regex(err, /Watch it at http:\/\/127\.0\.0\.1:\d+\//);
});
