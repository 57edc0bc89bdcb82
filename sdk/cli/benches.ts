import type { Recompute } from "../autodiff/recompute.js";
import type { Trainable } from "../network/trainable.js";

/** What a bench is asked for on the command line; each takes what means something to it. */
export interface BenchOptions {
  /** Frames, steps, swaps or harmful updates. */
  readonly count?: number;
  readonly threads?: number;
  readonly bundle?: string;
  /** How long a bench takes that runs in rounds. */
  readonly minutes?: number;
  readonly cameras?: number;
  /** A program to compare with, such as `python3`. */
  readonly peer?: string;
  /** Whether what the native module does is measured too, where a bench can. */
  readonly native?: boolean;
  /** Which training step. */
  readonly step?: "lmc" | "supervised";
  /** Which parameters learn in it. */
  readonly trains?: Trainable;
  /** Whether activations are kept, or computed again. */
  readonly recompute?: Recompute;
  /** Names of models, where a bench has several. */
  readonly models?: readonly string[];
  /** Where a plot goes, as SVG, where a bench has one. */
  readonly plot?: string;
  /** A folder in which data and plots are kept. */
  readonly out?: string;
  readonly onProgress: (line: string) => void;
}

export type BenchOption = Exclude<keyof BenchOptions, "onProgress">;

/** Measures and answers with plain figures. */
export type Bench = (options: BenchOptions) => Promise<Readonly<Record<string, unknown>>>;

interface BenchEntry {
  readonly what: string;
  /** The options that mean something to it; others are refused. */
  readonly takes: readonly BenchOption[];
  /** Loaded when asked for. */
  readonly load: () => Promise<Bench>;
}

/** Every bench. One more is one line. */
export const benches: Readonly<Record<string, BenchEntry>> = {
  decode: { what: "camera frames to a real subscriber, beside bare session.run of the same graph", takes: ["bundle", "threads", "count"], load: async () => (await import("./bench/decode.js")).bench },
  judge: { what: "harmful and helpful updates, of which the judge should let none and all pass", takes: ["bundle", "threads", "count"], load: async () => (await import("./bench/judge.js")).bench },
  native: { what: "what the native module does, frames and inference, beside TypeScript and libraries", takes: ["bundle", "threads", "count"], load: async () => (await import("./bench/native.js")).bench },
  precision: { what: "a bundle in int8 beside its weights in float: frames a second, and where the time goes, by operator and layer", takes: ["bundle", "threads", "count"], load: async () => (await import("./bench/precision.js")).bench },
  publish: { what: "publisher to subscriber over tcp and ipc, beside bare zeromq; and ten subscribers, one stuck", takes: ["bundle", "count"], load: async () => (await import("./bench/publish.js")).bench },
  scale: { what: "training steps of SegFormer on MiT-B0, B1 and B5 and of CLIP's text towers: parameters, time and peak memory by size of input, with slopes", takes: ["models", "threads", "count", "recompute", "plot"], load: async () => (await import("./bench/scale.js")).bench },
  serve: { what: "latency of cameras on one engine while a trainer learns beside them at 25, 50 and 100 % of the time, and while none does", takes: ["bundle", "threads", "cameras", "minutes"], load: async () => (await import("./bench/serve.js")).bench },
  soak: { what: "a live camera at full rate, the trainer cycling, two subscribers and a fault every minute: losses outside the faults' windows, memory, generations (60 minutes by default)", takes: ["bundle", "threads", "minutes", "out"], load: async () => (await import("./bench/soak.js")).bench },
  swap: { what: "swaps of generations under a live stream, beside the same run without", takes: ["bundle", "threads", "count"], load: async () => (await import("./bench/swap.js")).bench },
  "swap-policy": { what: "ways to change the weights that serve, by engine: a second one, one refitted, weights as inputs: time, memory, speed, and how late frames are meanwhile", takes: ["bundle", "threads", "count", "trains"], load: async () => (await import("./bench/swap-policy.js")).bench },
  operators: { what: "each operator forward and backward at the default network's sizes, beside PyTorch where it is there", takes: ["threads", "count", "peer"], load: async () => (await import("./bench/operators.js")).bench },
  parity: { what: "ten training steps by this library and by PyTorch: how far each tensor's update is apart, in float64 and float32", takes: ["threads", "count", "peer", "trains"], load: async () => (await import("./bench/parity.js")).bench },
  "train-step": { what: "a training step, with --native beside the same from the native module, with --peer beside PyTorch eager", takes: ["bundle", "step", "trains", "recompute", "threads", "count", "peer", "native"], load: async () => (await import("./bench/train-step.js")).bench },
};
