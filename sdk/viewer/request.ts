import { z } from "zod";
import { NightshiftError } from "../errors.js";
import type { FromPage } from "./page/wire.js";

const schema = z.discriminatedUnion("type", [
  z.object({ type: z.enum(["shown", "adaptNow", "pause", "resume", "rollBack"]) }),
  z.object({ type: z.literal("camera"), name: z.string().max(64) }),
  z.object({ type: z.literal("setVocabulary"), names: z.array(z.string().max(200)).max(1000) }),
]);

/** What a page asked. Throws `E_CONTROL` where it is none of the requests in `page/wire.ts`. */
export function readRequest(text: string): FromPage {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw malformed("text that is not JSON", cause);
  }
  const result = schema.safeParse(value);
  if (!result.success) throw malformed(z.prettifyError(result.error).replaceAll(/\s+/g, " "), result.error);
  return result.data;
}

const malformed = (received: string, cause: unknown): NightshiftError =>
  new NightshiftError("E_CONTROL", { expected: "a request of the page", received, remedy: "Reload the page.", cause });
