import { overAll, type Status } from "../stream/status.js";
import type { State } from "../viewer/page/wire.js";

/** A status as the page takes it. */
export function pageState({ cameras, budget, adaptation, ...rest }: Status, about: { readonly source: string; readonly bundle: string; readonly address: string }): State {
  return { ...about, ...rest, adaptation: budget?.restsFor ? `${adaptation}, resting: ${budget.restsFor}` : adaptation, ...overAll(cameras), cameras: cameras.map(({ camera }) => camera), timeMs: Date.now() };
}
