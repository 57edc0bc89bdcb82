import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { OnnxSession, type Tensors } from "../../engine/onnxruntime.js";
import { NightshiftError } from "../../errors.js";
import { Graph } from "../../graph/graph.js";
import { add } from "../../graph/ops.js";
import { writeOnnx } from "../../graph/onnx/write.js";
import { float32, type Tensor } from "../../graph/tensor.js";
import { median, quantile } from "../../quantile.js";
import type { Bench } from "../benches.js";
import { networkCases, type NetworkCase } from "./network-cases.js";
import { backwardGraph, forwardGraph } from "./operator-case.js";
import { OperatorPeer } from "./operator-peer.js";
import { rounded } from "./statistics.js";

/** Blocks of each side, which take turns. */
const defaultBlocks = 5;
/** A block lasts about so long, so that short operators are run often. */
const blockMs = 20;
const mostRuns = 200;
/** How far the two may be apart, as a share of a tensor's length (L2), before their times are not compared. */
const tolerance = 1e-3;

type Spread = readonly [number, number];

interface Timed {
  readonly ms: number;
  readonly spread: Spread;
  readonly peerMs?: number;
  readonly peerSpread?: Spread;
  /** Ours as a share of the peer's. Missing where the peer moves no number, and only sees the given ones in another way. */
  readonly ratio?: number;
}

interface OperatorFigures {
  readonly operator: string;
  readonly inputs: string;
  readonly isOwn: boolean;
  readonly forward: Timed;
  /** Of operators that have a gradient. */
  readonly backward?: Timed;
}

/**
 * Each operator's forward and backward pass at the sizes of the default network, on ONNX Runtime as the training step runs it, beside PyTorch eager's on as many threads. A backward pass is given
 * what the forward pass computed, on either side. Worst first.
 */
export const bench: Bench = ({ threads = 2, count = defaultBlocks, peer, onProgress }) => measureOperators(networkCases(), { threads, blocks: count, peer, onProgress });

export interface OperatorOptions {
  readonly threads: number;
  /** Of runs, of each side. */
  readonly blocks: number;
  /** The Python to compare with: `python3` where it has PyTorch, unless told otherwise. */
  readonly peer: string | undefined;
  readonly onProgress: (line: string) => void;
}

/** Throws `E_MISSING_TOOL` where the peer that was asked for cannot be run, `E_ENGINE` where it does not compute the same. */
export async function measureOperators(cases: readonly NetworkCase[], { threads, blocks, peer, onProgress }: OperatorOptions): Promise<Readonly<Record<string, unknown>>> {
  const folder = await mkdtemp(join(tmpdir(), "nightshift-bench-"));
  const { other, absent } = await peerOf(peer, threads, folder);
  try {
    const measured: OperatorFigures[] = [];
    for (const [at, given] of cases.entries()) {
      onProgress(`${given.operator}, ${at + 1} of ${cases.length}`);
      measured.push(await measure(given, other, threads, blocks));
    }
    return {
      operators: measured.toSorted((a, b) => badness(b, other !== undefined) - badness(a, other !== undefined)),
      // Of every run: what a training step, which runs all its operators in one call, pays once.
      callMs: await callMs(threads),
      peer: other?.version ?? `none: ${absent}`,
      threads,
      blocks,
    };
  } finally {
    await other?.close();
    await rm(folder, { recursive: true, force: true });
  }
}

/** PyTorch where it is; where it is not and nobody asked for it, why. */
async function peerOf(python: string | undefined, threads: number, folder: string): Promise<{ readonly other?: OperatorPeer; readonly absent?: string }> {
  try {
    return { other: await OperatorPeer.start(python ?? "python3", { threads, precision: "float32", folder }) };
  } catch (error) {
    if (python !== undefined || !(error instanceof NightshiftError) || error.code !== "E_MISSING_TOOL") throw error;
    return { absent: error.received };
  }
}

/** The worse of both directions: of the ratios, or where there is no peer of the milliseconds. */
const badness = ({ forward, backward }: OperatorFigures, hasPeer: boolean): number => Math.max(...[forward, backward].map((timed) => (hasPeer ? timed?.ratio : timed?.ms) ?? 0));

/** Runs a number of times, and answers with the milliseconds of each. */
type Run = (count: number) => Promise<readonly number[]>;

async function measure(given: NetworkCase, other: OperatorPeer | undefined, threads: number, blocks: number): Promise<OperatorFigures> {
  const feeds: Tensors = Object.fromEntries(given.inputs.map((tensor, at) => [`input_${at}`, tensor]));
  const forward = await Passes.open(forwardGraph(given), feeds, threads);
  const loaded = await other?.load(given);
  const open = [forward];
  try {
    const dys = Object.fromEntries(given.dys.flatMap((dy, at) => (dy ? [[`dy_${at}`, dy]] : [])));
    const backward = given.wrt.length > 0 ? await Passes.open(backwardGraph(given), { ...feeds, ...dys, ...forward.outputs }, threads) : undefined;
    if (backward) open.push(backward);
    refuseUnequal(given, { ...forward.outputs, ...backward?.outputs }, loaded?.sizes);
    const timed = async (passes: Passes, direction: "forward" | "backward"): Promise<Timed> => {
      const { ratio, ...figures } = await inTurns((count) => passes.run(count), other && ((count) => other.run(direction === "backward", count)), blocks);
      return ratio === undefined || loaded?.isView[direction] ? figures : { ...figures, ratio };
    };
    return {
      operator: given.operator,
      inputs: given.inputs.map(({ shape }) => shape.join("x") || "1").join(", "),
      isOwn: given.isOwn,
      forward: await timed(forward, "forward"),
      ...(backward && { backward: await timed(backward, "backward") }),
    };
  } finally {
    for (const passes of open) await passes.close();
  }
}

/** A graph's session, which writes to the same tensors at each run, as a training step's do. */
class Passes {
  private constructor(
    private readonly session: OnnxSession,
    private readonly feeds: Tensors,
    readonly outputs: Tensors,
  ) {}

  static async open(graph: Graph, all: Tensors, threads: number): Promise<Passes> {
    const session = await OnnxSession.create(writeOnnx(graph), { threads, memoryPattern: false });
    const feeds = Object.fromEntries(session.inputs.flatMap((name) => (all[name] ? [[name, all[name]]] : [])));
    return new Passes(session, feeds, await session.run(feeds));
  }

  async run(count: number): Promise<readonly number[]> {
    const ms: number[] = [];
    for (let done = 0; done < count; done++) {
      const start = performance.now();
      await this.session.run(this.feeds, this.outputs);
      ms.push(performance.now() - start);
    }
    return ms;
  }

  close(): Promise<void> {
    return this.session.close();
  }
}

/** Blocks of runs in turns, each of about the same time; who goes first changes. */
async function inTurns(ours: Run, theirs: Run | undefined, blocks: number): Promise<Timed> {
  const sides = await Promise.all([ours, theirs].map(async (run) => run && { run, ms: [] as number[] }));
  const counts: number[] = [];
  for (const side of sides) {
    // The first run warms up.
    const [, second = 1] = (await side?.run(2)) ?? [];
    counts.push(Math.min(mostRuns, Math.max(1, Math.round(blockMs / second))));
  }
  for (let block = 0; block < blocks; block++)
    for (const at of block % 2 === 0 ? [0, 1] : [1, 0]) {
      const side = sides[at];
      side?.ms.push(...(await side.run(counts[at] ?? 1)));
    }
  const [own, other] = sides.map((side) => side && { ms: rounded(median(side.ms), 4), spread: [rounded(quantile(side.ms, 0.25), 4), rounded(quantile(side.ms, 0.75), 4)] as const });
  if (!own) throw new Error("nothing was measured");
  return { ...own, ...(other && { peerMs: other.ms, peerSpread: other.spread, ratio: rounded(own.ms / other.ms, 2) }) };
}

/** Throws `E_ENGINE` where the two do not compute the same. */
function refuseUnequal({ operator }: NetworkCase, ours: Tensors, theirs: Readonly<Record<string, number>> | undefined): void {
  for (const [name, tensor] of Object.entries(ours)) {
    const other = theirs?.[name];
    const own = length(tensor);
    if (other === undefined || Math.abs(own - other) <= tolerance * Math.max(own, other, 1e-3)) continue;
    throw new NightshiftError("E_ENGINE", {
      expected: `${name} of ${operator} as PyTorch computes it, of length ${other}`,
      received: String(own),
      remedy: "Times of what is not the same cannot be compared; `npm run check:oracle` says which is wrong.",
    });
  }
}

const length = ({ data }: Tensor): number => {
  let squares = 0;
  for (const value of data) squares += Number(value) ** 2;
  return Math.sqrt(squares);
};

/** What a call costs that computes next to nothing. */
async function callMs(threads: number): Promise<number> {
  const graph = new Graph("call");
  graph.output("y", add(graph.input("x", "float32", [1]), 1));
  const passes = await Passes.open(graph, { x: float32([1], [1]) }, threads);
  const ms = await passes.run(mostRuns);
  await passes.close();
  return rounded(median(ms), 4);
}
