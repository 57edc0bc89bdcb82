/** A program of its own that serves under one policy, so that its memory is its own. Argument: `ServeSetup` as JSON. */
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { readBundle } from "../../../bundle/index.js";
import { sizeOf } from "../../../graph/tensor.js";
import type { Trainable } from "../../../network/trainable.js";
import { driveFrames } from "../looped-camera.js";
import { residentMb } from "../resident.js";
import { generationsOf } from "./generations.js";
import type { SwapPolicy } from "./policies.js";
import { Serving } from "./serving.js";

export interface ServeSetup {
  readonly policy: SwapPolicy;
  readonly bundle: string;
  readonly trains: Trainable;
  readonly threads: number;
  readonly cache: string;
}

export type ServeRequest =
  /** Frames one after the other. */
  | { readonly kind: "frames"; readonly count: number }
  /** Frames at a rate, until there were so many swaps and so many frames. */
  | { readonly kind: "stream"; readonly fps: number; readonly swaps: number; readonly frames: number };

export interface ServeAnswers {
  readonly framed: { readonly ms: readonly number[]; readonly residentMb: number };
  readonly streamed: {
    readonly swapMs: readonly number[];
    /** Frame periods after the next frame was due, of each frame. */
    readonly late: readonly number[];
    readonly residentMb: number;
    /** Of the graph's weights, those that differ between the generations. */
    readonly differing: { readonly tensors: number; readonly megabytes: number };
  };
}

function answer<K extends keyof ServeAnswers | "ready">(kind: K, what: object): void {
  process.stdout.write(`${JSON.stringify({ kind, ...what })}\n`);
}

async function main({ policy, bundle: directory, trains, threads, cache }: ServeSetup): Promise<void> {
  const bundle = await readBundle(directory, { verify: "model" });
  const { weights, differing, words, options } = await generationsOf(bundle, trains, policy.engine);
  const frames = driveFrames(bundle.network.width, bundle.network.height, 8);
  const beforeMb = residentMb("VmRSS");
  const inputs = new Set(policy.name === "weights as inputs" ? differing.keys() : []);
  const serving = await Serving.open({ policy, network: bundle.network, base: weights[0], words, options, inputs, threads, cache });
  const rgbOf = (at: number): Uint8Array => frames[at % frames.length].rgb;
  let generation = 0;
  answer("ready", { version: policy.name });
  for await (const line of createInterface({ input: process.stdin })) {
    const request = JSON.parse(line) as ServeRequest;
    if (request.kind === "frames") {
      const ms: number[] = [];
      for (let at = 0; at < request.count; at++) {
        const start = performance.now();
        await serving.run(rgbOf(at));
        ms.push(performance.now() - start);
      }
      answer("framed", { ms, residentMb: residentMb("VmRSS") - beforeMb } satisfies ServeAnswers["framed"]);
      continue;
    }
    const swapMs: number[] = [];
    const swapping = (async () => {
      for (let at = 0; at < request.swaps; at++) {
        generation = 1 - generation;
        const start = performance.now();
        await serving.swap(weights[generation === 0 ? 0 : 1]);
        swapMs.push(performance.now() - start);
      }
    })();
    const late: number[] = [];
    const start = performance.now();
    for (let at = 0; at < request.frames || swapMs.length < request.swaps; at++) {
      const due = start + (at * 1000) / request.fps;
      if (due > performance.now()) await sleep(due - performance.now());
      await serving.run(rgbOf(at));
      late.push(Math.max(0, ((performance.now() - due) * request.fps) / 1000 - 1));
    }
    await swapping;
    const numbers = [...differing.values()].reduce((sum, { shape }) => sum + sizeOf(shape), 0);
    answer("streamed", { swapMs, late, residentMb: residentMb("VmRSS") - beforeMb, differing: { tensors: differing.size, megabytes: (numbers * 4) / 1e6 } } satisfies ServeAnswers["streamed"]);
  }
  await serving.close();
}

const [setup] = process.argv.slice(2);
if (setup) await main(JSON.parse(setup) as ServeSetup);
