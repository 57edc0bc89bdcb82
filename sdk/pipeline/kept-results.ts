import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { replaceSynced } from "../bundle/files.js";
import { contentOf, type Manifest } from "../bundle/index.js";

/** SHA-256 over a bundle's content and whatever else results depend on: those of others are not mixed in. */
export const hashOf = (manifest: Manifest, ...others: readonly unknown[]): string => hashOfValues(contentOf(manifest), ...others);

/** The same of plain values. */
export const hashOfValues = (...values: readonly unknown[]): string => createHash("sha256").update(JSON.stringify(values)).digest("hex");

/** What is kept in a file of JSON; undefined where there is none, or it is of something else. */
export async function keptResults<T extends { readonly of: string }>(file: string, of: string): Promise<T | undefined> {
  if (!existsSync(file)) return undefined;
  const results = JSON.parse(await readFile(file, "utf8")) as T;
  return results.of === of ? results : undefined;
}

/** Keeps them, whole at every instant: hours of work are in them. */
export const keepResults = (file: string, text: string): Promise<void> => replaceSynced(file, `${file}.new`, new TextEncoder().encode(text));

/** Adds a result, in the place of those that are the same one, of an earlier form of its row. */
export function replaceBy<T>(results: T[], result: T, isSame: (earlier: T) => boolean): void {
  const stale = results.findIndex(isSame);
  if (stale >= 0) results.splice(stale, 1);
  results.push(result);
}

/** As studies are written. */
export const asText = (results: object): string => `${JSON.stringify(results, undefined, 1)}\n`;
