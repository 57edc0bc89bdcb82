import test from "ava";
import type { Engine } from "../../sdk/engine/engine.js";
import { SwappableEngine } from "../../sdk/engine/hot-swap.js";
import type { FrameSize, LoadedModel, Model } from "../../sdk/engine/model.js";
import type { Perception } from "../../sdk/engine/perception.js";

test("a new generation is built for the sizes of frames that came of late, and for none that came once", async (t) => {
  const built: (readonly FrameSize[])[] = [];
  const loaded: LoadedModel = { generation: 0, network: { width: 512, height: 256 }, vocabulary: ["road"] };
  const create = (): Engine => ({
    loaded,
    load: (_: Model, frames = []) => (built.push(frames), Promise.resolve(loaded)),
    setVocabulary: () => Promise.resolve(loaded),
    infer: () => Promise.resolve({} as Perception),
    unload: () => Promise.resolve(),
    close: () => Promise.resolve(),
  });
  const engine = new SwappableEngine(create);
  const model: Model = { kind: "bundle", directory: "nowhere" };
  const see = async (width: number, height: number, count: number): Promise<void> => {
    for (let sequence = 0; sequence < count; sequence++) await engine.infer({ camera: "front", sequence, captureTimeNs: 0n, width, height, rgb: new Uint8Array(width * height * 3) });
  };
  await engine.load(model, [{ width: 32, height: 24 }]);
  await see(32, 16, 1);
  await see(32, 24, 10);
  await engine.swap(model);
  await see(32, 24, 1000);
  await engine.swap(model);
  t.deepEqual(built, [[{ width: 32, height: 24 }], [{ width: 32, height: 16 }, { width: 32, height: 24 }], [{ width: 32, height: 24 }]]);
});
