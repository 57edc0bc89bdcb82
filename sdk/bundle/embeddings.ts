import { NightshiftError } from "../errors.js";
import { readSafetensors, writeSafetensors } from "../graph/safetensors.js";
import type { FloatTensor, Shape, Tensor, Weights } from "../graph/tensor.js";
import { checkVocabulary, tasks } from "../network/contract.js";
import type { Prompts } from "../network/text/prompts.js";
import { asFloat32, checkFinite } from "./weights.js";

/** E of eq. 2 as the prompts of one generation lead to it. */
export interface Embeddings {
  /** float32 [2, d]: one row a task; d is the width of the text encoder's embeddings. */
  readonly tasks: FloatTensor;
  /** d numbers for each name that was encoded when the weights were made. */
  readonly names: ReadonlyMap<string, Float32Array>;
  /** The learnable prompt vectors themselves, by name: what further names are encoded with. Empty where none were learnt. */
  readonly prompts: Weights;
}

/** Names in their order, with their embeddings. */
export interface Vocabulary {
  readonly names: readonly string[];
  /** float32 [names + 2, d]: the two tasks, then a row a name. */
  readonly text: FloatTensor;
}

/** What names were encoded with; undefined where they are bare. */
export function keptPrompts({ prompts }: Pick<Embeddings, "prompts">): Prompts | undefined {
  const [task, category] = [prompts.get("task"), prompts.get("category")];
  return task && category && { task, category };
}

const promptPrefix = "prompt/";

export function encodeEmbeddings({ tasks: taskRows, names, prompts }: Embeddings): Uint8Array {
  const [, width] = taskRows.shape;
  const rows = new Float32Array(names.size * width);
  [...names.values()].forEach((row, at) => rows.set(row, at * width));
  const tensors = new Map<string, Tensor>([
    ["tasks", taskRows],
    ["names", { dtype: "float32", shape: [names.size, width], data: rows }],
  ]);
  for (const [name, tensor] of prompts) tensors.set(promptPrefix + name, tensor);
  for (const [name, tensor] of tensors) checkFinite(name, tensor, "the embeddings to be written");
  return writeSafetensors(tensors, { names: JSON.stringify([...names.keys()]) });
}

/** Throws `E_BUNDLE_FORMAT` or `E_WEIGHTS_NOT_FINITE`. `source` names the file, `width` is the network's. */
export function decodeEmbeddings(bytes: Uint8Array, width: number, source: string): Embeddings {
  const { tensors, metadata } = readSafetensors(bytes);
  const names = readNames(metadata["names"], source);
  const rows = rowsOf(tensors, "names", [names.length, width], source);
  return {
    tasks: rowsOf(tensors, "tasks", [tasks.length, width], source),
    names: new Map(names.map((name, at) => [name, rows.data.slice(at * width, (at + 1) * width)])),
    prompts: new Map(
      [...tensors]
        .filter(([name]) => name.startsWith(promptPrefix))
        .map(([name, tensor]) => [name.slice(promptPrefix.length), asFloat32(name, tensor, source)]),
    ),
  };
}

/** The vocabulary of these names. Throws `E_VOCABULARY`, also for a name that was not encoded with this generation. */
export function vocabularyOf(embeddings: Embeddings, names: readonly string[]): Vocabulary {
  checkVocabulary(names);
  const [, width] = embeddings.tasks.shape;
  const text = new Float32Array((names.length + tasks.length) * width);
  text.set(embeddings.tasks.data);
  names.forEach((name, at) => {
    const row = embeddings.names.get(name);
    if (!row)
      throw new NightshiftError("E_VOCABULARY", {
        expected: `names whose embeddings are in the bundle: ${[...embeddings.names.keys()].join(", ")}`,
        received: JSON.stringify(name),
        remedy: "Encode the name with the text encoder first.",
      });
    text.set(row, (at + tasks.length) * width);
  });
  return { names: [...names], text: { dtype: "float32", shape: [names.length + tasks.length, width], data: text } };
}

function readNames(text: string | undefined, source: string): string[] {
  try {
    const names: unknown = JSON.parse(text ?? "");
    if (Array.isArray(names) && names.every((name) => typeof name === "string")) return names;
  } catch {
    // Told below, together with JSON of another form.
  }
  throw malformed(`a JSON list of names in the metadata of ${source}`, text ?? "none");
}

function rowsOf(tensors: ReadonlyMap<string, Tensor>, name: string, shape: Shape, source: string): FloatTensor {
  const tensor = tensors.get(name);
  if (tensor?.shape.join() === shape.join()) return asFloat32(name, tensor, source);
  throw malformed(`${name} [${shape.join(", ")}] in ${source}`, tensor ? `[${tensor.shape.join(", ")}]` : "no such tensor");
}

const malformed = (expected: string, received: string): NightshiftError =>
  new NightshiftError("E_BUNDLE_FORMAT", { expected, received, remedy: "Fetch or write the bundle again." });
