import test from "ava";
import { ModelHost } from "../../sdk/engine/host.js";
import { OnnxSession } from "../../sdk/engine/onnxruntime.js";
import type { Runtime } from "../../sdk/engine/session.js";
import { tinyNetwork } from "../bundle/contents.js";
import { bundleOf, vocabulary, weightsOf } from "./models.js";

const sizes = [{ width: 128, height: 64 }, { width: 64, height: 48 }];

test("where engines are for one size of frames, those for the cameras' sizes stay, and one that the golden outputs alone needed does not", async (t) => {
  const { runtime, open } = named("tensorrt");
  const directory = await bundleOf(t, 0);
  const host = new ModelHost(runtime, { scoreThreshold: 0.3 });
  const opened = async (frames: typeof sizes) => (await host.load({ kind: "bundle", directory }, frames), [...open.values()].map((name) => /\d+x\d+/.exec(name)?.[0]));
  t.deepEqual(await opened([]), ["128x64"], "no camera is known: it may be of that size");
  t.deepEqual(await opened(sizes.slice(1)), ["64x48"]);
  t.deepEqual(await opened(sizes), ["128x64", "64x48"]);
  await host.unload();
  t.deepEqual([...open.values()], []);
});

test("one session takes frames of all sizes, the golden one too, unless that one has room for more names", async (t) => {
  const { runtime, open } = named("onnxruntime");
  const directory = await bundleOf(t, 0);
  const host = new ModelHost(runtime, { scoreThreshold: 0.3 });
  await host.load({ kind: "bundle", directory }, sizes);
  t.deepEqual([...open.values()], ["tiny-0-16"]);
  for (const { width, height } of [...sizes, { width: 17, height: 16 }]) await host.infer({ width, height }, new Uint8Array(width * height * 3));
  t.is(open.size, 1);
  await host.load({ kind: "bundle", directory, vocabulary: { names: Array.from({ length: 17 }, (_, at) => `name ${at}`), text: { dtype: "float32", shape: [19, 384], data: new Float32Array(19 * 384).fill(0.1) } } }, sizes);
  t.deepEqual([...open.values()], ["tiny-0-32"]);
});

/** ONNX Runtime in the place of another, and what it has open. */
function named(target: Runtime["target"]) {
  const open = new Map<OnnxSession, string>();
  const runtime: Runtime = {
    target,
    halves: "rounded",
    open: async (model, name) => {
      const session = await OnnxSession.create(model);
      open.set(session, name);
      return { run: (feeds) => session.run(feeds), close: () => (open.delete(session), session.close()) };
    },
  };
  return { runtime, open };
}

test("a session that cannot be closed is told of, and keeps none of the others open", async (t) => {
  let open = 0;
  const runtime: Runtime = {
    target: "tensorrt",
    halves: "rounded",
    open: async (model) => {
      const session = await OnnxSession.create(model);
      const isFirst = open++ === 0;
      const close = async (): Promise<void> => {
        await session.close();
        if (isFirst) throw new Error("not this one");
        open--;
      };
      return { run: (feeds) => session.run(feeds), close };
    },
  };
  const host = new ModelHost(runtime, { scoreThreshold: 0.3 });
  await host.load({ kind: "network", network: tinyNetwork, weights: weightsOf(1), generation: 0, vocabulary: vocabulary() }, [{ width: 64, height: 48 }, { width: 80, height: 48 }, { width: 33, height: 65 }]);
  await t.throwsAsync(() => host.unload(), { message: "not this one" });
  t.is(open, 1);
  await t.notThrowsAsync(() => host.unload(), "it is not tried again");
});
