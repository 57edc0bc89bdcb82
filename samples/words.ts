/** Changes what is looked for while frames stream by, and says which share of each frame each word got. */
import { Nightshift } from "../sdk/index.js"; // from "nightshift" where it is installed as a package

const [bundle = "default", ...words] = process.argv.slice(2);
const asked = words.length > 0 ? words : ["road", "sky", "anything that moves"];
const nightshift = await Nightshift.start({ source: "drive", bundle, frames: 60, fps: 0, publish: false, control: false, adaptation: false });
let hasAsked = false;
for await (const { sequence, vocabulary, mask } of nightshift.answers()) {
  if (sequence === 5 && !hasAsked) {
    hasAsked = true;
    await nightshift.setVocabulary(asked);
  }
  if (sequence % 10 !== 0) continue;
  const shares = vocabulary.map((name, index) => `${name} ${((100 * mask.filter((value) => value === index).length) / mask.length).toFixed(0)} %`);
  console.log(`frame ${sequence}: ${shares.join(", ")}`);
}
await nightshift.stop();
