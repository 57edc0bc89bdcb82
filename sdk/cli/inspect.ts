import { Command } from "commander";
import { type Io, result, table } from "./io.js";

interface Options {
  readonly json: boolean;
}

export const inspectCommand = (io: Io): Command =>
  new Command("inspect")
    .description("Verify a bundle and print what it holds: manifest, parameters, hashes, vocabularies.")
    .argument("[bundle]", "default, rendered, or the folder of a bundle", "default")
    .option("--json", "print JSON alone on stdout", false)
    .action(async (name: string, options: Options) => {
      const { findBundle, readBundle } = await import("../bundle/index.js");
      const { sizeOf } = await import("../graph/tensor.js");
      const bundle = await readBundle(findBundle(name));
      const { manifest, weights, directory, notice } = bundle;
      const { files, network, training, exemplars, ...about } = manifest;
      const embeddings = bundle.embeddings();
      const parameters = [...weights].map(([tensor, { shape }]) => ({ name: tensor, shape, count: sizeOf(shape) }));
      const parameterCount = parameters.reduce((sum, { count }) => sum + count, 0);
      const bytes = files.reduce((sum, file) => sum + file.bytes, 0);
      const encodedNames = [...embeddings.names.keys()];
      const prompts = [...embeddings.prompts].map(([prompt, { shape }]) => ({ name: prompt, shape }));
      result(io, options.json, { directory, ...about, parameterCount, bytes, network, training, encodedNames, prompts, exemplars: exemplars ?? null, files, parameters, notice }, [
        ...table([
          ["bundle", `${about.name}, generation ${about.generation}${about.parent === null ? "" : ` from ${about.parent}`}`],
          ["directory", directory],
          ["created", about.createdAt],
          ["condition", about.condition],
          ["network", `${network.width} x ${network.height}, ${parameterCount.toLocaleString("en")} parameters in ${weights.size} tensors`],
          ["on disk", `${(bytes / 1e6).toFixed(1)} MB in ${files.length} files, every hash verified`],
          ["vocabulary", about.vocabulary.join(", ")],
          ["encoded names", encodedNames.join(", ")],
          ["prompts", prompts.map((each) => `${each.name} [${each.shape.join(", ")}]`).join(", ") || "none"],
          ["text encoder", about.textEncoder.id],
          ["exemplars", exemplars ? `${exemplars.ids.length} frames; masks: ${exemplars.names.join(", ")}; boxes: ${exemplars.boxNames.join(", ")}` : "none"],
          ["trained", training.statement],
        ]),
        ...table(training.data.map((data) => [`  ${data.name}`, data.terms])),
        ...table(Object.entries(about.metrics).map(([metric, value]) => [`  ${metric}`, value])),
        ...table(files.filter((file) => !file.path.startsWith("exemplars/")).map((file) => [`  ${file.path}`, `${file.bytes} bytes  ${file.sha256}`])),
      ]);
    });
