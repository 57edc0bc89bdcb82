import test from "ava";
import sharp from "sharp";
import { noName } from "../../sdk/network/contract.js";
import { decodeImage, paintDepth, paintMask } from "../../sdk/recording/images.js";

test("a mask in colours is black where it names nothing, and nowhere else", (t) => {
  const { rgb } = paintMask(Uint8Array.of(0, noName, noName - 1), 3, 1);
  const colours = [0, 1, 2].map((at) => [...rgb.subarray(at * 3, at * 3 + 3)]);
  t.deepEqual(colours[1], [0, 0, 0]);
  t.notDeepEqual(colours[0], [0, 0, 0]);
  t.notDeepEqual(colours[2], [0, 0, 0]);
});

test("depths in grey are white at a metre, black at a hundred, and half as bright at ten", (t) => {
  const { rgb } = paintDepth(Float32Array.of(0.2, 1, 10, 100, 500), 5, 1);
  t.deepEqual([...rgb], [255, 255, 127, 0, 0].flatMap((grey) => [grey, grey, grey]));
});

test("a recorded image of more pixels than a frame may have is refused before it is decoded", async (t) => {
  // Some kilobytes, which would be 200 MB.
  const bomb = await sharp({ create: { width: 8200, height: 8200, channels: 3, background: "black" } }).toColourspace("b-w").png({ palette: true, colours: 2, compressionLevel: 9 }).toBuffer();
  await t.throwsAsync(decodeImage(bomb), { code: "E_IMAGE", message: /pixel limit/ });
});
