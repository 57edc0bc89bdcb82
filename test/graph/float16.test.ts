import test from "ava";
import { fromFloat16, toFloat16 } from "../../sdk/graph/float16.js";

const isNan = (half: number): boolean => (half & 0x7fff) > 0x7c00;

test("every binary16 number survives the way to float32 and back", (t) => {
  const halves = Uint16Array.from({ length: 65536 }, (_, i) => i);
  const values = fromFloat16(halves);
  const back = toFloat16(values);
  t.deepEqual(
    halves.filter((half) => !isNan(half) && back[half] !== half),
    new Uint16Array(),
  );
  t.true(halves.filter(isNan).every((half) => Number.isNaN(values[half]) && isNan(back[half])));
});

test("known values", (t) => {
  t.deepEqual([...fromFloat16(Uint16Array.of(0x3c00, 0xc000, 0x7bff, 0x0400, 0x03ff, 0x0001, 0xfc00))], [
    1, -2, 65504, 2 ** -14, 1023 * 2 ** -24, 2 ** -24, -Infinity,
  ]);
  t.true(Object.is(fromFloat16(Uint16Array.of(0x8000))[0], -0));
});

test("rounding is to the nearest, ties to even, at every boundary", (t) => {
  // Between each two neighbours: the middle goes to the even one, and the float32 numbers beside the middle to the nearer one.
  const halves = Uint16Array.from({ length: 0x7c00 }, (_, i) => i);
  const values = fromFloat16(halves);
  const upper = (i: number): number => (i === 0x7bff ? 65536 : values[i + 1]);
  const middles = Float32Array.from(values, (value, i) => (value + upper(i)) / 2);
  const bits = new Uint32Array(middles.buffer);
  const below = new Float32Array(Uint32Array.from(bits, (b) => b - 1).buffer);
  const above = new Float32Array(Uint32Array.from(bits, (b) => b + 1).buffer);
  t.deepEqual(toFloat16(middles), halves.map((half) => half + (half & 1)));
  t.deepEqual(toFloat16(below), halves);
  t.deepEqual(toFloat16(above), halves.map((half) => half + 1));
  t.deepEqual(toFloat16(below.map((value) => -value)), halves.map((half) => half | 0x8000));
});

test("what is too large becomes infinity", (t) => {
  t.deepEqual([...toFloat16(Float32Array.of(65519.996, 65520, 1e30, -1e30, Infinity))], [0x7bff, 0x7c00, 0x7c00, 0xfc00, 0x7c00]);
});
