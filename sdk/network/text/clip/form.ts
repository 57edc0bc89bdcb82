import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { unfit } from "./unfit.js";

/** What the weights of a CLIP text tower do not say themselves. */
export interface ClipForm {
  readonly heads: number;
  readonly activation: "quick_gelu" | "gelu";
  readonly epsilon: number;
}

const activation = z.enum(["quick_gelu", "gelu"]);

/** What transformers takes for granted where a configuration does not say. */
const huggingFace = z.object({
  model_type: z.enum(["clip", "clip_text_model"]).optional(),
  num_attention_heads: z.number().int().min(1).default(8),
  hidden_act: activation.default("quick_gelu"),
  layer_norm_eps: z.number().positive().default(1e-5),
});

/** A whole CLIP's configuration has the tower's within it. */
const whole = z.object({ text_config: z.record(z.string(), z.unknown()) });

/** Of open_clip; towers of other kinds than CLIP's say so in these. */
const openClip = z.object({
  model_cfg: z.object({
    quick_gelu: z.boolean().default(false),
    text_cfg: z.object({
      heads: z.number().int().min(1).default(8),
      hf_model_name: z.undefined().optional(),
      embed_cls: z.literal(false).optional(),
      no_causal_mask: z.literal(false).optional(),
      pool_type: z.literal("argmax").optional(),
      proj_type: z.literal("linear").optional(),
    }),
  }),
});

/** Reads a folder's `config.json` (of transformers) or `open_clip_config.json`. Throws `E_TEXT_ENCODER` where there is none, or it means another kind of encoder. */
export async function readForm(folder: string): Promise<ClipForm> {
  const [plain, open] = await Promise.all(["config.json", "open_clip_config.json"].map((name) => readFile(join(folder, name), "utf8").catch(() => undefined)));
  try {
    if (plain !== undefined) {
      const stated: unknown = JSON.parse(plain);
      const { num_attention_heads: heads, hidden_act, layer_norm_eps: epsilon } = huggingFace.parse(whole.safeParse(stated).data?.text_config ?? stated);
      return { heads, activation: hidden_act, epsilon };
    }
    if (open !== undefined) {
      const { quick_gelu, text_cfg } = openClip.parse(JSON.parse(open)).model_cfg;
      return { heads: text_cfg.heads, activation: quick_gelu ? "quick_gelu" : "gelu", epsilon: 1e-5 };
    }
  } catch (cause) {
    const received = cause instanceof z.ZodError ? z.prettifyError(cause).replaceAll(/\s+/g, " ") : String(cause);
    throw unfit(`the configuration of a CLIP text tower in ${folder}`, received, "Use a tower of CLIP's kind, with the configuration that came with it.", cause);
  }
  throw unfit(`config.json or open_clip_config.json in ${folder}`, "neither", 'Put the tower\'s configuration there; for OpenAI\'s ViT-B models it is {"num_attention_heads": 8, "hidden_act": "quick_gelu"}.');
}
