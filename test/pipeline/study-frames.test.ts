import test from "ava";
import { openFrames } from "../../sdk/pipeline/study-frames.js";

const drive = { seed: 5, length: 6, condition: "day" } as const;

test("frames are asked for in other words, masks and boxes alike", async (t) => {
  const [plain, called] = [await openFrames({ drive }, "."), await openFrames({ drive, called: { sidewalk: "pavement", car: "automobile" } }, ".")];
  t.is(called.names.indexOf("pavement"), plain.names.indexOf("sidewalk"));
  t.false(called.names.includes("sidewalk"));
  t.deepEqual(called.boxNames, plain.boxNames.map((name) => (name === "car" ? "automobile" : name)));
  let cars = 0;
  for (let index = 0; index < drive.length; index++) {
    const [before, after] = [await plain.sample(index), await called.sample(index)];
    t.deepEqual(after.mask, before.mask);
    t.deepEqual(after.boxes?.map(({ label }) => label), before.boxes?.map(({ label }) => (label === "car" ? "automobile" : label)));
    cars += before.boxes?.filter(({ label }) => label === "car").length ?? 0;
  }
  t.true(cars > 0);
});

test("a name that is not there, or a word that is another's, is refused", async (t) => {
  await t.throwsAsync(openFrames({ drive, called: { kerb: "curb" } }, "."), { code: "E_CONFIG", message: /curb for kerb/ });
  await t.throwsAsync(openFrames({ drive, called: { sidewalk: "road" } }, "."), { code: "E_CONFIG" });
});
