import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { readSafetensors, writeSafetensors } from "../../graph/safetensors.js";
import type { Tensor } from "../../graph/tensor.js";
import { LineProcess } from "./line-process.js";
import type { OperatorCase } from "./operator-case.js";
import { peerScript } from "./peer.js";

type Request =
  | { readonly kind: "load"; readonly path: string }
  | { readonly kind: "run"; readonly backward: boolean; readonly count: number }
  | { readonly kind: "save"; readonly path: string };

interface Loaded {
  /** The length (L2) of each output and each gradient, by `output_<at>` and `gradient_<input>`. */
  readonly sizes: Readonly<Record<string, number>>;
  /** Of either direction, whether it answers numbers that it was given, seen in another way: no work at all. */
  readonly isView: Readonly<Record<"forward" | "backward", boolean>>;
}

interface Answers {
  readonly loaded: Loaded;
  readonly ran: { readonly ms: readonly number[] };
  readonly saved: object;
}

/** PyTorch in a process of its own, which computes one operator at a time. */
export class OperatorPeer {
  private constructor(
    private readonly process: LineProcess<Request, Answers>,
    private readonly folder: string,
    readonly version: string,
  ) {}

  /**
   * @param folder where cases may be left for a moment
   * @throws `E_CONFIG` for what is no Python, `E_MISSING_TOOL` where it cannot be run or lacks PyTorch
   */
  static async start(python: string, options: { readonly threads: number; readonly precision: "float32" | "float64"; readonly folder: string }): Promise<OperatorPeer> {
    const { process, version } = await LineProcess.start<Request, Answers>(peerScript(python, "operators.py"), [String(options.threads), options.precision]);
    return new OperatorPeer(process, options.folder, version);
  }

  /** Takes a case, and computes it once. */
  async load({ operator, attributes, inputs, wrt, dys }: OperatorCase): Promise<Loaded> {
    const path = join(this.folder, "case.safetensors");
    const tensors = new Map<string, Tensor>();
    inputs.forEach((tensor, at) => tensors.set(`input_${at}`, tensor));
    dys.forEach((tensor, at) => tensor && tensors.set(`dy_${at}`, tensor));
    await writeFile(path, writeSafetensors(tensors, { description: JSON.stringify({ operator, attributes, inputs: inputs.length, wrt }) }));
    return this.process.ask({ kind: "load", path }, "loaded");
  }

  /** Milliseconds of each run of the case, forward or backward alone. */
  async run(backward: boolean, count: number): Promise<readonly number[]> {
    return (await this.process.ask({ kind: "run", backward, count }, "ran")).ms;
  }

  /** The case's outputs and gradients, named as in `sizes`. */
  async results(): Promise<ReadonlyMap<string, Tensor>> {
    const path = join(this.folder, "results.safetensors");
    await this.process.ask({ kind: "save", path }, "saved");
    return readSafetensors(await readFile(path)).tensors;
  }

  close(): Promise<void> {
    return this.process.close();
  }
}
