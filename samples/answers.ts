/** Prints what the network sees in the rendered drive, frame by frame. `npx nightshift` is not needed: this is the whole SDK in a dozen lines. */
import { Nightshift } from "../sdk/index.js"; // from "nightshift" where it is installed as a package

const [bundle = "default", frames = "30"] = process.argv.slice(2);
const nightshift = await Nightshift.start({ source: "drive", bundle, frames: Number(frames), publish: false, control: false });
for await (const { sequence, condition, generation, boxes, timings } of nightshift.answers()) {
  const found = boxes.map(({ label, score }) => `${label} ${score.toFixed(2)}`).join(", ");
  console.log(`frame ${sequence}, ${condition}, generation ${generation}, ${timings.totalMs.toFixed(0)} ms: ${found || "no boxes"}`);
}
await nightshift.stop();
