import { join } from "node:path";
import { packageRoot } from "../../paths.js";

/** Where the bundled text encoder lies: `minilm.safetensors`, `vocab.txt`, `NOTICE`, `LICENSE`. */
export const miniLmFolder = (): string => join(packageRoot(), "sdk", "network", "text", "minilm");

export const weightsFile = "minilm.safetensors";
export const vocabularyFile = "vocab.txt";

/** Ends the name of the scales that belong to an int8 matrix. */
export const scaleSuffix = ".scale";

export const wordTable = "embeddings.word_embeddings.weight";
