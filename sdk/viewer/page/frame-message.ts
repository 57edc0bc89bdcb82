import type { FrameHead } from "./wire.js";

export interface DrawableFrame {
  readonly head: FrameHead;
  readonly picture: ImageBitmap;
  /** `height * width` positions in the vocabulary. */
  readonly mask: Uint8Array;
}

/** Takes apart a message as `FrameHead` describes it. */
export async function readFrame(data: ArrayBuffer): Promise<DrawableFrame> {
  const headBytes = new DataView(data).getUint32(0);
  const head = JSON.parse(new TextDecoder().decode(new Uint8Array(data, 4, headBytes))) as FrameHead;
  const pictureAt = 4 + headBytes;
  const maskAt = pictureAt + head.pictureBytes;
  const [picture, mask] = await Promise.all([
    createImageBitmap(new Blob([data.slice(pictureAt, maskAt)], { type: "image/jpeg" })),
    inflate(data.slice(maskAt, maskAt + head.maskBytes)),
  ]);
  return { head, picture, mask };
}

async function inflate(bytes: ArrayBuffer): Promise<Uint8Array> {
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}
