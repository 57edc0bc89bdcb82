import test from "ava";
import { buildOptions, type EngineSettings } from "../../../sdk/engine/tensorrt/options.js";
import type { ModelKey } from "../../../sdk/engine/tensorrt/key.js";

test("settings become what the builder is told, and nothing is told that was not asked for", (t) => {
  t.deepEqual(buildOptions({}, { precision: "float32" }), {});
  t.deepEqual(buildOptions({ workspaceMiB: 512, refittable: true, optimizationLevel: 0 }, { precision: "float32" }), { workspaceBytes: 536870912, refittable: true, optimizationLevel: 0 });
  t.deepEqual(buildOptions({ dlaCore: 0, gpuFallback: true }, { precision: "int8" }), { dlaCore: 0, gpuFallback: true });
});

test("settings that contradict each other or the model are refused before anything is built", (t) => {
  const refused: readonly (readonly [EngineSettings, ModelKey["precision"], RegExp])[] = [
    [{ workspaceMiB: 3 }, "float32", /16 whole MiB; received 3/],
    [{ workspaceMiB: 16.5 }, "float32", /16 whole MiB/],
    [{ optimizationLevel: 6 }, "float32", /0 to 5; received 6/],
    [{ dlaCore: -1 }, "float16", /from 0; received -1/],
    [{ dlaCore: 0 }, "float32", /float16 or int8/],
    [{ gpuFallback: true }, "float16", /a DLA core/],
    [{ dlaCore: 1, refittable: true }, "float16", /refitted/],
  ];
  for (const [settings, precision, message] of refused) {
    const error = t.throws(() => buildOptions(settings, { precision }), { message });
    t.like(error, { code: "E_CONFIG" });
  }
});
