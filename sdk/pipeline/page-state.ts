import type { Status } from "../stream/status.js";
import type { State } from "../viewer/page/wire.js";

/** A status as the page takes it. */
export function pageState(status: Status, about: { readonly source: string; readonly bundle: string; readonly address: string }): State {
  const { cameras, ...rest } = status;
  const [camera] = cameras;
  return {
    ...about,
    ...rest,
    timeMs: Date.now(),
    framesIn: camera?.framesIn ?? 0,
    answered: camera?.answered ?? 0,
    dropped: camera?.dropped ?? 0,
    lost: camera?.lost ?? 0,
    fps: camera?.fps ?? 0,
    latencyMs: camera?.latencyMs ?? { p50: 0, p95: 0, p99: 0 },
  };
}
