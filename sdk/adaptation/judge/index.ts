export { defaultJudgeBounds, judge, judgeBoundsFor, type JudgeBounds, targetScore, untimed, type Verdict, type VerdictNumbers } from "./judge.js";
export { disagreement, type Exam, type LabelledFrame, latencies, type LabelledFrames, measure, measureExemplars } from "./measure.js";
export type { LabelledScore, Measurements, ModelMeasurement, ModelScore } from "./measurements.js";
export { OnnxPredictor } from "./onnx-predictor.js";
export type { Prediction, Predictor } from "./predictor.js";
