import { Command, Option } from "commander";
import type { FrameSize } from "../engine/model.js";
import { frameSizes, wholeNumber } from "./arguments.js";
import { figure, type Io, Progress, result, say, table } from "./io.js";

interface Options {
  readonly bundle: string;
  readonly frame: readonly FrameSize[];
  readonly names?: "16" | "32" | "64";
  readonly precision?: keyof typeof precisions;
  readonly cache?: string;
  readonly libraries?: string;
  readonly workspace?: number;
  readonly dla?: number;
  readonly gpuFallback: boolean;
  readonly refittable: boolean;
  readonly optimization?: number;
  readonly rebuild: boolean;
  readonly json: boolean;
}

const precisions = { fp32: "float32", fp16: "float16", int8: "int8" } as const;

const roomForNames = { 16: 16, 32: 32, 64: 64 } as const;

export const buildCommand = (io: Io): Command =>
  new Command("build")
    .description("Build what a machine needs to run a bundle on its GPU, or find it built. On the machine itself: engines fit no other GPU and no other version.")
    .addOption(new Option("--target <what>", "what to build for").choices(["tensorrt"]).makeOptionMandatory())
    .option("--bundle <name or path>", "default, rendered, or the folder of a bundle", "default")
    .option("--frame <WxH,...>", "sizes of the cameras' frames, pixels", frameSizes, [{ width: 1280, height: 720 }])
    .addOption(new Option("--names <count>", "room for so many names; as the bundle's own vocabulary needs unless told otherwise").choices(Object.keys(roomForNames)))
    .addOption(new Option("--precision <which>", "what the engine must compute in: refused where the bundle is in another, as `calibrate` makes and judges them; as the bundle is unless told otherwise").choices(Object.keys(precisions)))
    .option("--cache <folder>", "where engines are kept; ~/.cache/nightshift/engines unless told otherwise")
    .option("--libraries <folder>", "of TensorRT's libraries; that of NIGHTSHIFT_TENSORRT, or the system's, unless told otherwise")
    .option("--workspace <MiB>", "scratch memory of the GPU for the build; all that is free unless told otherwise", wholeNumber(16))
    .option("--dla <core>", "build for this deep learning accelerator in place of the GPU (TensorRT 10 up to 10.7, or 11.4.1 and later on AGX Orin with JetPack 7.2.2)", wholeNumber(0))
    .option("--gpu-fallback", "let layers that the accelerator cannot run go to the GPU", false)
    .option("--refittable", "let the weights be exchanged later; the engine may be slower", false)
    .option("--optimization <level>", "0 to 5: how long to look for faster kernels", wholeNumber(0))
    .option("--rebuild", "build also where the cache has the engine", false)
    .option("--json", "print JSON alone on stdout", false)
    .addHelpText("after", "\nAn engine in the cache is used only if graph, weights, precision, calibration, TensorRT, GPU, compute capability, multiprocessors and options are all the same; else it is built anew, and which differs is said. `run` knows none of --workspace, --dla, --gpu-fallback, --refittable and --optimization: engines with these are for programs that give a TensorRtEngine the same. Ctrl-C cancels.\nPrints tensorRt, gpu and engines: path, reused, seconds, bytes, deviceBytes, key.")
    .action(async ({ bundle, frame, names, precision, cache, libraries, workspace, dla, optimization, gpuFallback, refittable, rebuild, json }: Options) => {
      const { findBundle } = await import("../bundle/index.js");
      const { buildEngines } = await import("../pipeline/build-engines.js");
      const progress = new Progress(io);
      const interrupted = new AbortController();
      const interrupt = (): void => interrupted.abort();
      process.once("SIGINT", interrupt);
      try {
        const built = await buildEngines(
          {
            bundle: findBundle(bundle),
            frames: frame,
            gpuFallback,
            refittable,
            rebuild,
            names: names && roomForNames[names],
            precision: precision && precisions[precision],
            cache,
            libraries,
            workspaceMiB: workspace,
            dlaCore: dla,
            optimizationLevel: optimization,
          },
          {
            signal: interrupted.signal,
            onNotice: (line) => say(io, line),
            onProgress: ({ phase, share, secondsLeft }) => progress.show(`${Math.round(share * 100)} %, ${secondsLeft === undefined ? "" : `about ${Math.ceil(secondsLeft)} s left, `}${phase}`),
          },
        );
        const lines = built.engines.map(({ path, reused, seconds, bytes }) => [path, `${reused ? "was there" : `built in ${figure(seconds)} s`}, ${figure(bytes / 1e6)} MB`] as const);
        result(io, json, built, [`TensorRT ${built.tensorRt} on ${built.gpu}`, ...table(lines)]);
      } finally {
        process.off("SIGINT", interrupt);
      }
    });
