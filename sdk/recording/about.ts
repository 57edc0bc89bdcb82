import { z } from "zod";
import { NightshiftError } from "../errors.js";

/** What MCAP calls the record that says how a recording was made. */
export const aboutName = "nightshift";

const schema = z.object({
  /** Of Nightshift. */
  version: z.string(),
  cameras: z.array(z.string()).min(1),
  /** Name of the bundle, or its folder, and the SHA-256 of what its manifest states of its files. */
  bundle: z.string(),
  bundleSha256: z.string(),
  /** That served when the recording began. */
  generation: z.number(),
  vocabulary: z.array(z.string()),
  seed: z.number(),
  /** As `NightshiftOptions.adaptation`. */
  adaptation: z.unknown(),
});

/** How a recording was made, so that a replay can start alike. */
export type About = Readonly<z.infer<typeof schema>>;

/** MCAP's metadata are texts by name. */
export const aboutEntries = (about: About): Map<string, string> => new Map(Object.entries(about).map(([name, value]) => [name, JSON.stringify(value ?? null)]));

/** Throws `E_RECORDING`. */
export function readAbout(entries: ReadonlyMap<string, string>): About {
  try {
    return schema.parse(Object.fromEntries([...entries].map(([name, value]) => [name, JSON.parse(value) as unknown])));
  } catch (cause) {
    throw new NightshiftError("E_RECORDING", { expected: "a recording that says how it was made", received: "a description of another form", remedy: "Record again with this version.", cause });
  }
}
