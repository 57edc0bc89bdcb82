import { normalAxis } from "../../graph/shapes.js";
import { sizeOf } from "../../graph/tensor.js";
import { aroundAxis, fill, refuse, stridesOf, type NdArray } from "./array.js";
import type { Kernels } from "./kernel.js";

/** An index counted from the end when negative. */
function place(index: number, extent: number): number {
  const at = index < 0 ? index + extent : index;
  if (at < 0 || at >= extent) refuse(`indices from ${-extent} to ${extent - 1}`, String(index));
  return at;
}

/** The offset in x of what `index[i...]` names: i itself, but along `axis` the number that the index tensor holds there. */
function* named(index: NdArray, x: NdArray, axis: number): Generator<readonly [number, number]> {
  const [from, to] = [stridesOf(index.shape), stridesOf(x.shape)];
  for (let i = 0; i < index.data.length; i++) {
    let offset = 0;
    for (let a = 0; a < from.length; a++) {
      const k = a === axis ? place(index.data[i], x.shape[axis]) : Math.floor(i / from[a]) % index.shape[a];
      offset += k * to[a];
    }
    yield [i, offset];
  }
}

/** The order of the elements along a line: descending or ascending, ties by lower place. */
function ranking(line: readonly number[], largest: boolean): number[] {
  const order = line.map((_, k) => k);
  return order.sort((a, b) => (line[a] === line[b] ? a - b : largest === line[a] > line[b] ? -1 : 1));
}

export const indexing = {
  Gather: ([x, index], { axis }, [{ dtype, shape }]) => {
    const { outer, extent, inner } = aroundAxis(x.shape, normalAxis(axis, x.shape.length));
    const data = new Float64Array(sizeOf(shape));
    const count = index.data.length;
    for (let o = 0; o < outer; o++)
      for (let k = 0; k < count; k++) {
        const start = (o * extent + place(index.data[k], extent)) * inner;
        data.set(x.data.subarray(start, start + inner), (o * count + k) * inner);
      }
    return [{ dtype, shape, data }];
  },
  GatherElements: ([x, index], { axis }, [{ dtype, shape }]) => {
    const data = new Float64Array(index.data.length);
    for (const [i, offset] of named(index, x, normalAxis(axis, x.shape.length))) data[i] = x.data[offset];
    return [{ dtype, shape, data }];
  },
  ScatterElements: ([x, index, updates], { axis, reduction }) => {
    const data = x.data.slice();
    for (const [i, offset] of named(index, x, normalAxis(axis, x.shape.length)))
      data[offset] = reduction === "add" ? data[offset] + updates.data[i] : updates.data[i];
    return [{ ...x, data }];
  },
  OneHot: ([x], { axis, depth }, [{ dtype, shape }]) => {
    const at = normalAxis(axis, shape.length);
    const strides = stridesOf(x.shape);
    return [
      fill(dtype, shape, (index) => {
        let offset = 0;
        for (let a = 0; a < strides.length; a++) offset += strides[a] * index[a < at ? a : a + 1];
        const hot = x.data[offset];
        return (hot < 0 ? hot + depth : hot) === index[at] ? 1 : 0;
      }),
    ];
  },
  TopK: ([x], { k, axis, largest }, types) => {
    const { outer, extent, inner } = aroundAxis(x.shape, normalAxis(axis, x.shape.length));
    const [values, places] = types.map(({ dtype, shape }) => ({ dtype, shape, data: new Float64Array(sizeOf(shape)) }));
    for (let o = 0; o < outer; o++)
      for (let i = 0; i < inner; i++) {
        const line = Array.from({ length: extent }, (_, j) => x.data[(o * extent + j) * inner + i]);
        for (const [rank, j] of ranking(line, largest).slice(0, k).entries()) {
          const to = (o * k + rank) * inner + i;
          values.data[to] = line[j];
          places.data[to] = j;
        }
      }
    return [values, places];
  },
} satisfies Kernels;
