import { NightshiftError } from "../../errors.js";
import { writeOnnx } from "../../graph/onnx/write.js";
import type { FloatTensor, Tensor } from "../../graph/tensor.js";
import { tasks } from "../contract.js";
import { textEncoderGraph } from "./encoder-graph.js";
import { loadClip } from "./clip/load.js";
import { loadMiniLm } from "./minilm.js";
import type { Prompts } from "./prompts.js";
import { embedTokens, tokenize } from "./tokens.js";
import type { TextTower } from "./tower.js";

/** Runs an ONNX model, or the file at a path, once; the engine supplies it. */
export type RunGraph = (model: Uint8Array | string, feeds: Record<string, Tensor>) => Promise<Record<string, Tensor>>;

/** Turns texts into embeddings. It runs when a vocabulary changes, never per frame, so it keeps no session between calls. */
export class TextEncoder {
  private constructor(
    readonly tower: TextTower,
    readonly run: RunGraph,
  ) {}

  /** With the bundled MiniLM, or with a tower that was already loaded. Throws as {@link loadMiniLm}. */
  static async create(run: RunGraph, tower?: TextTower): Promise<TextEncoder> {
    return new TextEncoder(tower ?? (await loadMiniLm()), run);
  }

  /** With the CLIP text tower in a folder, or the bundled MiniLM where none is named. Throws as {@link loadClip} or {@link loadMiniLm}. */
  static async open(run: RunGraph, folder?: string): Promise<TextEncoder> {
    return TextEncoder.create(run, folder === undefined ? undefined : await loadClip(folder, run));
  }

  /**
   * Embeddings of length 1, [texts, width]. `context` [vectors, words.width] are prompt vectors put before every text.
   * Throws E_VOCABULARY for no texts, and for a text that is empty or too long.
   */
  async encode(texts: readonly string[], context?: FloatTensor): Promise<FloatTensor> {
    if (texts.length === 0)
      throw new NightshiftError("E_VOCABULARY", { expected: "at least one text", received: "none", remedy: "Name what to look for." });
    const feeds = embedTokens(this.tower, tokenize(this.tower, texts), context);
    const [batch, length] = feeds.attention.shape;
    const model = writeOnnx(textEncoderGraph(this.tower, batch, length));
    const { embedding } = await this.run(model, { ...feeds });
    if (embedding?.dtype !== "float32")
      throw new NightshiftError("E_ENGINE", {
        expected: "an output named embedding, of float32",
        received: embedding?.dtype ?? "none",
        remedy: "Pass a function that answers with all outputs of the model.",
      });
    return { dtype: "float32", shape: [batch, this.tower.width], data: Float32Array.from(embedding.data, Number) };
  }

  /** E of eq. 2, [tasks + names, width]: the texts of the tasks first, then the names in their order. Throws as {@link encode}. */
  async encodeVocabulary(names: readonly string[], prompts?: Prompts): Promise<FloatTensor> {
    if (prompts === undefined) return this.encode([...tasks, ...names]);
    const parts = [await this.encode(tasks, prompts.task), await this.encode(names, prompts.category)];
    const [rows, width] = [tasks.length + names.length, parts[0].shape[1]];
    const data = new Float32Array(rows * width);
    data.set(parts[0].data);
    data.set(parts[1].data, parts[0].data.length);
    return { dtype: "float32", shape: [rows, width], data };
  }
}
