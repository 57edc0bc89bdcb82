import { once } from "node:events";
import { Worker } from "node:worker_threads";
import test from "ava";
import { NightshiftError } from "../../sdk/errors.js";
import { Random } from "../../sdk/random.js";
import { examine } from "./examine.js";
import { inputsIn } from "./store.js";
import { offspring, type Target, targetNames, targets } from "./targets.js";
import type { WorkerOrder } from "./worker.js";

for (const name of targetNames) {
  // One at a time, as time and memory are those of the process.
  test.serial(`${name}: what once broke a promise does no more, nor does what fuzzing kept, nor some hundred inputs like them`, async (t) => {
    const target: Target = targets[name];
    const [seeds, corpus] = [await target.seeds(), inputsIn("corpus", name)];
    for (const seed of seeds) await t.notThrowsAsync(async () => target.parse(seed), "a seed is valid");
    const random = new Random(5, name);
    const like = Array.from({ length: 100 }, () => offspring(target, [...seeds, ...corpus], random));
    for (const input of [...inputsIn("findings", name), ...corpus, ...like]) t.is(await examine(target, input), undefined, Buffer.from(input).toString("base64"));
  });
}

test.serial("what is nested without end, or opened without end, is refused soon", async (t) => {
  const deep = `${"[".repeat(100_000)}${"]".repeat(100_000)}`;
  const header = Buffer.from(`{"a":{"dtype":"F32","shape":${deep},"data_offsets":[0,0]}}`);
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(header.length));
  const inputs: readonly [keyof typeof targets, Uint8Array][] = [
    ["safetensors", Buffer.concat([length, header])],
    ["manifest", Buffer.from(`{"network":${deep}}`)],
    ["page", Buffer.from(`{"type":"setVocabulary","names":${deep}}`)],
    ["classes", Buffer.from(`{"boxes":${deep}}`)],
    ["signature", Buffer.from(`{"algorithm":${deep}}`)],
    ["voc", Buffer.from(`<annotation>${"<object>".repeat(100_000)}`)],
    ["onnx", Buffer.alloc(200_000, 0x0b)],
  ];
  for (const [name, input] of inputs) t.is(await examine(targets[name], input), undefined, name);
});

test.serial("another error than our own is told, and so are time and memory that an input does not account for", async (t) => {
  const refuses = (): never => {
    throw new NightshiftError("E_CONTROL", { expected: "", received: "", remedy: "" });
  };
  const breaks = (): never => {
    throw new TypeError("of undefined");
  };
  const dawdles = (): void => {
    const began = process.cpuUsage();
    while (process.cpuUsage(began).user < 30_000);
  };
  const held: Uint8Array[] = [];
  const seeds = (): Uint8Array[] => [];
  t.is(await examine({ parse: refuses, seeds }, new Uint8Array()), undefined);
  t.regex((await examine({ parse: breaks, seeds }, new Uint8Array())) ?? "", /of undefined/);
  t.regex((await examine({ parse: dawdles, seeds }, new Uint8Array(), 20)) ?? "", /^took \d+ ms$/);
  t.regex((await examine({ parse: () => held.push(new Uint8Array(300 * 2 ** 20)), seeds }, new Uint8Array(3))) ?? "", /took 300 MiB for 3 bytes/);
});

test.serial("how many inputs were begun is told from the first on, so that going through what was kept is not taken for one that hangs", async (t) => {
  const corpus = inputsIn("corpus", "ppm");
  const order: WorkerOrder = { name: "ppm", seed: 1, corpus, shared: new SharedArrayBuffer(8 + 64 * 1024), milliseconds: 0 };
  await once(new Worker(new URL("worker.js", import.meta.url), { workerData: order }), "exit");
  t.is(new Uint32Array(order.shared, 0, 2)[1], corpus.length + targets.ppm.seeds().length);
});
