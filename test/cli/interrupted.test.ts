import test from "ava";
import type { Summary } from "../../sdk/cli/summary.js";
import { main } from "../../sdk/cli/main.js";
import { json } from "../support/command.js";
import { tinyBundle } from "../support/tiny-bundle.js";

const bundle = await tinyBundle();
test.after.always(() => bundle.remove());

test("a run that is interrupted while what was learnt is measured ends at once, and in order", async (t) => {
  let [out, measured] = ["", 0];
  const err = (text: string): void => {
    if (text.includes("measuring") && measured++ === 0) process.emit("SIGINT");
  };
  // On a terminal progress is told often.
  const code = await main(["run", "--bundle", bundle.directory, "--frames", "3", "--fps", "0", "--headless", "--port", "0", "--no-adaptation", "--json"], { out: (text) => (out += text), err, isTerminal: true });
  t.is(code, 0);
  const { framesIn, miou, miouOn } = json(out) as unknown as Summary;
  t.deepEqual([framesIn, miou, miouOn], [3, { before: null, after: null }, "not measured: interrupted"]);
  t.is(measured, 1);
});
