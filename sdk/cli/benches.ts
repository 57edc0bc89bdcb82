import type { Recompute } from "../autodiff/recompute.js";
import type { Trainable } from "../network/trainable.js";

/** What a bench is asked for on the command line; each takes what means something to it. */
export interface BenchOptions {
  readonly seconds?: number;
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

/** Measures and answers with plain figures. */
export type Bench = (options: BenchOptions) => Promise<Readonly<Record<string, unknown>>>;

/** Every bench: what it measures, and where it is, loaded when asked for. One more is one line. */
export const benches: Readonly<Record<string, { readonly what: string; readonly load: () => Promise<Bench> }>> = {
  decode: { what: "camera frames to a real subscriber, beside bare session.run of the same graph", load: async () => (await import("./bench/decode.js")).bench },
  judge: { what: "harmful and helpful updates, of which the judge should let none and all pass", load: async () => (await import("./bench/judge.js")).bench },
  native: { what: "what the native module does, frames and inference, beside TypeScript and libraries", load: async () => (await import("./bench/native.js")).bench },
  precision: { what: "a bundle in int8 beside its weights in float: frames a second, and where the time goes, by operator and layer", load: async () => (await import("./bench/precision.js")).bench },
  publish: { what: "publisher to subscriber over tcp and ipc, beside bare zeromq; and ten subscribers, one stuck", load: async () => (await import("./bench/publish.js")).bench },
  scale: { what: "training steps of SegFormer on MiT-B0, B1 and B5 and of CLIP's text towers: parameters, time and peak memory by size of input, with slopes", load: async () => (await import("./bench/scale.js")).bench },
  serve: { what: "latency of cameras on one engine while a trainer learns beside them at 25, 50 and 100 % of the time, and while none does", load: async () => (await import("./bench/serve.js")).bench },
  soak: { what: "a live camera at full rate, the trainer cycling, two subscribers and a fault every minute: losses outside the faults' windows, memory, generations (60 minutes by default)", load: async () => (await import("./bench/soak.js")).bench },
  swap: { what: "swaps of generations under a live stream, beside the same run without", load: async () => (await import("./bench/swap.js")).bench },
  "swap-policy": { what: "ways to change the weights that serve, by engine: a second one, one refitted, weights as inputs: time, memory, speed, and how late frames are meanwhile", load: async () => (await import("./bench/swap-policy.js")).bench },
  operators: { what: "each operator forward and backward at the default network's sizes, beside PyTorch where it is there", load: async () => (await import("./bench/operators.js")).bench },
  parity: { what: "ten training steps by this library and by PyTorch: how far each tensor's update is apart, in float64 and float32", load: async () => (await import("./bench/parity.js")).bench },
  "train-step": { what: "a training step, with --native beside the same from the native module, with --peer beside PyTorch eager", load: async () => (await import("./bench/train-step.js")).bench },
};
