import test from "ava";
import { constantsOf, folded, generationsOf } from "../../sdk/cli/bench/swap-policy/generations.js";
import { readBundle } from "../../sdk/bundle/index.js";
import { runModel } from "../../sdk/engine/run.js";
import { writeOnnx } from "../../sdk/graph/onnx/write.js";
import { rewritten } from "../../sdk/graph/rewrite.js";
import { inputNames } from "../../sdk/network/contract.js";
import { frameOf } from "../engine/models.js";
import { json, nightshift } from "../support/command.js";
import { tinyBundle } from "../support/tiny-bundle.js";

const made = await tinyBundle(0);
test.after.always(() => made.remove());

test("a graph of one generation that takes weights as inputs answers as the other does, given the other's", async (t) => {
  const bundle = await readBundle(made.directory);
  const { weights, differing, words, options } = await generationsOf(bundle, "decoder", "onnxruntime");
  const [one, other] = [await folded(bundle, weights[0], options), await folded(bundle, weights[1], options)];
  const inputs = new Set(differing.keys());
  t.true(inputs.size > 0 && [...inputs].some((name) => name.startsWith("decoder")) && inputs.size < constantsOf(one).size);
  const { width, height } = bundle.network;
  const frame = { dtype: "uint8", shape: [1, height, width, 3], data: frameOf(1, width, height).rgb } as const;
  const feeds = { [inputNames.frame]: frame, ...words };
  const [before, after] = [await runModel(writeOnnx(one), feeds), await runModel(writeOnnx(other), feeds)];
  const given = await runModel(writeOnnx(rewritten(one, { inputs })), { ...feeds, ...Object.fromEntries(differing) });
  t.notDeepEqual(before.mask_score, after.mask_score);
  const apart = Math.max(...[...after.boxes.data].map((value, at) => Math.abs(Number(value) - Number(given.boxes.data[at]))));
  t.true(apart < 1e-2, `${apart}`);
  t.deepEqual(given.mask, after.mask);
});

test("the bench measures ONNX Runtime's policies, and says why TensorRT's are not run", async (t) => {
  const { code, out, err } = await nightshift("bench", "swap-policy", "--bundle", made.directory, "--threads", "1", "--count", "2", "--trains", "decoder", "--json");
  t.is(code, 0, err);
  const { onnxruntime, tensorrt } = json(out) as { onnxruntime: Record<string, { swapMs: { median: number }; frameMs: { median: number }; residentMb: number }>; tensorrt: Record<string, unknown> };
  t.deepEqual(Object.keys(onnxruntime), ["second session", "weights as inputs"]);
  for (const { swapMs, frameMs, residentMb } of Object.values(onnxruntime)) t.true(swapMs.median > 0 && frameMs.median > 0 && residentMb > 0);
  if ("notRun" in tensorrt) t.regex(String(tensorrt.notRun), /^E_(NATIVE|GPU|TENSORRT)/);
  else t.deepEqual(Object.keys(tensorrt), ["rebuild", "refit", "weights as inputs"]);
});
