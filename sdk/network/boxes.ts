/** Boxes as graphs. A box is x1, y1, x2, y2 in pixels of the network's input, on the last axis. */
import type { Value } from "../graph/graph.js";
import { add, clip, concat, div, exp, max, min, mul, slice, sub } from "../graph/ops.js";

const part = (boxes: Value, i: number): Value => slice(boxes, boxes.rank - 1, i, i + 1);

type Corners = readonly [Value, Value, Value, Value];

export const corners = (boxes: Value): Corners => [part(boxes, 0), part(boxes, 1), part(boxes, 2), part(boxes, 3)];

/** Distances left, top, right, bottom [..., 4] from points [..., 2] to boxes [..., 4]. */
export function boxesAround(points: Value, distances: Value): Value {
  const last = points.rank - 1;
  return concat(
    [
      sub(points, slice(distances, last, 0, 2)),
      add(points, slice(distances, last, 2, 4)),
    ],
    last,
  );
}

/** Moves and scales reference boxes [..., 4] by deltas [..., 4]: centre by a share of the size, size by a factor. */
export function refineBoxes(reference: Value, deltas: Value): Value {
  const [x1, y1, x2, y2] = corners(reference);
  const axis = (low: Value, high: Value, shift: Value, growth: Value): readonly [Value, Value] => {
    const size = sub(high, low);
    const centre = add(mul(add(low, high), 0.5), mul(shift, size));
    const half = mul(mul(size, exp(clip(growth, -2, 2))), 0.5);
    return [sub(centre, half), add(centre, half)];
  };
  const [left, right] = axis(x1, x2, part(deltas, 0), part(deltas, 2));
  const [top, bottom] = axis(y1, y2, part(deltas, 1), part(deltas, 3));
  return concat([left, top, right, bottom], reference.rank - 1);
}

const area = (x1: Value, y1: Value, x2: Value, y2: Value): Value => mul(max(sub(x2, x1), 0), max(sub(y2, y1), 0));

/** Areas of what boxes share and of what they cover together. */
function common([ax1, ay1, ax2, ay2]: Corners, [bx1, by1, bx2, by2]: Corners, epsilon: number): { readonly shared: Value; readonly union: Value } {
  const shared = area(max(ax1, bx1), max(ay1, by1), min(ax2, bx2), min(ay2, by2));
  return { shared, union: add(sub(add(area(ax1, ay1, ax2, ay2), area(bx1, by1, bx2, by2)), shared), epsilon) };
}

/** Intersection over union of boxes that broadcast, in any unit in which they are not far smaller than 1e-5: [..., 4] and [..., 4] to [..., 1], from 0 to 1. */
export function intersectionOverUnion(a: Value, b: Value): Value {
  const { shared, union } = common(corners(a), corners(b), 1e-12);
  return div(shared, union);
}

/** Generalised intersection over union of boxes that broadcast: [..., 4] and [..., 4] to [..., 1], from -1 to 1. */
export function generalisedIou(a: Value, b: Value): Value {
  const [ax1, ay1, ax2, ay2] = corners(a);
  const [bx1, by1, bx2, by2] = corners(b);
  const { shared, union } = common([ax1, ay1, ax2, ay2], [bx1, by1, bx2, by2], 1e-6);
  const hull = add(area(min(ax1, bx1), min(ay1, by1), max(ax2, bx2), max(ay2, by2)), 1e-6);
  return sub(div(shared, union), div(sub(hull, union), hull));
}
