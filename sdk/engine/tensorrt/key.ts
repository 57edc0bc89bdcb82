import { createHash, type Hash } from "node:crypto";
import { fromBinary, toBinary } from "@bufbuild/protobuf";
import { sha256Of } from "../../bundle/files.js";
import { ModelProtoSchema, type NodeProto, type TensorProto } from "../../graph/onnx/onnx_pb.js";
import { onnxTypes } from "../../graph/onnx/types.js";

/** Everything that an engine must have been built for to be the one that is needed. */
export interface EngineKey {
  /** SHA-256 of the model without the numbers of its tensors. */
  readonly graph: string;
  /** SHA-256 of its tensors. */
  readonly weights: string;
  readonly precision: "float32" | "float16" | "int8";
  /** SHA-256 of the ranges that quantisation rounds to; `none` where nothing is quantised. */
  readonly calibration: string;
  readonly tensorRt: string;
  readonly gpu: string;
  readonly computeCapability: string;
  /** Of the GPU: all Orins have the same name and compute capability, and 4 to 16 of them, by module and power mode. */
  readonly multiprocessors: number;
  /** What the builder was told besides, as JSON. */
  readonly options: string;
}

/** The part of a key that the model decides. */
export type ModelKey = Pick<EngineKey, "graph" | "weights" | "precision" | "calibration">;

/** Reads the model's part of the key off its ONNX: strongly typed networks have their precision in their types. */
export function modelKey(onnx: Uint8Array): ModelKey {
  const model = fromBinary(ModelProtoSchema, onnx);
  const { graph } = model;
  const nodes = graph?.node ?? [];
  const quantisers = nodes.filter(({ opType }) => opType === "QuantizeLinear" || opType === "DequantizeLinear");
  const ranges = new Set(quantisers.flatMap(({ input }) => input.slice(1)));
  const [weights, calibration] = [createHash("sha256"), createHash("sha256")];
  for (const tensor of graph?.initializer ?? []) {
    take(ranges.has(tensor.name) ? calibration : weights, tensor);
    tensor.rawData = new Uint8Array();
  }
  const precision = quantisers.length > 0 ? "int8" : nodes.some(isCastToHalf) ? "float16" : "float32";
  return {
    graph: sha256Of(toBinary(ModelProtoSchema, model)),
    weights: weights.digest("hex"),
    precision,
    calibration: quantisers.length > 0 ? calibration.digest("hex") : "none",
  };
}

const isCastToHalf = ({ opType, attribute }: NodeProto): boolean =>
  opType === "Cast" && attribute.some(({ name, i }) => name === "to" && Number(i) === Number(onnxTypes.float16));

function take(hash: Hash, { name, dataType, dims, rawData }: TensorProto): void {
  hash.update(`${name}\0${dataType}\0${dims.join()}\0`).update(rawData);
}

const meanings: Readonly<Record<keyof EngineKey, string>> = {
  graph: "graph",
  weights: "weights",
  precision: "precision",
  calibration: "calibration",
  tensorRt: "TensorRT",
  gpu: "GPU",
  computeCapability: "compute capability",
  multiprocessors: "multiprocessors",
  options: "options of the build",
};

/** In what `found` is not what is `wanted`, in words; empty where it is. Hashes are shortened. */
export function differences(wanted: EngineKey, found: EngineKey): readonly string[] {
  const short = (part: string | number): string => (/^[0-9a-f]{64}$/.test(`${part}`) ? `${part}`.slice(0, 12) : `${part}`);
  return Object.entries(meanings)
    .filter(([part]) => wanted[part as keyof EngineKey] !== found[part as keyof EngineKey])
    .map(([part, meaning]) => `${meaning} ${short(found[part as keyof EngineKey])} instead of ${short(wanted[part as keyof EngineKey])}`);
}
