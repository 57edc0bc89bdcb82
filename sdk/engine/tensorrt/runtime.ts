import type { BuildProgress, TensorRt } from "#native";
import { awaitNative, callNative, type Gpu, loadNative, loadTensorRt, type NativeModule } from "../native.js";
import { NightshiftError } from "../../errors.js";
import type { Runtime, Session } from "../session.js";
import { defaultEngineFolder, EngineCache, type EngineRecord, fileName } from "./cache.js";
import { type EngineKey, type ModelKey, modelKey } from "./key.js";
import { buildOptions, type EngineSettings } from "./options.js";
import { TensorRtSession } from "./session.js";

export interface TensorRtOptions extends EngineSettings {
  /** Of TensorRT's libraries; see `loadTensorRt`. */
  readonly libraries?: string;
  /** Where engines are kept; `defaultEngineFolder` unless told otherwise. */
  readonly cache?: string;
}

/** What whoever waits for a build is told, and how it ends one. */
export interface BuildWatch {
  /** Why an engine is built although there is one, and the like. */
  readonly onNotice: (line: string) => void;
  readonly onProgress?: (progress: BuildProgress) => void;
  readonly signal?: AbortSignal;
}

/** An engine, and where it came from. */
export interface ReadyEngine {
  readonly plan: Uint8Array;
  readonly record: EngineRecord;
  readonly path: string;
  /** In the cache. */
  readonly name: string;
  /** Whether it was there already. */
  readonly reused: boolean;
}

/** TensorRT on this machine's first GPU, with the engines that were built for it. */
export class TensorRtRuntime implements Runtime {
  readonly target = "tensorrt";
  readonly halves = "typed";
  readonly cache: EngineCache;

  private constructor(
    private readonly module: NativeModule,
    private readonly tensorRt: TensorRt,
    /** The GPU. */
    readonly device: Gpu,
    private readonly options: TensorRtOptions,
    private readonly watch: BuildWatch,
  ) {
    this.cache = new EngineCache(options.cache ?? defaultEngineFolder());
  }

  /** Throws `E_NATIVE`, `E_TENSORRT_MISSING`, `E_TENSORRT_VERSION`, `E_GPU`: in this order, so that the first that is missing is told. */
  static open(options: TensorRtOptions, watch: BuildWatch, module = loadNative()): TensorRtRuntime {
    const tensorRt = loadTensorRt(options.libraries, module);
    const [device] = callNative(() => module.native.cudaDevices());
    // Devices that are not there are an error of the native module's.
    if (!device) throw new NightshiftError("E_GPU", { expected: "a CUDA device", received: "none", remedy: "See `nvidia-smi`." });
    return new TensorRtRuntime(module, tensorRt, device, options, watch);
  }

  /** Of TensorRT. */
  get version(): string {
    return this.tensorRt.version;
  }

  /** See `Runtime`. An engine that must be built first takes minutes. Throws as `engineFor`. */
  async open(model: Uint8Array, name: string): Promise<Session> {
    return this.start((await this.engineFor(model, name)).plan);
  }

  /** Puts a built engine onto the device, with the weights of `model` where that is given; see `TensorRtSession.open`. */
  start(plan: Uint8Array, model?: Uint8Array): Promise<TensorRtSession> {
    return TensorRtSession.open(this.tensorRt, plan, model, this.options.dlaCore);
  }

  /**
   * The engine for a model: from the cache where it is exactly the one that is needed, else built and kept; whoever watches is told why.
   * Throws `E_CONFIG`, `E_TENSORRT`, `E_GPU`, `E_CANCELLED`, and `E_DISK` where it cannot be kept, before the build where that can be seen.
   */
  async engineFor(model: Uint8Array, name: string, rebuild = false): Promise<ReadyEngine> {
    const file = fileName(name);
    const key = this.#keyOf(modelKey(model));
    const path = this.cache.path(file);
    const found = rebuild ? { refused: "a new one was asked for" } : await this.cache.find(file, key);
    if ("plan" in found) return { ...found, path, name: file, reused: true };
    await this.cache.refuseUnwritable();
    this.watch.onNotice(`Building ${path} with TensorRT ${this.version} for ${this.device.name}: ${found.refused}. This takes minutes.`);
    const start = performance.now();
    const plan = await this.#build(model, key);
    const record = await this.cache.keep(file, key, plan, (performance.now() - start) / 1000);
    return { plan, record, path, name: file, reused: false };
  }

  #keyOf(model: ModelKey): EngineKey {
    const { name: gpu, computeCapability, multiprocessors } = this.device;
    return { ...model, tensorRt: this.version, gpu, computeCapability, multiprocessors, options: JSON.stringify(buildOptions(this.options, model)) };
  }

  async #build(model: Uint8Array, key: EngineKey): Promise<Uint8Array> {
    const { signal } = this.watch;
    const cancellation = new this.module.native.Cancellation();
    const cancel = (): void => cancellation.cancel();
    if (signal?.aborted) cancel();
    signal?.addEventListener("abort", cancel);
    try {
      const timingCache = await this.cache.timings(key);
      const options = { ...buildOptions(this.options, key), timingCache };
      const built = await awaitNative(() => this.tensorRt.build(model, options, (progress) => this.watch.onProgress?.(progress), cancellation));
      if (built.timingCache.length > 0) await this.cache.keepTimings(key, built.timingCache);
      return built.plan;
    } finally {
      signal?.removeEventListener("abort", cancel);
    }
  }
}
