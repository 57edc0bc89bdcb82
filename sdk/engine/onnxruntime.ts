import { InferenceSession, Tensor as OrtTensor } from "onnxruntime-node";
import { NightshiftError, reasonOf } from "../errors.js";
import type { Tensor } from "../graph/tensor.js";
import { processorFlags, vnni } from "./processor.js";
import { checkProvider } from "./providers.js";
import { checkTelemetryOff } from "./telemetry.js";

export interface SessionOptions {
  /** Threads that one operator may use. 2 unless told otherwise. */
  readonly threads?: number;
  /** Threads that wait for work spin as long as ONNX Runtime likes: 5 % faster steps of training, but no core is left to anybody else. */
  readonly spinning?: boolean;
  /**
   * Lays out all memory of a run in advance, as ONNX Runtime does unless told otherwise. For a training step, much of whose memory is needed for a short
   * while, without it a third less is taken, in the same time.
   */
  readonly memoryPattern?: boolean;
  /**
   * Keeps what a run has freed for the next one, as ONNX Runtime does unless told otherwise. Without it memory comes from the system each time: a training step takes a fifth
   * less memory, in the same time.
   */
  readonly arena?: boolean;
  /** Goes without `exactIntegers`: for files of others, as ONNX Runtime then refuses models of which several layers share weights or zero points in int8. */
  readonly saturating?: boolean;
  /** An execution provider of ONNX Runtime; `cpu` unless told otherwise. */
  readonly provider?: string;
}

export type Tensors = Record<string, Tensor>;

/** A session of ONNX Runtime that takes and gives Nightshift's tensors. `run` blocks the thread that calls it. */
export class OnnxSession {
  #session: InferenceSession | undefined;

  private constructor(session: InferenceSession) {
    this.#session = session;
  }

  /** `model`: the bytes of an ONNX file, or its path where it keeps tensors in files beside it. Throws `E_PROVIDER`, `E_CONFIG` (see `checkTelemetryOff`), or `E_ENGINE` where ONNX Runtime refuses the model. */
  static async create(model: Uint8Array | string, options: SessionOptions = {}): Promise<OnnxSession> {
    const provider = options.provider ?? "cpu";
    checkProvider(provider);
    checkTelemetryOff();
    const integers = options.saturating ? {} : await exactIntegers();
    try {
      return new OnnxSession(await open(model, sessionOptions(provider, options, integers)));
    } catch (cause) {
      throw new NightshiftError(provider === "cpu" ? "E_ENGINE" : "E_PROVIDER", {
        expected: `an ONNX model that ONNX Runtime can run on ${provider}`,
        received: reasonOf(cause),
        remedy: "Check the model with `nightshift inspect`, or choose another provider.",
        cause,
      });
    }
  }

  /** Names of the model's inputs. */
  get inputs(): readonly string[] {
    return this.#open().inputNames;
  }

  /** Names of the model's outputs. */
  get outputs(): readonly string[] {
    return this.#open().outputNames;
  }

  /**
   * Runs the model. `into`: tensors that outputs of these names are written to, saving their allocation.
   * Throws `E_ENGINE` where names, types or shapes do not fit, `E_CLOSED` after `close`.
   */
  async run(feeds: Tensors, into: Tensors = {}): Promise<Tensors> {
    const session = this.#open();
    const stranger = Object.keys(feeds).find((name) => !session.inputNames.includes(name));
    // ONNX Runtime would ignore it.
    if (stranger !== undefined)
      throw new NightshiftError("E_ENGINE", {
        expected: `inputs ${session.inputNames.join(", ")}`,
        received: `an input ${JSON.stringify(stranger)}`,
        remedy: "Check the names of the inputs.",
      });
    const fetches = Object.fromEntries(session.outputNames.map((name) => [name, into[name] ? toOrt(into[name]) : null]));
    try {
      const answer = await session.run(mapValues(feeds, toOrt), fetches);
      free(Object.keys(into).flatMap((name) => answer[name] ?? []));
      return Object.fromEntries(Object.entries(answer).map(([name, tensor]) => [name, into[name] ?? fromOrt(name, tensor)]));
    } catch (cause) {
      if (cause instanceof NightshiftError) throw cause;
      throw new NightshiftError("E_ENGINE", {
        expected: `inputs ${session.inputNames.join(", ")} of the model's types and shapes`,
        received: `${describe(feeds)}: ${reasonOf(cause)}`,
        remedy: "Check the names, types and shapes of the inputs.",
        cause,
      });
    }
  }

  async close(): Promise<void> {
    const session = this.#session;
    this.#session = undefined;
    await session?.release();
  }

  #open(): InferenceSession {
    if (this.#session) return this.#session;
    throw new NightshiftError("E_CLOSED", { expected: "an open session", received: "a closed one", remedy: "Create another session." });
  }
}

/**
 * Microseconds that a thread waits for its next operator before it sleeps. Operators of one run follow each other within them, so an idle machine infers
 * as fast as with ONNX Runtime's millisecond; frames do not, so the trainer gets its cores, and a thread whose fellow lost its core gives up soon.
 */
const spinUs = "50";

/** The same for both, which the binding declares apart. */
const open = (model: Uint8Array | string, options: InferenceSession.SessionOptions): Promise<InferenceSession> =>
  typeof model === "string" ? InferenceSession.create(model, options) : InferenceSession.create(model, options);

/**
 * What makes ONNX Runtime's sums of products of uint8 and int8 exact, as `extra.session` takes it: processors without VNNI saturate them in 16 bits, and are told to multiply uint8 by uint8, which is slower.
 * Those with VNNI would heed it too, and need not.
 */
export async function exactIntegers(): Promise<Readonly<Record<string, string>>> {
  const flags = await processorFlags();
  return vnni.some((set) => flags?.has(set)) ? {} : { x64quantprecision: "1" };
}

function sessionOptions(provider: string, { threads = 2, spinning = false, memoryPattern = true, arena = true }: SessionOptions, integers: Readonly<Record<string, string>>): InferenceSession.SessionOptions {
  return {
    executionProviders: [provider],
    intraOpNumThreads: threads,
    interOpNumThreads: 1,
    enableMemPattern: memoryPattern,
    enableCpuMemArena: arena,
    // Errors alone: what ONNX Runtime warns of is of no use to who drives.
    logSeverityLevel: 3,
    extra: {
      session: {
        intra_op: spinning ? {} : { spin_duration_us: spinUs },
        set_denormal_as_zero: "1",
        ...integers,
        // Nodes that the provider asked for cannot run are an error, not the CPU's.
        ...(provider === "cpu" ? {} : { disable_cpu_ep_fallback: "1" }),
      },
    },
  };
}

function toOrt({ dtype, data, shape }: Tensor): OrtTensor {
  return new OrtTensor(dtype, data, shape);
}

function fromOrt(name: string, { type, data, dims }: InferenceSession.OnnxValueMapType[string]): Tensor {
  const shape = dims;
  if (type === "float32" && data instanceof Float32Array) return { dtype: type, shape, data };
  if (type === "float64" && data instanceof Float64Array) return { dtype: type, shape, data };
  if (type === "float16" && data instanceof Uint16Array) return { dtype: type, shape, data };
  if (type === "int32" && data instanceof Int32Array) return { dtype: type, shape, data };
  if (type === "int64" && data instanceof BigInt64Array) return { dtype: type, shape, data };
  if ((type === "uint8" || type === "bool") && data instanceof Uint8Array) return { dtype: type, shape, data };
  if (type === "int8" && data instanceof Int8Array) return { dtype: type, shape, data };
  throw new NightshiftError("E_ENGINE", {
    expected: `output ${name} of an element type that Nightshift knows`,
    received: type,
    remedy: "Cast the output inside the model.",
  });
}

/** Gives memory back now rather than when it is collected. The binding copies every output, those too that were written where they were wanted: for a training step that is all its state. */
function free(tensors: readonly InferenceSession.OnnxValueMapType[string][]): void {
  const buffers = tensors.flatMap(({ data }) => (ArrayBuffer.isView(data) && data.buffer instanceof ArrayBuffer ? [data.buffer] : []));
  if (buffers.length === 0) return;
  const { port1, port2 } = new MessageChannel();
  port1.postMessage(undefined, buffers);
  port1.close();
  port2.close();
}

const mapValues = <A, B>(record: Record<string, A>, change: (value: A) => B): Record<string, B> =>
  Object.fromEntries(Object.entries(record).map(([name, value]) => [name, change(value)]));

const describe = (tensors: Tensors): string =>
  Object.entries(tensors)
    .map(([name, { dtype, shape }]) => `${name} ${dtype} [${shape.join(", ")}]`)
    .join(", ") || "no inputs";
