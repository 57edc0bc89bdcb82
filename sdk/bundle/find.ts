import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { NightshiftError } from "../errors.js";
import { packageRoot } from "../paths.js";
import { manifestFile } from "./manifest.js";

/** The bundles that Nightshift ships: `default` learnt from real and rendered frames, `rendered` from rendered ones alone. */
export const shippedBundles = ["default", "rendered"] as const;

/** The folder of a shipped bundle by its name, or of any bundle by its path. Throws `E_BUNDLE_MISSING`. */
export function findBundle(nameOrPath: string): string {
  const isShipped = shippedBundles.some((name) => name === nameOrPath);
  const directory = isShipped ? join(packageRoot(), "sdk", "bundle", nameOrPath) : resolve(nameOrPath);
  if (existsSync(join(directory, manifestFile))) return directory;
  throw new NightshiftError("E_BUNDLE_MISSING", {
    expected: `${shippedBundles.join(" or ")}, or the path of a folder with a ${manifestFile}`,
    received: `${JSON.stringify(nameOrPath)}, and nothing in ${directory}`,
    remedy: "Check the path, or train a bundle with `nightshift train`.",
  });
}
