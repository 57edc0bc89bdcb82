export { driveBoxNames, driveNames } from "./classes.js";
export { type Condition, conditions, type ConditionWeights } from "./condition.js";
export { Drive, type DriveOptions, type RenderedFrame } from "./drive.js";
export { DriveCamera, type DriveCameraOptions } from "./camera.js";
