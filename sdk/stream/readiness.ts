import type { StreamEvent } from "./events.js";

/** Whether frames of every camera are answered, for whoever watches over the program. */
export class Readiness {
  /** Cameras whose frames are to be answered, by name: since when they are silent. */
  readonly #silentSinceMs = new Map<string, number>();
  readonly #lost = new Set<string>();
  #hasAnswered = false;

  /** `patienceMs`: without an answer for so long, it is no longer ready. */
  constructor(
    private readonly patienceMs = 5000,
    private readonly nowMs: () => number = () => performance.now(),
  ) {}

  /** A frame of this camera was answered. */
  answered(camera: string): void {
    this.#hasAnswered = true;
    this.#lost.delete(camera);
    this.#silentSinceMs.set(camera, this.nowMs());
  }

  /** What happens to cameras is told by events. */
  event({ kind, details: { camera } }: StreamEvent): void {
    if (typeof camera !== "string") return;
    if (kind === "stream_started") this.#silentSinceMs.set(camera, this.nowMs());
    if (kind === "camera_lost") this.#lost.add(camera);
    if (kind === "stream_ended") this.#silentSinceMs.delete(camera);
  }

  /** Why it is not ready, in words; undefined while it is. */
  get obstacle(): string | undefined {
    if (!this.#hasAnswered) return "no frame was answered yet";
    if (this.#silentSinceMs.size === 0) return "the cameras have ended";
    const reasons = [...this.#silentSinceMs.keys()].map((camera) => this.#obstacleOf(camera)).filter((reason) => reason !== undefined);
    return reasons.length === 0 ? undefined : reasons.join("; ");
  }

  /** Whether a new start may help: frames should come, of cameras that are not known to be lost, and none of them is answered. */
  get isStuck(): boolean {
    const present = [...this.#silentSinceMs.keys()].filter((camera) => !this.#lost.has(camera));
    return present.length > 0 && present.every((camera) => this.#obstacleOf(camera) !== undefined);
  }

  #obstacleOf(camera: string): string | undefined {
    if (this.#lost.has(camera)) return `${camera} is lost`;
    const silentMs = this.nowMs() - (this.#silentSinceMs.get(camera) ?? 0);
    return silentMs > this.patienceMs ? `no frame of ${camera} was answered for ${(silentMs / 1000).toFixed(1)} s` : undefined;
  }
}
