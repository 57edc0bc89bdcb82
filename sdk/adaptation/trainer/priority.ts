import { readdirSync, writeFileSync } from "node:fs";
import { setPriority } from "node:os";

/** Lowers the priority of this process to a niceness of 0 to 19. On Linux that is a matter of each thread, so of those that run already one by one; later ones inherit it. */
export function lowerPriority(niceness: number): void {
  setPriority(niceness);
  if (process.platform !== "linux") return;
  for (const thread of readdirSync("/proc/self/task")) setPriority(Number(thread), niceness);
}

/** Where memory runs out, Linux ends this process first, whatever others take, so that the stream lives. Raising the score takes no rights. */
export function yieldMemory(): void {
  if (process.platform === "linux") writeFileSync("/proc/self/oom_score_adj", "1000");
}
