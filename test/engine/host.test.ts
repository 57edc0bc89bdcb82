import test from "ava";
import { ModelHost } from "../../sdk/engine/host.js";
import { OnnxSession } from "../../sdk/engine/onnxruntime.js";
import type { Runtime } from "../../sdk/engine/session.js";
import { tinyNetwork } from "../bundle/contents.js";
import { bundleOf, vocabulary, weightsOf } from "./models.js";

test("of a bundle, sessions stay for the cameras' sizes, and one that its golden outputs alone needed does not", async (t) => {
  const open = new Map<OnnxSession, string>();
  const runtime: Runtime = {
    target: "onnxruntime",
    halves: "rounded",
    open: async (model, name) => {
      const session = await OnnxSession.create(model);
      open.set(session, /\d+x\d+/.exec(name)?.[0] ?? name);
      return { run: (feeds) => session.run(feeds), close: () => (open.delete(session), session.close()) };
    },
  };
  const directory = await bundleOf(t, 0);
  const host = new ModelHost(runtime, { scoreThreshold: 0.3 });
  const sizes = async (frames: { width: number; height: number }[]) => (await host.load({ kind: "bundle", directory }, frames), [...open.values()]);
  t.deepEqual(await sizes([]), ["128x64"], "no camera is known: it may be of that size");
  t.deepEqual(await sizes([{ width: 64, height: 48 }]), ["64x48"]);
  t.deepEqual(await sizes([{ width: 128, height: 64 }, { width: 64, height: 48 }]), ["128x64", "64x48"]);
  await host.unload();
  t.deepEqual([...open.values()], []);
});

test("a session that cannot be closed is told of, and keeps none of the others open", async (t) => {
  let open = 0;
  const runtime: Runtime = {
    target: "onnxruntime",
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
