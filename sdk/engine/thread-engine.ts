import { Worker } from "node:worker_threads";
import type { Vocabulary } from "../bundle/embeddings.js";
import { errorOf, NightshiftError, reasonOf } from "../errors.js";
import { checkFrame, type Frame, nowNs } from "../frame.js";
import { defaultScoreThreshold, type Engine, type EngineOptions } from "./engine.js";
import { ExitGuard } from "./exit-guard.js";
import { FrameBuffers } from "./frame-buffers.js";
import type { FrameSize, LoadedModel, Model } from "./model.js";
import type { Perception } from "./perception.js";
import { type Numbered, type Reply, type Request, type RuntimeChoice, type ThreadSetup } from "./protocol.js";
import { checkProvider } from "./providers.js";
import { checkTelemetryOff } from "./telemetry.js";

interface Pending {
  readonly resolve: (reply: Reply) => void;
  readonly reject: (error: NightshiftError) => void;
}

/** ONNX Runtime in a thread of its own, as its runs block whoever calls them; or another runtime, so that models are read and built there. */
export class ThreadEngine implements Engine {
  #loaded: LoadedModel | undefined;
  #ended: NightshiftError | undefined;
  #isClosing = false;
  #count = 0;
  readonly #pending = new Map<number, Pending>();
  readonly #buffers = new FrameBuffers();
  readonly #worker: Worker;
  readonly #exit: Promise<void>;

  /** Throws `E_PROVIDER`, and `E_CONFIG` for numbers that the other options cannot be (and see `checkTelemetryOff`). */
  constructor({ threads = 2, provider = "cpu", scoreThreshold = defaultScoreThreshold }: EngineOptions = {}, runtime: RuntimeChoice = { kind: "onnxruntime" }) {
    checkProvider(provider);
    checkTelemetryOff();
    if (!(Number.isInteger(threads) && threads >= 1)) throw wrong("at least 1 thread, a whole number", threads);
    // No box scores as much as NaN: nothing would be answered, without a word.
    if (!(scoreThreshold >= 0 && scoreThreshold <= 1)) throw wrong("a score threshold of 0 to 1", scoreThreshold);
    const guard = new ExitGuard();
    const workerData: ThreadSetup = { runtime, options: { threads, provider, scoreThreshold }, guard: guard.memory };
    this.#worker = new Worker(new URL("./worker.js", import.meta.url), { workerData });
    const unwatch = guard.watch();
    // Waiting for work keeps no program alive; having some does.
    this.#worker.unref();
    this.#worker.on("message", ({ id, body }: Numbered<Reply>) => this.#settle(id, body));
    this.#worker.on("error", (cause) => this.#end("E_ENGINE", "a running engine", reasonOf(cause), cause));
    this.#exit = new Promise((resolve) => {
      this.#worker.once("exit", () => {
        unwatch();
        if (this.#isClosing) this.#end("E_CLOSED", "an open engine", "a closed one");
        else this.#end("E_ENGINE", "a running engine", "its thread ended");
        resolve();
      });
    });
  }

  get loaded(): LoadedModel | undefined {
    return this.#loaded;
  }

  async load(model: Model, frames: readonly FrameSize[] = []): Promise<LoadedModel> {
    return this.#nowServes(await this.#ask({ kind: "load", model, frames }));
  }

  async setVocabulary(vocabulary: Vocabulary | readonly string[]): Promise<LoadedModel> {
    return this.#nowServes(await this.#ask({ kind: "vocabulary", vocabulary }));
  }

  async infer(frame: Frame): Promise<Perception> {
    checkFrame(frame);
    const { camera, sequence, captureTimeNs, width, height } = frame;
    // Copied, not given away: the memory, the page and the monitor still want the frame. It costs about a hundredth of the inference.
    const rgb = this.#buffers.copy(frame.rgb);
    const reply = await this.#ask({ kind: "infer", frame: { width, height }, rgb }, [rgb.buffer]);
    if (reply.kind !== "answer") throw unexpected(reply);
    this.#buffers.giveBack(reply.rgb);
    const { mask, maskScore, boxes, depth, invalidReasons, generation, vocabulary, network } = reply.answer;
    const { inferenceMs } = reply;
    const totalMs = Math.max(inferenceMs, Number(nowNs() - captureTimeNs) / 1e6);
    return {
      camera,
      sequence,
      captureTimeNs,
      generation,
      vocabulary,
      width: network.width,
      height: network.height,
      mask,
      maskScore,
      boxes,
      ...(depth && { depth }),
      cameraWidth: width,
      cameraHeight: height,
      valid: invalidReasons.length === 0,
      invalidReasons,
      timings: { queueMs: totalMs - inferenceMs, inferenceMs, totalMs },
    };
  }

  async unload(): Promise<void> {
    await this.#ask({ kind: "unload" });
    this.#loaded = undefined;
  }

  async close(): Promise<void> {
    this.#isClosing = true;
    this.#worker.ref();
    if (!this.#ended) await this.#ask({ kind: "close" }).catch(() => undefined);
    await this.#exit;
  }

  #ask(body: Request, transfer: ArrayBuffer[] = []): Promise<Reply> {
    if (this.#ended) return Promise.reject(this.#ended);
    const id = this.#count++;
    return new Promise((resolve, reject) => {
      // First, as it throws for what cannot be sent, which no reply will ever come for.
      this.#worker.postMessage({ id, body } satisfies Numbered<Request>, transfer);
      this.#pending.set(id, { resolve, reject });
      this.#worker.ref();
    });
  }

  #settle(id: number, reply: Reply): void {
    const pending = this.#pending.get(id);
    this.#pending.delete(id);
    if (this.#pending.size === 0 && !this.#isClosing) this.#worker.unref();
    if (reply.kind === "failure") pending?.reject(errorOf(reply.failure));
    else pending?.resolve(reply);
  }

  #nowServes(reply: Reply): LoadedModel {
    if (reply.kind !== "loaded") throw unexpected(reply);
    this.#loaded = reply.loaded;
    return reply.loaded;
  }

  #end(code: "E_ENGINE" | "E_CLOSED", expected: string, received: string, cause?: unknown): void {
    this.#ended ??= new NightshiftError(code, { expected, received, remedy: "Open another engine.", cause });
    for (const { reject } of this.#pending.values()) reject(this.#ended);
    this.#pending.clear();
  }
}

const wrong = (expected: string, received: number): NightshiftError =>
  new NightshiftError("E_CONFIG", { expected, received: String(received), remedy: "Change the engine's options, or leave them out." });

const unexpected = ({ kind }: Reply): NightshiftError =>
  new NightshiftError("E_ENGINE", { expected: "the reply to what was asked", received: kind, remedy: "Report this: it is a fault." });
