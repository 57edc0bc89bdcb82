import test, { type ExecutionContext } from "ava";
import { deployedGraph, deployedModel } from "../../sdk/engine/deployed.js";
import { SwappableEngine } from "../../sdk/engine/hot-swap.js";
import { ThreadEngine } from "../../sdk/engine/thread-engine.js";
import { modelKey } from "../../sdk/engine/tensorrt/key.js";
import { tinyNetwork } from "../bundle/contents.js";
import { allInHalf } from "../support/half.js";
import { bundleOf, frameOf, vocabulary, weightsOf } from "./models.js";

const halfBundle = (t: ExecutionContext, generation: number): Promise<string> => bundleOf(t, generation, (weights) => allInHalf({ network: tinyNetwork, weights }));

test("an engine serves a bundle in float16, frames of any size, and swaps to the next generation and back", async (t) => {
  const engine = new SwappableEngine(() => new ThreadEngine({ threads: 1 }));
  t.teardown(() => engine.close());
  await engine.load({ kind: "bundle", directory: await halfBundle(t, 0) }, [{ width: 80, height: 48 }]);
  const first = await engine.infer(frameOf(4));
  t.is(first.generation, 0);
  t.true(first.valid);
  await engine.swap({ kind: "bundle", directory: await halfBundle(t, 1) });
  t.notDeepEqual((await engine.infer(frameOf(4))).mask, first.mask);
  await engine.rollBack();
  t.deepEqual((await engine.infer(frameOf(4))).mask, first.mask);
});

test("float16 answers nearly as float does, and is not float", async (t) => {
  const weights = weightsOf(1);
  const frame = frameOf(1, tinyNetwork.width, tinyNetwork.height);
  const engine = new ThreadEngine({ threads: 1 });
  t.teardown(() => engine.close());
  const model = { kind: "network", network: tinyNetwork, weights, generation: 0, vocabulary: vocabulary() } as const;
  await engine.load(model);
  const float = await engine.infer(frame);
  await engine.load({ ...model, quantisation: await allInHalf(model) });
  const half = await engine.infer(frame);
  const same = float.mask.filter((value, at) => value === half.mask[at]).length / float.mask.length;
  t.true(same > 0.97, `${same}`);
  const apart = Math.abs((float.boxes[0]?.score ?? NaN) - (half.boxes[0]?.score ?? NaN));
  t.true(apart < 0.01, `${apart}`);
});

test("TensorRT is given float16 in its types, whatever the camera's size, and half the weights' bytes", async (t) => {
  const weights = weightsOf(1);
  const deployable = { network: tinyNetwork, weights, quantisation: await allInHalf({ network: tinyNetwork, weights }) };
  const options = { frame: { width: 150, height: 91 }, names: 16, target: "tensorrt", halves: "typed" } as const;
  const graph = await deployedGraph(deployable, options);
  const [types, borders] = [graph.nodes.map(({ outputs }) => outputs[0].dtype), [...graph.inputs, ...graph.outputs.map(({ value }) => value)].map(({ dtype }) => dtype)];
  t.true(types.filter((type) => type === "float16").length > types.length / 2);
  t.false(borders.includes("float16"));
  t.is(modelKey(await deployedModel(deployable, options)).precision, "float16");
  t.true((await deployedModel(deployable, options)).length < (await deployedModel({ network: tinyNetwork, weights }, options)).length);
});
