/**
 * A mask of `width` x `height` pixels at another size, by nearest neighbour with pixel centres at halves: how a mask at the network's
 * resolution is laid over the camera's frame or a label. Both sizes show the whole frame.
 */
export function resizeMaskNearest(mask: Uint8Array, width: number, height: number, toWidth: number, toHeight: number): Uint8Array {
  if (width === toWidth && height === toHeight) return mask;
  const columns = Int32Array.from({ length: toWidth }, (_, x) => Math.floor(((x + 0.5) * width) / toWidth));
  const out = new Uint8Array(toWidth * toHeight);
  for (let y = 0; y < toHeight; y++) {
    const row = Math.floor(((y + 0.5) * height) / toHeight) * width;
    for (let x = 0; x < toWidth; x++) out[y * toWidth + x] = mask[row + columns[x]]!;
  }
  return out;
}
