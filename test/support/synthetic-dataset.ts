import type { Dataset } from "../../sdk/training/dataset.js";

/** Frames of 96 x 48 pixels, dark, with one bright block labelled `block` by mask and box; where it stands depends on the index. */
export function syntheticDataset(length: number): Dataset {
  const [width, height] = [96, 48];
  return {
    name: "synthetic",
    names: ["ground", "block"],
    boxNames: ["block"],
    length,
    sample: async (index) => {
      const [x1, y1, x2, y2] = [30 + (index % 7), 14 + (index % 5), 60 + (index % 7), 32 + (index % 5)];
      const rgb = new Uint8Array(width * height * 3).fill(40);
      const mask = new Uint8Array(width * height);
      for (let y = y1; y < y2; y++) {
        rgb.fill(220, (y * width + x1) * 3, (y * width + x2) * 3);
        mask.fill(1, y * width + x1, y * width + x2);
      }
      return Promise.resolve({ id: String(index), width, height, rgb, mask, boxes: [{ x1, y1, x2, y2, label: "block" }] });
    },
  };
}

/** For loaders that open their datasets in another thread. */
export async function openDataset(spec: { readonly length: number }): Promise<Dataset> {
  return Promise.resolve(syntheticDataset(spec.length));
}
