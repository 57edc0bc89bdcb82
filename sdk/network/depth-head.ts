import type { Value } from "../graph/graph.js";
import { add, clip, exp, mul, relu, resizeLike } from "../graph/ops.js";
import type { Builder } from "./builder.js";
import { filterBank } from "./filter-bank.js";
import type { Pyramid } from "./pixel-decoder.js";

/** What begins the names of its parameters; nothing else of the network has such names. */
export const depthPrefix = "depth.";

const channels = 64;
/** What the head adds to its first guess is made smaller by this: the features that it reads were learnt for masks and boxes, at whatever size suited them. */
const start = 0.1;
/** Metres that it tells before it has learnt, and the range of what it tells. */
const first = 15;
const range = { nearest: 0.5, farthest: 300 };

function mixed(b: Builder, name: string, x: Value, dilation: number): Value {
  return add(x, relu(b.conv(name, filterBank(x, dilation), channels)));
}

/**
 * Depth as a task of its own beside masks and boxes, from the features that those share: the logarithm of metres along the viewing axis, [N, 1, H / 4, W / 4].
 * It has no normalisation layers, so that its features' statistics are theirs alone.
 */
export function depthHead(b: Builder, { concepts, levels: [p8, p16, p32] }: Pyramid): Value {
  const from = (name: string, x: Value): Value => b.conv(`${depthPrefix}${name}`, x, channels);
  let x = relu(add(from("p8", p8), add(resizeLike(from("p16", p16), p8), resizeLike(from("p32", p32), p8))));
  x = mixed(b, `${depthPrefix}wide`, mixed(b, `${depthPrefix}near`, x, 1), 2);
  x = relu(add(from("concepts", concepts), resizeLike(x, concepts)));
  return add(mul(b.conv(`${depthPrefix}metres`, mixed(b, `${depthPrefix}fine`, x, 1), 1), start), Math.log(first));
}

/** What the head says, in metres. */
export const metresOf = (logMetres: Value): Value => exp(clip(logMetres, Math.log(range.nearest), Math.log(range.farthest)));
