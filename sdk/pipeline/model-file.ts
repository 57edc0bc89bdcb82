import { readFileSync, realpathSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { dirname, join, sep } from "node:path";
import { NightshiftError, reasonOf } from "../errors.js";
import type { Graph } from "../graph/graph.js";
import { readOnnx, type ReadOnnxOptions } from "../graph/onnx/read.js";

/** An ONNX file of whatever origin. */
export interface ModelFile {
  readonly bytes: Uint8Array;
  /** Reads it, with the files beside it, into a graph of the caller's own. Throws `E_GRAPH_FORMAT`, `E_GRAPH_OPERATOR` or `E_GRAPH_SHAPE`. */
  readonly read: (options: Omit<ReadOnnxOptions, "external">) => Graph;
}

/** Throws `E_GRAPH_FORMAT` where there is no such file. */
export async function openModelFile(path: string): Promise<ModelFile> {
  const bytes = await readFile(path).catch((cause: unknown) => {
    throw new NightshiftError("E_GRAPH_FORMAT", { expected: "an ONNX file", received: reasonOf(cause), remedy: "Check the path.", cause });
  });
  return { bytes, read: (options) => readOnnx(bytes, { ...options, external: besides(dirname(path)) }) };
}

/** Reads files in a folder, each once. Throws `E_GRAPH_FORMAT` for one that is not there or that a link leads out of the folder for. */
function besides(folder: string): (location: string) => Uint8Array {
  const held = new Map<string, Uint8Array>();
  return (location) => {
    const known = held.get(location);
    if (known) return known;
    try {
      const target = realpathSync(join(folder, location));
      if (!target.startsWith(realpathSync(folder) + sep)) throw new Error(`a link to ${target}`);
      const read = new Uint8Array(readFileSync(target));
      held.set(location, read);
      return read;
    } catch (cause) {
      throw new NightshiftError("E_GRAPH_FORMAT", {
        expected: `a file ${location} beside the model, which holds tensors of it`,
        received: reasonOf(cause),
        remedy: "Put the file itself beside the model, or save the model as one file.",
        cause,
      });
    }
  };
}
