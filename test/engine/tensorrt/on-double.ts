/** What `double.test.ts` runs where `double.c` is NVIDIA's libraries, which are in the folder that is the first argument; the second is for engines. Prints what came of it. */
import { loadNative } from "../../../sdk/engine/native.js";
import { type BuildWatch, type TensorRtOptions, TensorRtRuntime } from "../../../sdk/engine/tensorrt/runtime.js";
import { reasonOf } from "../../../sdk/errors.js";
import { cast, Graph, writeOnnx } from "../../../sdk/graph/index.js";
import type { Tensor } from "../../../sdk/graph/tensor.js";

const [folder = "", cache = ""] = process.argv.slice(2);
const { native } = loadNative();
const shares: number[] = [];

const open = (options: TensorRtOptions, watch: Partial<BuildWatch> = {}): TensorRtRuntime =>
  TensorRtRuntime.open({ libraries: folder, cache, ...options }, { onNotice: () => undefined, onProgress: ({ share }) => shares.push(share), ...watch }, { native, folder });
const failure = (work: Promise<unknown>): Promise<string> => work.then(() => "none", reasonOf);

function model(type: "float16" | "float32"): Uint8Array {
  const graph = new Graph("same");
  graph.output("y", cast(cast(graph.input("x", "uint8", [2, 3]), type), "uint8"));
  return writeOnnx(graph);
}
const of = (by: number): { x: Tensor } => ({ x: { dtype: "uint8", shape: [2, 3], data: new Uint8Array(6).fill(by) } });

const accelerated = open({ dlaCore: 1 });
const session = await accelerated.open(model("float16"), "accelerated");
const answers = await Promise.all([1, 2, 3].map(async (by) => [...((await session.run(of(by))).y?.data ?? [])]));
await session.close();

const controller = new AbortController();
const cancelled = await failure(open({}, { signal: controller.signal, onProgress: () => controller.abort() }).open(model("float32"), "cancelled"));

const refittable = open({ refittable: true });
const { plan } = await refittable.engineFor(model("float32"), "refitted");
const refitted = await refittable.start(plan, model("float32"));
const layers = refitted.inspect();
await refitted.close();

console.log(
  JSON.stringify({
    version: refittable.version,
    device: refittable.device,
    shares,
    answers,
    layers,
    cancelled,
    closed: await failure(session.run(of(1))),
    unset: await failure(refittable.start(plan, Uint8Array.of(0))),
    damaged: await failure(refittable.start(plan.subarray(1))),
  }),
);
