import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import test from "ava";
import { parse } from "yaml";
import { defaultTrainingOptions } from "../../sdk/adaptation/trainer/index.js";
import { adaptationOptions, configurationSchema, readConfiguration } from "../../sdk/cli/configuration.js";
import { packageRoot } from "../../sdk/paths.js";
import { temporaryFolder } from "../bundle/contents.js";

test("the published schema is the code's", async (t) => {
  const published = await readFile(join(packageRoot(), "sdk", "cli", "configuration.schema.json"), "utf8");
  t.is(published, `${JSON.stringify(configurationSchema(), undefined, 1)}\n`);
});

test("the README's configuration is one", async (t) => {
  const readme = await readFile(join(packageRoot(), "README.md"), "utf8");
  const [, example = ""] = /## Configuration[^]*?```yaml\n([^]*?)```/.exec(readme) ?? [];
  const path = join(await temporaryFolder(t), "example.yaml");
  await writeFile(path, example);
  t.deepEqual(await readConfiguration(path), parse(example));
});

test("every mistake is told with its line", async (t) => {
  const path = join(await temporaryFolder(t), "wrong.yaml");
  await writeFile(path, "source: drive\nadaptation:\n  share: 0.5\nintrinsics:\n  fx: x\n  wheels: 3\nport: 99999\nspeed: 3\n");
  const { message } = await t.throwsAsync(readConfiguration(path), { code: "E_CONFIG" });
  for (const part of [/line 5: intrinsics\.fx: /, /line 6: intrinsics: Unrecognized key: "wheels"/, /line 7: port: /, /line 8: Unrecognized key: "speed"/, /line 5: intrinsics\.width: /]) t.regex(message, part);
  await writeFile(path, "adaptation:\n  share: 2\n  conditions:\n    - night\n    - rain\n  steps: many\n  speed: 3\n");
  const { message: ofAdaptation } = await t.throwsAsync(readConfiguration(path), { code: "E_CONFIG" });
  for (const part of [
    /line 2: adaptation\.share: .*<=1, received 2;/,
    /line 5: adaptation\.conditions\.1: .*"dusk"\|"night"\|"fog", received "rain";/,
    /line 6: adaptation\.steps: .*expected number, received string "many";/,
    /line 7: adaptation: Unrecognized key: "speed"/,
  ])
    t.regex(ofAdaptation, part);
  await writeFile(path, "source: drive\nadaptation: never\n");
  await t.throwsAsync(readConfiguration(path), { code: "E_CONFIG", message: /line 2: adaptation: .*expected boolean or object, received string/ });
  await writeFile(path, "source: drive\ncamera: [front\n");
  await t.throwsAsync(readConfiguration(path), { code: "E_CONFIG", message: /line [23]/ });
  await writeFile(path, "headless: yes\n");
  await t.throwsAsync(readConfiguration(path), { code: "E_CONFIG", message: /expected boolean, received string "yes"/ });
  for (const [text, message] of [["vocabulary: *names\n", /alias.*names/], [`a: &a [${"x, ".repeat(20)}]\nb: &b [${"*a, ".repeat(20)}]\nvocabulary: [${"*b, ".repeat(20)}]\n`, /alias/]] as const) {
    await writeFile(path, text);
    await t.throwsAsync(readConfiguration(path), { code: "E_CONFIG", message });
  }
  await t.throwsAsync(readConfiguration(`${path}.none`), { code: "E_CONFIG", message: /ENOENT/ });
});

test("settings of the command line win over the file, key by key, and do without one", async (t) => {
  const path = join(await temporaryFolder(t), "run.yaml");
  await writeFile(path, "camera: front\nadaptation: { steps: 40, share: 0.5 }\n");
  t.deepEqual(await readConfiguration(path, ["camera=rear", "adaptation.share=0.25", "vocabulary=[road, sky]"]), { camera: "rear", adaptation: { steps: 40, share: 0.25 }, vocabulary: ["road", "sky"] });
  t.deepEqual(await readConfiguration(undefined, ["headless=true"]), { headless: true });
  t.deepEqual(await readConfiguration(undefined), {});
  await t.throwsAsync(readConfiguration(undefined, ["fps=fast"]), { code: "E_CONFIG", message: /settings: fps: / });
  await t.throwsAsync(readConfiguration(path, ["adaptation.share=2", "wheels=4"]), { code: "E_CONFIG", message: /run\.yaml: --set adaptation\.share: .*; --set Unrecognized key: "wheels"\./ });
  for (const wrong of ["adaptation={", "adaptation=*a"]) await t.throwsAsync(readConfiguration(undefined, [wrong]), { code: "E_CONFIG", message: /"adaptation=.*": / });
  for (const wrong of ["=3", "camera", "a b=3"]) await t.throwsAsync(readConfiguration(undefined, [wrong]), { code: "E_CONFIG", message: /key=value/ });
});

test("what learns is one of the choices, and the share of statistics a share", async (t) => {
  t.deepEqual(await readConfiguration(undefined, ["adaptation={ trains: norm, statisticsMix: 0.5 }"]), { adaptation: { trains: "norm", statisticsMix: 0.5 } });
  await t.throwsAsync(readConfiguration(undefined, ["adaptation.trains=last"]), { code: "E_CONFIG", message: /adaptation\.trains: expected default, all, norm, decoder, prompts, last:n.*received "last"/ });
  await t.throwsAsync(readConfiguration(undefined, ["adaptation.statisticsMix=2"]), { code: "E_CONFIG", message: /statisticsMix/ });
});

test("the budget of learning in plain units", (t) => {
  t.is(adaptationOptions(undefined), undefined);
  t.is(adaptationOptions(true), undefined);
  t.is(adaptationOptions(false), false);
  t.deepEqual(adaptationOptions({ rounds: 2, share: 0.25, steps: 40 }), { furtherRounds: 2, training: { duty: 0.25, steps: 40 } });
  t.deepEqual(adaptationOptions({ memoryMb: 1200, mostCelsius: 85, mostWatts: 12.5 }), { training: { memoryMb: 1200, mostCelsius: 85, mostWatts: 12.5 } });
  t.deepEqual(adaptationOptions({ method: "entropy", trains: "last:8", statisticsMix: 0 }), { training: { method: "entropy", trains: "last:8", statisticsMix: 0 } });
  t.true("duty" in defaultTrainingOptions && "steps" in defaultTrainingOptions);
});
