import type { Shape } from "../tensor.js";
import { int } from "./node-attributes.js";
import type { NodeProto } from "./onnx_pb.js";

/** Sizes by scales; undefined where they do not come out whole, as places are then found by the scales and not by the sizes. */
function scaled(shape: Shape, scales: readonly number[]): readonly number[] | undefined {
  const sizes = shape.map((n, axis) => n * scales[axis]);
  // ONNX rounds down, and what a float32 is just too small for is one less.
  return sizes.every((size) => Math.abs(size - Math.round(size)) < 1e-4 && Math.floor(Math.fround(size)) === Math.round(size)) ? sizes.map(Math.round) : undefined;
}

/**
 * What ONNX means where an input that we hold as an attribute is not given, or undefined where it has to be.
 *
 * @param shape of the node's first input
 * @param sliced how many axes a Slice has starts for
 * @param scales of a Resize that has them in place of sizes
 */
export function absentInput(
  node: NodeProto,
  key: string,
  shape: Shape,
  { sliced = 0, scales }: { readonly sliced?: number; readonly scales?: readonly number[] },
): readonly number[] | undefined {
  const all = shape.map((_, axis) => axis);
  switch (`${node.opType}.${key}`) {
    case "Slice.axes":
      return all.slice(0, sliced);
    case "Slice.steps":
      return Array.from({ length: sliced }, () => 1);
    case "Squeeze.axes":
      return all.filter((axis) => shape[axis] === 1);
    case "Resize.sizes":
      return scales?.length === shape.length ? scaled(shape, scales) : undefined;
    case "Split.split": {
      const axis = int(node, "axis", 0);
      const extent = shape[axis < 0 ? axis + shape.length : axis] ?? 0;
      const part = Math.ceil(extent / node.output.length);
      return node.output.map((_, i) => Math.max(0, Math.min(part, extent - i * part)));
    }
    default:
      return node.opType.startsWith("Reduce") && key === "axes" ? all : undefined;
  }
}
