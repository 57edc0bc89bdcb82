import test from "ava";
import { nativeStatus } from "../../../sdk/engine/native.js";
import { TensorRtEngine } from "../../../sdk/engine/tensorrt/engine.js";
import { json, nightshift } from "../../support/command.js";
import { absent } from "../../support/absent.js";

const { module, tensorRt, devices } = nativeStatus();
const missing = [module, tensorRt, devices].flatMap((part) => ("missing" in part ? [part.missing] : []))[0];

test("TensorRT that is not there is an error that says what is missing first, and nothing takes its place", async (t) => {
  if (!missing) return absent(t, "TensorRT is there");
  t.throws(() => new TensorRtEngine(), { message: missing.message });
  for (const argv of [["build", "--target", "tensorrt"], ["run", "--engine", "tensorrt", "--headless", "--port", "0", "--frames", "1"]]) {
    const { code, out, err } = await nightshift(...argv, "--bundle", "rendered", "--json");
    t.is(code, 1, err);
    t.like(json(out), { error: { code: missing.code, remedy: missing.remedy } });
  }
});
