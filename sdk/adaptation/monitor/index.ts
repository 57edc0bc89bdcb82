export { type ConditionThresholds, defaultConditionThresholds, type Likelihoods, likelihoods, type Weather } from "./conditions.js";
export { defaultFitnessLimits, type Fitness, FitnessCheck, type FitnessLimits } from "./fitness.js";
export { defaultMonitorOptions, type MonitorOptions, WeatherMonitor, type WeatherReport } from "./monitor.js";
export { type FrameStatistics, frameStatistics } from "./statistics.js";
