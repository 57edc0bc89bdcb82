/** A program that remembers one frame after the other and keeps the memory each time, until it is killed. Arguments: the state's folder, the bundle's, the seed. */
import { readBundle } from "../../sdk/bundle/index.js";
import { cellColumns, cellRows } from "../../sdk/adaptation/monitor/statistics.js";
import { nowNs } from "../../sdk/frame.js";
import { State } from "../../sdk/pipeline/state.js";
import { picture } from "../adaptation/pictures.js";

const [directory = "", bundle = "", seed = "0"] = process.argv.slice(2);
const state = await State.open({ source: "folder", state: directory }, await readBundle(bundle), "front");
const memory = await state.memory(await readBundle(bundle), (error) => {
  throw error;
});
const { width, height } = memory.options;
for (let at = 0; ; at++) {
  const thumbnail = Uint8Array.from({ length: cellRows * cellColumns * 3 }, (_, i) => (i * 7 + at * 31 + Number(seed) * 57) % 256);
  memory.offer({ id: `front/${seed}-${at}`, condition: "night", captureTimeNs: nowNs(), scene: { thumbnail, shares: new Map() }, rgb: () => picture("night", at, width, height).rgb });
  await state.keep(memory);
  process.send?.(memory.counters.held);
}
