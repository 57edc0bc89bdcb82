import { create } from "@bufbuild/protobuf";
import { type Timestamp, TimestampSchema } from "@bufbuild/protobuf/wkt";
import type { Perception } from "../engine/perception.js";
import { type ConditionName, conditionNumber } from "../stream/events.js";
import { type Weather, WeatherSchema } from "../stream/messages/nightshift_pb.js";
import { colourOf, type ImageFormat } from "./images.js";
import {
  type Color,
  ColorSchema,
  type CompressedImage,
  CompressedImageSchema,
  type ImageAnnotations,
  ImageAnnotationsSchema,
  Point2Schema,
  PointsAnnotation_Type,
  PointsAnnotationSchema,
  TextAnnotationSchema,
} from "./messages/foxglove_pb.js";

/** What the weather monitor makes of a frame. */
export interface RecordedWeather {
  readonly condition: ConditionName;
  readonly confidence: number;
  readonly likelihoods: Readonly<Record<"clear" | "dusk" | "night" | "fog", number>>;
}

export const imageMessage = (camera: string, timeNs: bigint, data: Uint8Array, format: ImageFormat): CompressedImage =>
  create(CompressedImageSchema, { timestamp: timestampOf(timeNs), frameId: camera, data, format });

/** Boxes as outlines with their names. */
export function annotationsMessage({ boxes, vocabulary, captureTimeNs, cameraHeight }: Perception): ImageAnnotations {
  const timestamp = timestampOf(captureTimeNs);
  const thickness = Math.max(1, cameraHeight / 360);
  const fontSize = Math.max(8, cameraHeight / 40);
  const annotations = boxes.map(({ x1, y1, x2, y2, label, score }) => {
    const outlineColor = colour(vocabulary.indexOf(label), 1);
    const corners = [[x1, y1], [x2, y1], [x2, y2], [x1, y2]].map(([x, y]) => create(Point2Schema, { x, y }));
    return {
      outline: create(PointsAnnotationSchema, { timestamp, type: PointsAnnotation_Type.LINE_LOOP, points: corners, outlineColor, thickness }),
      text: create(TextAnnotationSchema, { timestamp, position: create(Point2Schema, { x: x1, y: y1 }), text: `${label} ${score.toFixed(2)}`, fontSize, textColor: colour(-1, 1), backgroundColor: { ...outlineColor, a: 0.7 } }),
    };
  });
  return create(ImageAnnotationsSchema, { points: annotations.map(({ outline }) => outline), texts: annotations.map(({ text }) => text) });
}

export const weatherMessage = (captureTimeNs: bigint, { condition, confidence, likelihoods }: RecordedWeather): Weather =>
  create(WeatherSchema, { captureTimeNs, condition: conditionNumber(condition), confidence, ...likelihoods });

/** White for what is no category. */
function colour(category: number, a: number): Color {
  const [r, g, b] = category < 0 ? [1, 1, 1] : colourOf(category);
  return create(ColorSchema, { r, g, b, a });
}

const timestampOf = (timeNs: bigint): Timestamp => create(TimestampSchema, { seconds: timeNs / 1_000_000_000n, nanos: Number(timeNs % 1_000_000_000n) });
