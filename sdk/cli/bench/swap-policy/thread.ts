import { Worker } from "node:worker_threads";
import type { Tensors } from "../../../engine/onnxruntime.js";
import type { Numbered } from "../../../engine/protocol.js";
import { errorOf, type Failure } from "../../../errors.js";
import type { Weights } from "../../../graph/tensor.js";
import type { Network } from "../../../network/architecture.js";
import type { InferenceOptions } from "../../../network/inference.js";
import type { SwapPolicy } from "./policies.js";

export interface EngineSetup {
  readonly policy: SwapPolicy;
  readonly network: Network;
  /** Of the generation that an engine is built for first. */
  readonly base: Weights;
  readonly words: Tensors;
  readonly options: InferenceOptions;
  /** Constants that are inputs, where the policy has such. */
  readonly inputs: ReadonlySet<string>;
  readonly threads: number;
  /** Of TensorRT's engines. */
  readonly cache: string;
}

export type EngineRequest =
  /** Serves these weights from an engine of their own, warm. */
  | { readonly kind: "open"; readonly weights: Weights }
  /** What the inputs of an engine must be for these weights. */
  | { readonly kind: "inputs"; readonly weights: Weights }
  | { readonly kind: "exchange"; readonly tensors: Tensors }
  | { readonly kind: "run"; readonly rgb: Uint8Array }
  | { readonly kind: "close" };

export type EngineReply = { readonly kind: "done" } | { readonly kind: "inputs"; readonly tensors: Tensors } | { readonly kind: "failure"; readonly failure: Failure };

/** An engine in a thread of its own. */
export class EngineThread {
  readonly #worker: Worker;
  readonly #waiting = new Map<number, { readonly resolve: (reply: EngineReply) => void; readonly reject: (error: Error) => void }>();
  #count = 0;

  constructor(setup: EngineSetup) {
    this.#worker = new Worker(new URL("./worker.js", import.meta.url), { workerData: setup });
    this.#worker.on("message", ({ id, body }: Numbered<EngineReply>) => {
      const waiting = this.#waiting.get(id);
      this.#waiting.delete(id);
      if (body.kind === "failure") waiting?.reject(errorOf(body.failure));
      else waiting?.resolve(body);
    });
    this.#worker.on("error", (error: Error) => this.#waiting.forEach(({ reject }) => reject(error)));
  }

  async open(weights: Weights): Promise<void> {
    await this.#ask({ kind: "open", weights });
  }

  async inputs(weights: Weights): Promise<Tensors> {
    const reply = await this.#ask({ kind: "inputs", weights });
    return reply.kind === "inputs" ? reply.tensors : {};
  }

  async exchange(tensors: Tensors): Promise<void> {
    await this.#ask({ kind: "exchange", tensors }, buffersOf(tensors));
  }

  async run(rgb: Uint8Array): Promise<void> {
    await this.#ask({ kind: "run", rgb });
  }

  async close(): Promise<void> {
    await this.#ask({ kind: "close" });
  }

  #ask(body: EngineRequest, transfer: ArrayBuffer[] = []): Promise<EngineReply> {
    const id = this.#count++;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.#worker.postMessage({ id, body } satisfies Numbered<EngineRequest>, transfer);
    });
  }
}

/** What may be given away with tensors. */
export const buffersOf = (tensors: Tensors): ArrayBuffer[] => [...new Set(Object.values(tensors).map(({ data }) => data.buffer as ArrayBuffer))];
