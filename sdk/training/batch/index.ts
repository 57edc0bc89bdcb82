export { defaultBatchOptions, type Batch, type BatchOptions } from "./batch.js";
export { BatchLoader, type BatchSource } from "./loader.js";
export { PrefetchingLoader, type PrefetchOptions, type SourceSpec } from "./prefetch.js";
export { Random } from "../../random.js";
