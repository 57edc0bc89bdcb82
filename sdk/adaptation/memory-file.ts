import { z } from "zod";
import { NightshiftError } from "../errors.js";
import { readSafetensors, writeSafetensors } from "../graph/safetensors.js";
import type { Tensor } from "../graph/tensor.js";
import { conditionNames } from "../stream/events.js";
import { FrameMemory, type MemoryOptions, type RememberedFrame } from "./memory.js";
import { cellColumns, cellRows } from "./monitor/statistics.js";

const entrySchema = z.object({
  id: z.string(),
  condition: z.enum(conditionNames),
  captureTimeNs: z.string().regex(/^\d+$/),
  shares: z.array(z.tuple([z.string(), z.number().min(0).max(1)])),
});
const headerSchema = z.object({ width: z.int().positive(), height: z.int().positive(), frames: z.array(entrySchema) });

/** A memory as one safetensors file: pixels and thumbnails as tensors, everything else as JSON in its metadata. */
export function writeMemory(memory: FrameMemory): Uint8Array {
  const { width, height } = memory.options;
  const frames = memory.frames();
  const header: z.infer<typeof headerSchema> = {
    width,
    height,
    frames: frames.map(({ id, condition, captureTimeNs, scene }) => ({ id, condition, captureTimeNs: String(captureTimeNs), shares: [...scene.shares] })),
  };
  const tensors = new Map<string, Tensor>();
  frames.forEach(({ rgb, scene }, index) => {
    tensors.set(`rgb.${index}`, { dtype: "uint8", shape: [height, width, 3], data: rgb });
    tensors.set(`thumbnail.${index}`, { dtype: "uint8", shape: [cellRows, cellColumns, 3], data: scene.thumbnail });
  });
  return writeSafetensors(tensors, { memory: JSON.stringify(header) });
}

/** Reads what `writeMemory` wrote. Throws `E_BUNDLE_FORMAT` where it is truncated or malformed. */
export function readMemory(bytes: Uint8Array, options: Partial<Omit<MemoryOptions, "width" | "height">> = {}): FrameMemory {
  const { tensors, metadata } = readSafetensors(bytes);
  const { width, height, frames } = readHeader(metadata.memory);
  const memory = new FrameMemory({ ...options, width, height });
  memory.restore(frames.map(({ id, condition, captureTimeNs, shares }, index): RememberedFrame => {
    const thumbnail = bytesNamed(tensors, `thumbnail.${index}`, cellRows * cellColumns * 3);
    const rgb = bytesNamed(tensors, `rgb.${index}`, width * height * 3);
    return { id, condition, captureTimeNs: BigInt(captureTimeNs), rgb, scene: { thumbnail, shares: new Map(shares) } };
  }));
  return memory;
}

function readHeader(text: string | undefined): z.infer<typeof headerSchema> {
  try {
    return headerSchema.parse(JSON.parse(text ?? "null"));
  } catch (cause) {
    throw malformed("a description of the frames in the metadata", text === undefined ? "none" : "something else", cause);
  }
}

function bytesNamed(tensors: ReadonlyMap<string, Tensor>, name: string, length: number): Uint8Array {
  const tensor = tensors.get(name);
  if (!(tensor?.data instanceof Uint8Array) || tensor.data.length !== length) throw malformed(`${length} bytes named ${name}`, tensor ? `${tensor.data.length}` : "none");
  return tensor.data;
}

const malformed = (expected: string, received: string, cause?: unknown): NightshiftError =>
  new NightshiftError("E_BUNDLE_FORMAT", { expected, received, remedy: "Delete the frame memory's file; it fills again.", cause });
