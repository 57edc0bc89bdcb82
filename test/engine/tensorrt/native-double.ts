import type * as Native from "#native";
import type { NativeModule } from "../../../sdk/engine/native.js";
import { OnnxSession } from "../../../sdk/engine/onnxruntime.js";
import { bytesOf, isDType, tensorOfBytes } from "../../../sdk/graph/onnx/types.js";

const device = { name: "Orin", computeCapability: "8.7", multiprocessors: 8, memoryBytes: 8e9, cuda: "12.6" };

interface Shape {
  readonly name: string;
  readonly isInput: boolean;
  readonly dtype: string;
  readonly shape: number[];
  readonly bytes: number;
}

/** The error that the native module gives. */
const fault = (...parts: [string, string, string, string]): Error => new Error(parts.join("\u001f"));

class CancellationDouble {
  cancelled = false;
  cancel(): void {
    this.cancelled = true;
  }
}

/**
 * The native module on a machine with a GPU, in memory: a plan is the model itself, which ONNX Runtime runs. What its builds were told is kept in `builds`;
 * `machine` may be changed under it.
 */
export function nativeDouble(tensors: readonly Shape[] = []): {
  readonly module: NativeModule;
  readonly machine: { gpu: string; multiprocessors: number; tensorRt: string };
  readonly builds: Native.BuildOptions[];
  /** The accelerators that engines were opened on. */
  readonly cores: (number | undefined)[];
} {
  const machine = { gpu: device.name, multiprocessors: device.multiprocessors, tensorRt: "11.2.1" };
  const builds: Native.BuildOptions[] = [];
  const cores: (number | undefined)[] = [];
  const engineOf = async (model: Uint8Array, _: Uint8Array | undefined, core?: number) => {
    cores.push(core);
    const session = await OnnxSession.create(model);
    return {
      tensors: [...tensors],
      deviceBytes: 1000,
      inspect: () => "{}",
      run: async (inputs: Record<string, Uint8Array>) => {
        const feeds = Object.entries(inputs).map(([name, bytes]) => {
          const { dtype = "", shape = [] } = tensors.find((tensor) => tensor.name === name) ?? {};
          if (!isDType(dtype)) throw fault("E_TENSORRT", "a known type", dtype, "");
          return [name, tensorOfBytes(dtype, shape, bytes)] as const;
        });
        return Object.entries(await session.run(Object.fromEntries(feeds))).map(([name, tensor]) => ({ name, data: bytesOf(tensor) }));
      },
      close: () => session.close(),
    };
  };
  const tensorRt = {
    get version() {
      return machine.tensorRt;
    },
    headers: "11.4.0",
    path: "libnvinfer.so.11",
    build: async (onnx: Uint8Array, options: Native.BuildOptions, onProgress: (progress: Native.BuildProgress) => void, cancellation: CancellationDouble) => {
      builds.push(options);
      onProgress({ phase: "Building", share: 0.5, secondsLeft: 3 });
      await new Promise((done) => setImmediate(done));
      if (cancellation.cancelled) throw fault("E_CANCELLED", "an engine", "a request to cancel its build", "Build it again when there is time.");
      return { plan: onnx, timingCache: Uint8Array.of(builds.length) };
    },
    open: engineOf,
  };
  const native = {
    cudaDevices: () => [{ ...device, name: machine.gpu, multiprocessors: machine.multiprocessors }],
    Cancellation: CancellationDouble,
    TensorRt: { load: () => tensorRt },
  };
  return { module: { native: native as unknown as typeof Native, folder: "/nowhere" }, machine, builds, cores };
}
