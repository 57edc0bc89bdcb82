/** The thread that one engine of a policy lives in. */
import { type MessagePort, parentPort, workerData } from "node:worker_threads";
import { OnnxSession, type Tensors } from "../../../engine/onnxruntime.js";
import { engineFailure, type Numbered } from "../../../engine/protocol.js";
import type { Session } from "../../../engine/session.js";
import { TensorRtRuntime } from "../../../engine/tensorrt/runtime.js";
import { writeOnnx } from "../../../graph/onnx/write.js";
import { rewritten } from "../../../graph/rewrite.js";
import type { Tensor, Weights } from "../../../graph/tensor.js";
import { inputNames } from "../../../network/contract.js";
import { constantsOf, folded } from "./generations.js";
import { buffersOf, type EngineReply, type EngineRequest, type EngineSetup } from "./thread.js";

class Engine {
  #session: Session | undefined;
  #inputs: Tensors = {};
  #runtime: TensorRtRuntime | undefined;

  constructor(private readonly setup: EngineSetup) {}

  async open(weights: Weights): Promise<void> {
    const { width, height } = this.setup.network;
    const session = await this.#start(await this.#model(weights));
    const inputs = await this.inputs(weights);
    await this.#run(session, inputs, new Uint8Array(width * height * 3));
    const last = this.#session;
    [this.#session, this.#inputs] = [session, inputs];
    await last?.close();
  }

  async inputs(weights: Weights): Promise<Tensors> {
    const { network, options, inputs } = this.setup;
    if (inputs.size === 0) return {};
    return Object.fromEntries([...constantsOf(await folded({ network }, weights, options))].filter(([name]) => inputs.has(name)));
  }

  exchange(tensors: Tensors): void {
    this.#inputs = tensors;
  }

  async run(rgb: Uint8Array): Promise<void> {
    if (this.#session) await this.#run(this.#session, this.#inputs, rgb);
  }

  async close(): Promise<void> {
    await this.#session?.close();
  }

  async #run(session: Session, inputs: Tensors, rgb: Uint8Array): Promise<void> {
    const { network, words } = this.setup;
    const frame: Tensor = { dtype: "uint8", shape: [1, network.height, network.width, 3], data: rgb };
    await session.run({ [inputNames.frame]: frame, ...words, ...inputs });
  }

  async #model(weights: Weights): Promise<Uint8Array> {
    const { network, options, inputs } = this.setup;
    return writeOnnx(rewritten(await folded({ network }, weights, options), { inputs }));
  }

  async #start(model: Uint8Array): Promise<Session> {
    const { policy, threads, cache, base } = this.setup;
    if (policy.engine === "onnxruntime") return OnnxSession.create(model, { threads });
    this.#runtime ??= TensorRtRuntime.open({ cache, refittable: policy.name === "refit" }, { onNotice: (line) => process.emitWarning(line) });
    // Of the first generation, which all refitted engines are made from.
    if (policy.name === "refit") return this.#runtime.start((await this.#runtime.engineFor(await this.#model(base), policy.name)).plan, model);
    return this.#runtime.start((await this.#runtime.engineFor(model, policy.name, policy.name === "rebuild")).plan);
  }
}

async function carryOut(engine: Engine, request: EngineRequest): Promise<EngineReply> {
  try {
    switch (request.kind) {
      case "open":
        await engine.open(request.weights);
        break;
      case "inputs":
        return { kind: "inputs", tensors: await engine.inputs(request.weights) };
      case "exchange":
        engine.exchange(request.tensors);
        break;
      case "run":
        await engine.run(request.rgb);
        break;
      case "close":
        await engine.close();
        break;
    }
    return { kind: "done" };
  } catch (error) {
    return { kind: "failure", failure: engineFailure(error) };
  }
}

function serve(port: MessagePort, engine: Engine): void {
  let last = Promise.resolve();
  port.on("message", ({ id, body }: Numbered<EngineRequest>) => {
    last = last.then(async () => {
      const reply = await carryOut(engine, body);
      port.postMessage({ id, body: reply } satisfies Numbered<EngineReply>, reply.kind === "inputs" ? buffersOf(reply.tensors) : []);
      if (body.kind === "close") port.close();
    });
  });
}

// After the class, which is not there before.
if (parentPort) serve(parentPort, new Engine(workerData as EngineSetup));
