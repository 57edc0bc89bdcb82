/** `npm run fuzz`: fuzzes the parsers one after the other, each for its part of the time. What breaks a promise is kept in `findings`, where `npm test` runs it. */
import { parseArgs } from "node:util";
import { Worker } from "node:worker_threads";
import { longestMs } from "./examine.js";
import { inputsIn, keepCorpus, keepFinding } from "./store.js";
import { type TargetName, targetNames } from "./targets.js";
import type { FromWorker, WorkerOrder } from "./worker.js";

const usage = `npm run fuzz -- [--minutes N] [--target NAME]... [--seed N] [--keep]
  --minutes N    in all, shared among the targets (default: 2)
  --target NAME  only this one of ${targetNames.join(", ")}
  --seed N       of the inputs (default: the time)
  --keep         put what covered something new into test/fuzz/corpus`;

/** V8's heap; what lies outside of it is measured input by input. */
const mostHeapMb = 512;
const sharedBytes = 8 + 64 * 1024;

interface Outcome {
  readonly runs: number;
  readonly covered: number;
  readonly findings: number;
  readonly news: readonly Uint8Array[];
}

/** Fuzzes one target until its time is over; an input that hangs or takes the heap ends the thread, and the next goes on. */
async function fuzz(name: TargetName, seed: number, milliseconds: number): Promise<Outcome> {
  const end = performance.now() + milliseconds;
  let total: Outcome = { runs: 0, covered: 0, findings: 0, news: [] };
  for (let restarts = 0; performance.now() < end && restarts < 20; restarts++) {
    const { runs, covered, findings, news } = await oneThread(name, seed + restarts, [...inputsIn("corpus", name), ...total.news], end - performance.now());
    total = { runs: total.runs + runs, covered: Math.max(total.covered, covered), findings: total.findings + findings, news: [...total.news, ...news] };
  }
  return total;
}

function oneThread(name: TargetName, seed: number, corpus: readonly Uint8Array[], milliseconds: number): Promise<Outcome> {
  const shared = new SharedArrayBuffer(sharedBytes);
  const order: WorkerOrder = { name, seed, corpus, shared, milliseconds };
  const worker = new Worker(new URL("worker.js", import.meta.url), { workerData: order, resourceLimits: { maxOldGenerationSizeMb: mostHeapMb } });
  let [runs, covered, findings] = [0, 0, 0];
  const news: Uint8Array[] = [];
  const found = (input: Uint8Array, what: string): void => {
    findings++;
    keepFinding(name, input);
    console.log(`FOUND in ${name}, ${input.length} bytes (kept in test/fuzz/findings/${name}.txt):\n${what.split("\n").slice(0, 6).join("\n")}\n`);
  };
  const head = new Uint32Array(shared, 0, 2);
  const underWay = (): Uint8Array => new Uint8Array(shared.slice(8, 8 + (head[0] ?? 0)));
  return new Promise((resolve) => {
    let [last, lastBegun] = [performance.now(), 0];
    const clock = setInterval(() => {
      const begun = head[1] ?? 0;
      // Before the first there is none that could hang: the parsers are loaded, which takes a busy machine long.
      if (begun !== lastBegun || begun === 0) [last, lastBegun] = [performance.now(), begun];
      if (performance.now() - last < longestMs) return;
      found(underWay(), `took longer than ${longestMs} ms`);
      void worker.terminate();
    }, 500);
    worker.on("message", (message: FromWorker) => {
      if (message.kind === "alive") ({ runs, covered } = message);
      else if (message.kind === "news") news.push(message.input);
      else if (message.kind === "finding") found(message.input, message.what);
    });
    worker.on("error", (error) => found(underWay(), String(error)));
    worker.on("exit", () => {
      clearInterval(clock);
      resolve({ runs, covered, findings, news });
    });
  });
}

const { values } = parseArgs({ options: { minutes: { type: "string" }, target: { type: "string", multiple: true }, seed: { type: "string" }, keep: { type: "boolean" }, help: { type: "boolean" } } });
const [minutes, seed] = [Number(values.minutes ?? 2), Number(values.seed ?? Date.now() % 1e9)];
const chosen = targetNames.filter((name) => values.target?.includes(name) ?? true);
if (values.help || !(minutes > 0) || !Number.isInteger(seed) || chosen.length < (values.target?.length ?? 1)) {
  console.log(usage);
  process.exit(values.help ? 0 : 2);
}
console.log(`Seed ${seed}; ${minutes} minutes for ${chosen.length} targets.`);
let findings = 0;
for (const name of chosen) {
  const started = performance.now();
  const outcome = await fuzz(name, seed, (minutes * 60_000) / chosen.length);
  findings += outcome.findings;
  if (values.keep) keepCorpus(name, [...inputsIn("corpus", name), ...outcome.news]);
  const seconds = (performance.now() - started) / 1000;
  console.log(`${name.padEnd(12)} ${outcome.runs} inputs in ${seconds.toFixed(0)} s, ${outcome.covered} blocks covered, ${outcome.news.length} new, ${outcome.findings} findings`);
}
process.exitCode = findings > 0 ? 1 : 0;
