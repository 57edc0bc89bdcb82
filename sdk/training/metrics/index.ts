export { averagePrecision50, boxIou, type DetectionScore } from "./average-precision.js";
export { ConfusionMatrix, type SegmentationScore } from "./confusion.js";
export { resizeMaskNearest } from "./resize.js";
