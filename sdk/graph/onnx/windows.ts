import type { Operator } from "../attributes.js";
import type { Shape } from "../tensor.js";
import { int, ints, text } from "./node-attributes.js";
import type { NodeProto } from "./onnx_pb.js";

interface Windows {
  readonly kernel: readonly number[];
  readonly strides: readonly number[];
  readonly pads: readonly number[];
  readonly dilations?: readonly number[];
}

/** Whether a node says that there is no padding, whatever its pads are. */
export const isUnpadded = (node: NodeProto): boolean => text(node, "auto_pad") === "VALID";

const withWindows: ReadonlySet<Operator> = new Set<Operator>(["Conv", "MaxPool", "AveragePool"]);

/**
 * The pads that a convolution or a pool means by `auto_pad` or `ceil_mode`, so that the plain form with them answers the same. Undefined where nothing is meant by them, or no pads
 * would do (an average that counts its padding).
 *
 * @param shape of the node's first input, [N, C, H, W]
 */
export function meantPads(node: NodeProto, operator: Operator, shape: Shape, { kernel, strides, pads, dilations = [1, 1] }: Windows): number[] | undefined {
  if (!withWindows.has(operator) || shape.length !== 4) return undefined;
  const how = text(node, "auto_pad");
  const reach = kernel.map((k, axis) => (k - 1) * dilations[axis] + 1);
  if (how === "SAME_UPPER" || how === "SAME_LOWER") {
    const whole = [0, 1].map((axis) => Math.max(0, (Math.ceil(shape[axis + 2] / strides[axis]) - 1) * strides[axis] + reach[axis] - shape[axis + 2]));
    return onBothSides(whole, how);
  }
  if (int(node, "ceil_mode", 0) !== 1) return undefined;
  const ends = [0, 1].map((axis) => {
    const extent = shape[axis + 2] + pads[axis] + pads[axis + 2];
    const steps = Math.ceil((extent - reach[axis]) / strides[axis]);
    // A window that would begin in the padding behind the end is left out.
    const last = steps * strides[axis] >= shape[axis + 2] + pads[axis] ? steps - 1 : steps;
    return pads[axis + 2] + Math.max(0, last * strides[axis] + reach[axis] - extent);
  });
  return [pads[0], pads[1], ...ends];
}

/**
 * The pads that a transposed convolution means by `auto_pad` or `output_shape`; undefined where it has neither. Below 0 where it cannot be as large as is asked for.
 *
 * @param shape of the node's first input, [N, C, H, W]
 */
export function transposedPads(node: NodeProto, shape: Shape, { kernel, strides, dilations = [1, 1], outputPadding }: Windows & { readonly outputPadding: readonly number[] }): number[] | undefined {
  const how = text(node, "auto_pad");
  const isSame = how === "SAME_UPPER" || how === "SAME_LOWER";
  const stated = ints(node, "output_shape").slice(-2);
  if (shape.length !== 4 || (!isSame && stated.length === 0)) return undefined;
  const whole = [0, 1].map((axis) => {
    const extent = shape[axis + 2];
    const unpadded = (extent - 1) * strides[axis] + outputPadding[axis] + (kernel[axis] - 1) * dilations[axis] + 1;
    return stated.length > 0 ? unpadded - stated[axis] : Math.max(0, unpadded - extent * strides[axis]);
  });
  return onBothSides(whole, how);
}

/** What is padded along each axis in all, half before and half behind; what is odd goes behind for SAME_UPPER, before otherwise. */
function onBothSides(whole: readonly number[], how: string): number[] {
  const less = whole.map((pad) => Math.floor(pad / 2));
  const more = whole.map((pad, axis) => pad - less[axis]);
  return how === "SAME_UPPER" ? [...less, ...more] : [...more, ...less];
}
