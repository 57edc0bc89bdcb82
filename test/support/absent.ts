import type { ExecutionContext } from "ava";

/** Passes a test that this machine cannot run, and says why by name; it is counted as skipped. Also under CI: nothing that CI could install would help. */
export function absent(t: ExecutionContext, why: string): void {
  const message = `SKIPPED: ${t.title}: ${why}`;
  console.warn(message);
  t.pass(message);
}
