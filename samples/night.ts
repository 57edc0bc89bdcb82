/** Waits for night on the rendered drive, lets the network learn from it, and tells how that went. Takes some minutes. */
import { Nightshift } from "../sdk/index.js"; // from "nightshift" where it is installed as a package

const [bundle = "default", frames = "600"] = process.argv.slice(2);
const told = new Set(["weather_changed", "trigger", "trainer_started", "trainer_failed", "verdict", "generation_swapped", "rolled_back"]);
const nightshift = await Nightshift.start({
  source: "drive",
  bundle,
  frames: Number(frames),
  publish: false,
  control: false,
  onEvent: ({ kind, text }) => {
    if (told.has(kind)) console.log(text);
  },
});
await nightshift.ended;
await nightshift.settled();
console.log(JSON.stringify({ ...nightshift.learned, generation: nightshift.status.generation }));
await nightshift.stop();
