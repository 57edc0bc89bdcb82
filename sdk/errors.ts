/**
 * Every error that Nightshift raises on purpose carries a stable code, what was expected, what came, and what to do about it.
 * Add a code here first; a test holds this table and the README's equal, and finds each code raised and tested.
 */
export const errorCodes = {
  E_GRAPH_SHAPE: "A node of a graph was given inputs whose shapes or types do not fit.",
  E_GRAPH_OPERATOR: "An operator is not in the table of operators.",
  E_GRAPH_FORMAT: "An ONNX file could not be read.",
  E_GRADIENT: "An operator cannot be differentiated in this form.",
  E_BUNDLE_MISSING: "A bundle, or a file that its manifest names, is not there.",
  E_BUNDLE_FORMAT: "A bundle's manifest or tensor file is truncated or malformed.",
  E_BUNDLE_HASH: "A file of a bundle does not have the SHA-256 that its manifest states.",
  E_WEIGHTS_NOT_FINITE: "Weights contain NaN or infinity.",
  E_GOLDEN: "A model does not reproduce the golden outputs of its bundle.",
  E_FRAME_SIZE: "A frame's data does not have the size that its width and height state.",
  E_FRAME_FORMAT: "A frame is in a pixel format that is not supported.",
  E_IMAGE: "An image file cannot be decoded.",
  E_VOCABULARY: "A vocabulary is empty, too long, or holds empty or repeated names.",
  E_CAMERA: "A camera cannot be opened, or stopped delivering frames.",
  E_DATASET: "A dataset folder does not have the documented form.",
  E_DATASET_UNLABELLED: "A dataset has no labels where labels are needed.",
  E_RECORDING: "A recording cannot be written or read, or ends in the middle.",
  E_DISK: "Something cannot be written: the disk is full, read-only or failing.",
  E_ADDRESS_IN_USE: "A socket's address is already in use.",
  E_CONTROL: "A control request is malformed.",
  E_ENGINE: "An inference engine failed, or was asked for something it cannot do.",
  E_PROVIDER: "An execution provider was asked for and is not available.",
  E_TRAINER: "The trainer process failed.",
  E_CONFIG: "A configuration or command-line value is not valid.",
  E_MISSING_TOOL: "A program that this needs is not installed.",
  E_INTERNAL: "Something failed in a way that Nightshift did not foresee.",
  E_CLOSED: "The object was used after it was closed.",
} as const;

export type ErrorCode = keyof typeof errorCodes;

export interface ErrorDetails {
  /** What would have been right. */
  readonly expected: string;
  /** What was found instead. */
  readonly received: string;
  /** What the reader can do about it. */
  readonly remedy: string;
  readonly cause?: unknown;
}

export class NightshiftError extends Error {
  override readonly name = "NightshiftError";
  readonly expected: string;
  readonly received: string;
  readonly remedy: string;

  constructor(
    readonly code: ErrorCode,
    details: ErrorDetails,
  ) {
    super(`${code}: expected ${details.expected}; received ${details.received}. ${details.remedy}`, { cause: details.cause });
    this.expected = details.expected;
    this.received = details.received;
    this.remedy = details.remedy;
  }
}
