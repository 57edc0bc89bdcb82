import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** The folder that holds Nightshift's `package.json`: where files that are not code (bundles, the page, schemas) are found. */
export function packageRoot(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, "package.json"))) folder = dirname(folder);
  return folder;
}

/** Where recipes and studies find real frames unless told otherwise. */
export const defaultDataFolder = (): string => join(packageRoot(), "..", "shared", "data");
