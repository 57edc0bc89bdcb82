import { Command } from "commander";
import type { Quantisation } from "../bundle/index.js";
import { pins } from "./arguments.js";
import { type Io, result, table } from "./io.js";

interface Options {
  readonly pin?: Readonly<Record<string, number>>;
  readonly json: boolean;
}

export const inspectCommand = (io: Io): Command =>
  new Command("inspect")
    .description("Verify a bundle and print what it holds: manifest, parameters, hashes, vocabularies. Of an ONNX model: its operators, and which parameters can be trained.")
    .argument("[what]", "default, rendered, the folder of a bundle, or a file whose name ends in .onnx", "default")
    .option("--pin <axis=extent,...>", "extents of an ONNX model's dynamic axes, by their names", pins)
    .option("--json", "print JSON alone on stdout", false)
    .action(async (name: string, options: Options) => {
      if (name.endsWith(".onnx")) {
        const { inspectModel } = await import("../pipeline/inspect-model.js");
        const model = await inspectModel(name, options.pin);
        const { inputs, outputs, operators, parameters } = model;
        const shown = ({ name: tensor, dtype, shape }: (typeof inputs)[number]): [string, string] => [`  ${tensor}`, `${dtype} [${shape.join(", ")}]`];
        result(io, options.json, model, [
          "inputs", ...table(inputs.map(shown)), "outputs", ...table(outputs.map(shown)),
          "operators", ...table(Object.entries(operators).map(([operator, count]) => [`  ${operator}`, count])),
          ...table([
            ["parameters", `${parameters.count.toLocaleString("en")} in ${parameters.tensors} tensors`],
            ["can be trained", `${parameters.trainable.count.toLocaleString("en")} in ${parameters.trainable.tensors} tensors`],
          ]),
          ...table(parameters.others.map(({ name: tensor, why }) => [`  not ${tensor}`, why])),
        ]);
        return;
      }
      const { findBundle, readBundle, readSignerOf } = await import("../bundle/index.js");
      const { sizeOf } = await import("../graph/tensor.js");
      const bundle = await readBundle(findBundle(name));
      const { manifest, weights, directory, notice } = bundle;
      const signedBy = (await readSignerOf(directory)) ?? null;
      const { files, network, training, exemplars, ...about } = manifest;
      const embeddings = bundle.embeddings();
      const parameters = [...weights].map(([tensor, { shape }]) => ({ name: tensor, shape, count: sizeOf(shape) }));
      const parameterCount = parameters.reduce((sum, { count }) => sum + count, 0);
      const bytes = files.reduce((sum, file) => sum + file.bytes, 0);
      const encodedNames = [...embeddings.names.keys()];
      const prompts = [...embeddings.prompts].map(([prompt, { shape }]) => ({ name: prompt, shape }));
      result(io, options.json, { directory, ...about, signedBy, parameterCount, bytes, precision: about.precision ?? "float32", network, training, encodedNames, prompts, exemplars: exemplars ?? null, files, parameters, notice }, [
        ...table([
          ["bundle", `${about.name}, generation ${about.generation}${about.parent === null ? "" : ` from ${about.parent}`}`],
          ["directory", directory],
          ["signed", signedBy === null ? "no" : `by ${signedBy}`],
          ["created", about.createdAt],
          ["condition", about.condition],
          ["network", `${network.width} x ${network.height}${"depth" in network && network.depth ? ", tells depth" : ""}, ${parameterCount.toLocaleString("en")} parameters in ${weights.size} tensors`],
          ["precision", bundle.quantisation ? precisionOf(bundle.quantisation) : "float32"],
          ["on disk", `${(bytes / 1e6).toFixed(1)} MB in ${files.length} files, every hash verified`],
          ["vocabulary", about.vocabulary.join(", ")],
          ["encoded names", encodedNames.join(", ")],
          ["prompts", prompts.map((each) => `${each.name} [${each.shape.join(", ")}]`).join(", ") || "none"],
          ["text encoder", `${about.textEncoder.id}, embeddings of ${embeddings.tasks.shape[1]} numbers, SHA-256 ${about.textEncoder.sha256}`],
          ["exemplars", exemplars ? `${exemplars.ids.length} frames; masks: ${exemplars.names.join(", ")}; boxes: ${exemplars.boxNames.join(", ")}` : "none"],
          ["trained", training.statement],
        ]),
        ...table(training.data.map((data) => [`  ${data.name}`, data.terms])),
        ...table(Object.entries(about.metrics).map(([metric, value]) => [`  ${metric}`, value])),
        ...table(files.filter((file) => !file.path.startsWith("exemplars/")).map((file) => [`  ${file.path}`, `${file.bytes} bytes  ${file.sha256}`])),
      ]);
    });

function precisionOf(quantisation: Quantisation): string {
  const { precision, layers, calibration } = quantisation;
  const by = precision === "int8" ? ` by ${quantisation.calibration.method}` : "";
  return `${precision}: ${layers.size} ${precision === "int8" ? "layers" : "nodes"}, calibrated${by} on ${calibration.frames} frames of ${calibration.dataset}`;
}
