/** The thread behind `ThreadEngine`. */
import { type MessagePort, parentPort, workerData } from "node:worker_threads";
import { ExitGuard } from "./exit-guard.js";
import { ModelHost } from "./host.js";
import { NativeOnnxRuntime } from "./native-onnx/runtime.js";
import { OnnxSession } from "./onnxruntime.js";
import { type Numbered, type Reply, type Request, type ThreadSetup, engineFailure } from "./protocol.js";
import type { Runtime } from "./session.js";
import { type BuildWatch, TensorRtRuntime } from "./tensorrt/runtime.js";

if (parentPort) {
  const { runtime, options, guard } = workerData as ThreadSetup;
  const exit = new ExitGuard(guard);
  const closing = new AbortController();
  const watch: BuildWatch = {
    // Whoever drives should hear of a build that takes minutes.
    onNotice: (line) => process.emitWarning(line),
    // Nor is it waited for.
    signal: closing.signal,
    onProgress: () => {
      if (exit.isStopping) closing.abort();
    },
  };
  serve(parentPort, new ModelHost(open(runtime, options, watch), options, (work) => exit.hold(work)), closing);
}

function open(runtime: ThreadSetup["runtime"], options: ThreadSetup["options"], watch: BuildWatch): Runtime {
  const halves = options.provider === "cpu" ? "rounded" : "typed";
  switch (runtime.kind) {
    case "onnxruntime":
      return { target: "onnxruntime", halves, open: (model) => OnnxSession.create(model, options) };
    case "native":
      return NativeOnnxRuntime.open({ threads: options.threads, ...runtime.options });
    case "tensorrt":
      return TensorRtRuntime.open(runtime.options, watch);
  }
}

function serve(port: MessagePort, host: ModelHost, closing: AbortController): void {
  // One after the other: a request must not overtake a load.
  let last = Promise.resolve();
  port.on("message", ({ id, body }: Numbered<Request>) => {
    if (body.kind === "close") closing.abort();
    last = last.then(async () => {
      const { reply, transfer } = await carryOut(host, body);
      port.postMessage({ id, body: reply } satisfies Numbered<Reply>, transfer);
      // The thread ends by itself once its port is closed: ended from outside in the middle of a run, it would take the process along.
      // Whatever could not be freed goes with it.
      if (body.kind === "close") port.close();
    });
  });
}

async function carryOut(host: ModelHost, request: Request): Promise<{ reply: Reply; transfer: ArrayBuffer[] }> {
  try {
    switch (request.kind) {
      case "load":
        return { reply: { kind: "loaded", loaded: await host.load(request.model, request.frames) }, transfer: [] };
      case "vocabulary":
        return { reply: { kind: "loaded", loaded: host.setVocabulary(request.vocabulary) }, transfer: [] };
      case "infer": {
        const start = performance.now();
        const answer = await host.infer(request.frame, request.rgb);
        const inferenceMs = performance.now() - start;
        return {
          reply: { kind: "answer", answer, inferenceMs, rgb: request.rgb },
          transfer: [answer.mask, answer.maskScore, request.rgb, ...(answer.depth ? [answer.depth] : [])].flatMap(({ buffer }) => (buffer instanceof ArrayBuffer ? [buffer] : [])),
        };
      }
      case "unload":
        await host.unload();
        return { reply: { kind: "unloaded" }, transfer: [] };
      case "close":
        await host.unload();
        return { reply: { kind: "closed" }, transfer: [] };
    }
  } catch (error) {
    return { reply: { kind: "failure", failure: engineFailure(error) }, transfer: [] };
  }
}
