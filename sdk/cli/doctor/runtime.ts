import { createRequire } from "node:module";
import { reasonOf } from "../../errors.js";
import { type Check, missing, notNeeded, ok } from "./finding.js";

/** As in package.json. */
const oldestNode = [20, 19] as const;

export const node: Check = async () => {
  const { node: version } = process.versions;
  const [major = 0, minor = 0] = version.split(".").map(Number);
  const isNew = major > oldestNode[0] || (major === oldestNode[0] && minor >= oldestNode[1]);
  return [isNew ? ok("Node", version) : missing("Node", version, `Install Node ${oldestNode.join(".")} or newer.`)];
};

/** Whether it computes, which a library of another machine or system does not. */
export const onnxRuntime: Check = async () => {
  const install = "Run npm ci. It has libraries for Linux, macOS and Windows, x86-64 and arm64.";
  try {
    const { availableProviders } = await import("../../engine/providers.js");
    const { runModel } = await import("../../engine/run.js");
    const { Graph, add, writeOnnx } = await import("../../graph/index.js");
    const graph = new Graph("doctor");
    graph.output("two", add(graph.scalar(1), 1));
    const { two } = await runModel(writeOnnx(graph), {});
    if (two.data[0] !== 2) return [missing("ONNX Runtime", `1 + 1 is ${two.data[0]} here`, install)];
    const providers = availableProviders();
    return [ok("ONNX Runtime", `${versionOf("onnxruntime-node")}, providers ${providers.join(", ")}`), ...accelerated(providers)];
  } catch (error) {
    return [missing("ONNX Runtime", reasonOf(error), install)];
  }
};

const accelerated = (providers: readonly string[]) =>
  (["cuda", "tensorrt"] as const).map((provider) =>
    providers.includes(provider)
      ? ok(`ONNX Runtime on ${provider}`, "there")
      : notNeeded(`ONNX Runtime on ${provider}`, "not among its providers", `engines with the provider ${provider}`, "Put its library beside libonnxruntime, from a build of ONNX Runtime that has it."),
  );

export const zeroMq: Check = async () => {
  try {
    const { capability, version } = await import("zeromq");
    return [
      ok("ZeroMQ", version),
      capability.curve ? ok("ZeroMQ CURVE", "there") : notNeeded("ZeroMQ CURVE", "not in this build", "encrypted sockets", "Build zeromq with libsodium."),
    ];
  } catch (error) {
    return [missing("ZeroMQ", reasonOf(error), "Run npm ci.")];
  }
};

const versionOf = (name: string): string => (createRequire(import.meta.url)(`${name}/package.json`) as { version: string }).version;
