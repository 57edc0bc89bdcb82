/** Weights are whole numbers in units of 1 / 2^weightBits: two passes of them fit into 32 bits, where arithmetic is fastest. */
export const weightBits = 11;

/** For each output position, which source positions are mixed, and how much of each. */
export interface Taps {
  /** Source positions mixed for each output position. */
  readonly each: number;
  /** `[count * each]` source positions. */
  readonly from: Int32Array;
  /** `[count * each]`, summing to 2^weightBits for each output position. */
  readonly weight: Int32Array;
  /** The first output position inside the frame. */
  readonly first: number;
  /** One after the last output position inside the frame. */
  readonly end: number;
}

/**
 * Linear interpolation along one axis, with pixel centres at halves as ONNX Resize has them ("half_pixel").
 * `place` gives each output position's centre in the frame, from 0 to 1. With `smooth`, a shrinking frame is averaged over what an output
 * pixel covers; without, it is sampled, as a resize inside a network does.
 */
export function linearTaps(count: number, sourceCount: number, place: (position: number) => number, smooth: boolean): Taps {
  const sourcePerOutput = (Math.abs(place(count - 1) - place(0)) * sourceCount) / Math.max(1, count - 1);
  const reach = smooth ? Math.max(1, sourcePerOutput) : 1;
  const each = Math.ceil(2 * reach);
  const from = new Int32Array(count * each);
  const weight = new Int32Array(count * each);
  let [first, end] = [count, 0];
  for (let position = 0; position < count; position++) {
    const inFrame = place(position);
    if (inFrame >= 0 && inFrame < 1) {
      first = Math.min(first, position);
      end = position + 1;
    }
    const centre = inFrame * sourceCount - 0.5;
    const start = Math.floor(centre - reach) + 1;
    let sum = 0;
    for (let tap = 0; tap < each; tap++) sum += triangle(start + tap - centre, reach);
    let rest = 2 ** weightBits;
    for (let tap = 0; tap < each; tap++) {
      // The last one takes what rounding left, so that an even surface stays even.
      const part = tap === each - 1 ? rest : Math.round((triangle(start + tap - centre, reach) / sum) * 2 ** weightBits);
      rest -= part;
      from[position * each + tap] = Math.min(sourceCount - 1, Math.max(0, start + tap));
      weight[position * each + tap] = part;
    }
  }
  return { each, from, weight, first: Math.min(first, end), end };
}

function triangle(distance: number, reach: number): number {
  return Math.max(0, 1 - Math.abs(distance) / reach);
}
