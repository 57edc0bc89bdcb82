import { existsSync } from "node:fs";
import { join } from "node:path";
import type { ExecutionContext } from "ava";
import { packageRoot } from "../../sdk/paths.js";

/** The folder of real frames and models beside the checkout, or undefined where there is none. */
export function sharedData(...parts: string[]): string | undefined {
  const path = join(packageRoot(), "..", "shared", ...parts);
  return existsSync(path) ? path : undefined;
}

/**
 * Passes the test with a message where something it needs is missing; fails it under CI, which installs everything.
 * Returns whether the test should go on.
 */
export function needs(t: ExecutionContext, present: boolean, what: string, install: string): boolean {
  if (present) return true;
  const message = `SKIPPED: ${t.title} needs ${what}: ${install}`;
  if (process.env.CI) t.fail(message);
  else {
    console.warn(message);
    t.pass(message);
  }
  return false;
}
