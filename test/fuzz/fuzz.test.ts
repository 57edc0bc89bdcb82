import test from "ava";
import { NightshiftError } from "../../sdk/errors.js";
import { Random } from "../../sdk/random.js";
import { examine } from "./examine.js";
import { inputsIn } from "./store.js";
import { offspring, type Target, targetNames, targets } from "./targets.js";

for (const name of targetNames) {
  test(`${name}: what once broke a promise does no more, nor does what fuzzing kept, nor some hundred inputs like them`, async (t) => {
    const target: Target = targets[name];
    const [seeds, corpus] = [await target.seeds(), inputsIn("corpus", name)];
    for (const seed of seeds) await t.notThrowsAsync(async () => target.parse(seed), "a seed is valid");
    const random = new Random(5, name);
    const like = Array.from({ length: 100 }, () => offspring(target, [...seeds, ...corpus], random));
    for (const input of [...inputsIn("findings", name), ...corpus, ...like]) t.is(await examine(target, input), undefined, Buffer.from(input).toString("base64"));
  });
}

test("another error than our own is told, and so is memory that an input does not account for", async (t) => {
  const refuses = (): never => {
    throw new NightshiftError("E_CONTROL", { expected: "", received: "", remedy: "" });
  };
  const breaks = (): never => {
    throw new TypeError("of undefined");
  };
  const held: Uint8Array[] = [];
  const seeds = (): Uint8Array[] => [];
  t.is(await examine({ parse: refuses, seeds }, new Uint8Array()), undefined);
  t.regex((await examine({ parse: breaks, seeds }, new Uint8Array())) ?? "", /of undefined/);
  t.regex((await examine({ parse: () => held.push(new Uint8Array(300 * 2 ** 20)), seeds }, new Uint8Array(3))) ?? "", /took 300 MiB for 3 bytes/);
});
