import { readFile } from "node:fs/promises";
import { parse } from "yaml";
import { z } from "zod";
import { NightshiftError } from "../errors.js";

const count = z.number().int().min(0);
const port = z.number().int().min(0).max(65535);

/** A configuration file: the options of `nightshift run` by the same names, and what is too long for a command line. */
const schema = z.strictObject({
  source: z.string().optional(),
  bundle: z.string().optional(),
  camera: z.string().optional(),
  vocabulary: z.array(z.string()).optional(),
  fps: z.number().min(0).optional(),
  loop: count.min(1).optional(),
  frames: count.min(1).optional(),
  seed: count.optional(),
  threads: count.min(1).optional(),
  exemplars: z.string().optional(),
  state: z.string().optional(),
  port: port.optional(),
  viewerPort: port.optional(),
  viewerHost: z.string().optional(),
  headless: z.boolean().optional(),
  adaptation: z.boolean().optional(),
  /** As OpenCV calibrates a camera; given, frames are undistorted. */
  intrinsics: z
    .strictObject({ width: count, height: count, fx: z.number(), fy: z.number(), cx: z.number(), cy: z.number(), distortion: z.array(z.number()) })
    .optional(),
});

export type Configuration = Readonly<z.infer<typeof schema>>;

/** Reads a YAML (or JSON) file. Throws `E_CONFIG` where it cannot be read or says something that means nothing. */
export async function readConfiguration(path: string): Promise<Configuration> {
  let value: unknown;
  try {
    value = parse(await readFile(path, "utf8"));
  } catch (cause) {
    throw invalid(path, cause instanceof Error ? cause.message : String(cause), cause);
  }
  const read = schema.safeParse(value ?? {});
  if (!read.success) throw invalid(path, z.prettifyError(read.error).replaceAll(/\s+/g, " "), read.error);
  return read.data;
}

const invalid = (path: string, received: string, cause: unknown): NightshiftError =>
  new NightshiftError("E_CONFIG", {
    expected: `a configuration in ${path} with the options of \`nightshift run\``,
    received,
    remedy: "See the README's section on configuration.",
    cause,
  });
