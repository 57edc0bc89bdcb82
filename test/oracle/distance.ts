/** ||a - b|| as a share of ||b||, or of `least` where b is shorter than that. */
export function distance(a: ArrayLike<number | bigint>, b: ArrayLike<number | bigint>, least = 1e-9): number {
  let [apart, length] = [0, 0];
  for (let at = 0; at < b.length; at++) {
    apart += (Number(a[at]) - Number(b[at])) ** 2;
    length += Number(b[at]) ** 2;
  }
  return a.length === b.length ? Math.sqrt(apart) / Math.max(Math.sqrt(length), least) : NaN;
}

/** Numbers that have no symmetry: a gradient for each element of an output. */
export const weights = (count: number): Float64Array => Float64Array.from({ length: count }, (_, at) => (at % 2 ? -1 : 1) * (0.5 + ((at * 0.6180339887 + 0.377) % 1)));
