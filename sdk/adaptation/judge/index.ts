export { defaultJudgeBounds, judge, judgeBoundsFor, type JudgeBounds, targetScore, untimed, type Verdict, type VerdictNumbers } from "./judge.js";
export { disagreement, type Exam, type LabelledFrame, latencies, type LabelledFrames, measure, measureExemplars, scoreBoxes } from "./measure.js";
export type { BoxScore, LabelledScore, Measurements, ModelMeasurement, ModelScore } from "./measurements.js";
export { OnnxPredictor } from "./onnx-predictor.js";
export type { Prediction, Predictor } from "./predictor.js";
