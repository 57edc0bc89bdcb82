import test from "ava";
import { noName } from "../../sdk/network/contract.js";
import { paintMask } from "../../sdk/recording/images.js";

test("a mask in colours is black where it names nothing, and nowhere else", (t) => {
  const { rgb } = paintMask(Uint8Array.of(0, noName, noName - 1), 3, 1);
  const colours = [0, 1, 2].map((at) => [...rgb.subarray(at * 3, at * 3 + 3)]);
  t.deepEqual(colours[1], [0, 0, 0]);
  t.notDeepEqual(colours[0], [0, 0, 0]);
  t.notDeepEqual(colours[2], [0, 0, 0]);
});
