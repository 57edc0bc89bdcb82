export { averagePrecision50, BoxMatches, type DetectionScore, evaluationThreshold } from "./average-precision.js";
export { bootstrapInterval, bootstrapIntervals, type Interval, intervalText } from "./bootstrap.js";
export { ConfusionMatrix, type SegmentationScore } from "./confusion.js";
export { DepthErrors, type DepthScores } from "./depth.js";
export { resizeMaskNearest } from "./resize.js";
