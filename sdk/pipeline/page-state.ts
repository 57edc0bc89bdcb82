import { overAll, type Status } from "../stream/status.js";
import type { State } from "../viewer/page/wire.js";

/** A status as the page takes it. */
export function pageState({ cameras, ...rest }: Status, about: { readonly source: string; readonly bundle: string; readonly address: string }): State {
  return { ...about, ...rest, ...overAll(cameras), cameras: cameras.map(({ camera }) => camera), timeMs: Date.now() };
}
