import test, { type ExecutionContext } from "ava";
import { deployedModel } from "../../sdk/engine/deployed.js";
import { SwappableEngine } from "../../sdk/engine/hot-swap.js";
import { ThreadEngine } from "../../sdk/engine/thread-engine.js";
import { tinyNetwork } from "../bundle/contents.js";
import { quantisationOf } from "../support/int8.js";
import { bundleOf, frameOf, vocabulary, weightsOf } from "./models.js";

const { width, height } = tinyNetwork;
const frames = [1, 2, 3].map((sequence) => frameOf(sequence, width, height));

const int8Bundle = (t: ExecutionContext, generation: number): Promise<string> => bundleOf(t, generation, (weights) => quantisationOf({ network: tinyNetwork, weights }, vocabulary(), frames));

test("an engine serves a bundle in int8, frames of any size, and swaps to the next generation and back", async (t) => {
  const engine = new SwappableEngine(() => new ThreadEngine({ threads: 1 }));
  t.teardown(() => engine.close());
  await engine.load({ kind: "bundle", directory: await int8Bundle(t, 0) }, [{ width: 80, height: 48 }]);
  const first = await engine.infer(frameOf(4));
  t.is(first.generation, 0);
  t.true(first.valid);
  await engine.swap({ kind: "bundle", directory: await int8Bundle(t, 1) });
  const second = await engine.infer(frameOf(4));
  t.is(second.generation, 1);
  t.notDeepEqual(second.mask, first.mask);
  await engine.rollBack();
  t.deepEqual((await engine.infer(frameOf(4))).mask, first.mask);
});

test("int8 answers nearly as float does, and is not float", async (t) => {
  const weights = weightsOf(1);
  const quantisation = await quantisationOf({ network: tinyNetwork, weights }, vocabulary(), frames);
  const engine = new ThreadEngine({ threads: 1 });
  t.teardown(() => engine.close());
  const model = { kind: "network", network: tinyNetwork, weights, generation: 0, vocabulary: vocabulary() } as const;
  await engine.load(model);
  const float = await engine.infer(frames[0]);
  await engine.load({ ...model, quantisation });
  const int8 = await engine.infer(frames[0]);
  const same = float.mask.filter((value, at) => value === int8.mask[at]).length / float.mask.length;
  t.true(same > 0.8, `${same}`);
  t.notDeepEqual(int8.maskScore, float.maskScore);
});

test("the deployed graph is smaller, and ranges that are another network's are refused", async (t) => {
  const weights = weightsOf(1);
  const options = { frame: { width: 80, height: 48 }, names: 16 } as const;
  const quantisation = await quantisationOf({ network: tinyNetwork, weights }, vocabulary(), frames);
  const [float, int8] = [await deployedModel({ network: tinyNetwork, weights }, options), await deployedModel({ network: tinyNetwork, weights, quantisation }, options)];
  t.not(float.length, int8.length);
  const symmetric = await quantisationOf({ network: tinyNetwork, weights }, vocabulary(), frames, "symmetric");
  t.true((await deployedModel({ network: tinyNetwork, weights, quantisation: symmetric }, { ...options, target: "tensorrt" })).length > 0, "ranges go by names that TensorRT's graph has too");
  await t.throwsAsync(deployedModel({ network: tinyNetwork, weights, quantisation: { ...quantisation, layers: new Set(["Conv_1000"]) } }, options), { code: "E_BUNDLE_FORMAT", message: /Conv_1000/ });
});
