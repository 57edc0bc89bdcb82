import { create } from "@bufbuild/protobuf";
import type { Perception } from "../engine/perception.js";
import { NightshiftError } from "../errors.js";
import { nowNs } from "../frame.js";
import { type ConditionName, conditionNumber } from "./events.js";
import { type Boxes, BoxesSchema, type Depth, DepthSchema, Encoding, type Header, HeaderSchema, type Mask, MaskSchema } from "./messages/nightshift_pb.js";
import { packPlane } from "./planes.js";
import { schemaVersion } from "./topics.js";

/** What every message about one frame begins with. */
export function headerMessage(perception: Perception, condition: ConditionName): Header {
  return create(HeaderSchema, {
    schemaVersion,
    camera: perception.camera,
    sequence: BigInt(perception.sequence),
    captureTimeNs: perception.captureTimeNs,
    publishTimeNs: nowNs(),
    generation: perception.generation,
    vocabulary: [...perception.vocabulary],
    valid: perception.valid,
    invalidReasons: [...perception.invalidReasons],
    timings: perception.timings,
    cameraWidth: perception.cameraWidth,
    cameraHeight: perception.cameraHeight,
    condition: conditionNumber(condition),
  });
}

/** `withScores`: whether the confidences travel along: another byte for each 4 x 4 pixels. */
export function maskMessage(perception: Perception, header: Header, withScores: boolean): Mask {
  const { width, height } = perception;
  return create(MaskSchema, {
    header,
    categories: packPlane(perception.mask, width, height),
    // Confidences are noise to zlib: they would cost more time than the mask and hardly shrink.
    scores: withScores ? packPlane(perception.maskScore, width / 4, height / 4, Encoding.RAW) : undefined,
    // The network sees the whole frame, stretched to its input.
    toCamera: { scaleX: perception.cameraWidth / width, scaleY: perception.cameraHeight / height, offsetX: 0, offsetY: 0 },
  });
}

/** Undefined where the perception has no depth. */
export function depthMessage({ depth, ...perception }: Perception, header: Header): Depth | undefined {
  if (!depth) return undefined;
  const [width, height] = [perception.width / 4, perception.height / 4];
  const bytes = new DataView(new ArrayBuffer(depth.length * 2));
  depth.forEach((metres, at) => bytes.setUint16(at * 2, Math.min(65535, Math.max(0, Math.round(metres * 100))), true));
  return create(DepthSchema, {
    header,
    width,
    height,
    centimetres: new Uint8Array(bytes.buffer),
    toCamera: { scaleX: perception.cameraWidth / width, scaleY: perception.cameraHeight / height, offsetX: 0, offsetY: 0 },
  });
}

/** Throws `E_VOCABULARY` where a box has a label that the perception's vocabulary lacks. */
export function boxesMessage(perception: Perception, header: Header): Boxes {
  return create(BoxesSchema, {
    header,
    boxes: perception.boxes.map(({ x1, y1, x2, y2, label, score }) => {
      const position = perception.vocabulary.indexOf(label);
      if (position < 0)
        throw new NightshiftError("E_VOCABULARY", {
          expected: `a label of the vocabulary ${perception.vocabulary.join(", ")}`,
          received: JSON.stringify(label),
          remedy: "Answer with the vocabulary that the perception states.",
        });
      return { x1, y1, x2, y2, label: position, name: label, score };
    }),
  });
}
