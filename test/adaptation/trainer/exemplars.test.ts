import test from "ava";
import { BundleText } from "../../../sdk/adaptation/trainer/bundle-text.js";
import { judgingFrames } from "../../../sdk/adaptation/trainer/exemplars.js";
import type { LabelledSet } from "../../../sdk/adaptation/trainer/index.js";
import type { Box } from "../../../sdk/frame.js";
import type { Network } from "../../../sdk/network/architecture.js";
import { temporaryFolder } from "../../bundle/contents.js";
import { exemplars, names, network, tinyBundle } from "../tiny-bundle.js";

const { width, height } = network;

const judged = async (folder: string, set: Pick<LabelledSet, "boxNames">, boxes: readonly (readonly Box[] | undefined)[], by: Network = network) => {
  const samples = exemplars(boxes.length).map(({ boxes: _, ...sample }, at) => ({ ...sample, ...(boxes[at] && { boxes: boxes[at] }) }));
  const [frames] = await judgingFrames([{ name: "set", names, samples, ...set }], new BundleText(await tinyBundle(folder)), by);
  return frames;
};

/** Of exemplars, which have 128 x 64 pixels. */
const car = { x1: 64, y1: 16, x2: 96, y2: 48, label: "car" };

test("boxes are judged in pixels of the network's input, all of them, and where they are labelled", async (t) => {
  const many = Array.from({ length: 40 }, () => car);
  const { frames, boxVocabulary } = await judged(await temporaryFolder(t), { boxNames: ["car"] }, [many, undefined, []]);
  const [across, down] = [width / 128, height / 64];
  t.deepEqual(frames.map(({ boxes }) => boxes?.length), [40, undefined, 0]);
  t.deepEqual(frames[0]?.boxes?.[0], { x1: 64 * across, y1: 16 * down, x2: 96 * across, y2: 48 * down, label: "car" });
  t.is(boxVocabulary, undefined);
});

test("a network that answers no boxes is not judged by them", async (t) => {
  const { frames } = await judged(await temporaryFolder(t), { boxNames: ["car"] }, [[car]], { ...network, tasks: ["segmentation"] });
  t.false("boxes" in (frames[0] ?? {}));
});

test("names of boxes that masks lack make a vocabulary of their own", async (t) => {
  const folder = await temporaryFolder(t);
  const { frames, vocabulary, boxVocabulary } = await judged(folder, { boxNames: ["car", "cart"] }, [[car]]);
  t.deepEqual(vocabulary.names, names);
  t.deepEqual(boxVocabulary?.names, ["car", "cart"]);
  t.is(frames[0]?.boxes?.[0]?.label, "car");
});
