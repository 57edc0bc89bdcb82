import { readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { NightshiftError } from "../errors.js";
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
    throw new NightshiftError("E_GRAPH_FORMAT", { expected: "an ONNX file", received: cause instanceof Error ? cause.message : String(cause), remedy: "Check the path.", cause });
  });
  return { bytes, read: (options) => readOnnx(bytes, { ...options, external: (location) => readFileSync(join(dirname(path), location)) }) };
}
