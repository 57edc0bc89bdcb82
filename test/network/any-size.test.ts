import test from "ava";
import { vocabularyFeeds } from "../../sdk/engine/feeds.js";
import { OnnxSession } from "../../sdk/engine/onnxruntime.js";
import { runModel } from "../../sdk/engine/run.js";
import { textWidth } from "../../sdk/network/contract.js";
import { inferenceModel } from "../../sdk/network/inference.js";
import { tinyNetwork } from "../bundle/contents.js";
import { frameOf, vocabulary, weightsOf } from "../engine/models.js";

const weights = weightsOf(1);
const words = vocabularyFeeds(vocabulary(), textWidth);
const { width, height } = tinyNetwork;

test("a graph for frames of any size answers each as the graph for its size, to the bit", async (t) => {
  const session = await OnnxSession.create(inferenceModel(tinyNetwork, weights, { names: 16 }));
  for (const frame of [{ width: 150, height: 91 }, { width, height }, { width: 16, height: 17 }, { width: 150, height: 91 }]) {
    const feeds = { frame: { dtype: "uint8", shape: [1, frame.height, frame.width, 3], data: frameOf(3, frame.width, frame.height).rgb }, ...words } as const;
    t.deepEqual(await session.run(feeds), await runModel(inferenceModel(tinyNetwork, weights, { frame, names: 16 }), feeds));
  }
  await session.close();
});

test("for TensorRT a graph without a size takes frames of the network's", (t) => {
  const sized = inferenceModel(tinyNetwork, weights, { frame: { width, height }, names: 16, target: "tensorrt" });
  t.deepEqual(inferenceModel(tinyNetwork, weights, { names: 16, target: "tensorrt" }), sized);
});
