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
  E_NOT_TRAINABLE: "A model answers nothing that could be taught, so it cannot be adapted.",
  E_GOLDEN: "A model does not reproduce the golden outputs of its bundle.",
  E_FRAME_SIZE: "A frame's data does not have the size that its width and height state.",
  E_FRAME_FORMAT: "A frame is in a pixel format that is not supported.",
  E_IMAGE: "An image file cannot be decoded.",
  E_VOCABULARY: "A vocabulary is empty, too long, or holds empty or repeated names.",
  E_TEXT_ENCODER: "A text encoder is not there, cannot be read, or is not the one that a bundle needs.",
  E_CAMERA: "A camera cannot be opened, or stopped delivering frames.",
  E_DATASET: "A dataset folder does not have the documented form.",
  E_DATASET_UNLABELLED: "A dataset has no labels where labels are needed.",
  E_RECORDING: "A recording cannot be written or read, or ends in the middle.",
  E_DISK: "Something cannot be written: the disk is full, read-only or failing.",
  E_ADDRESS_IN_USE: "A socket's address is already in use.",
  E_UNTRUSTED: "A bundle is not signed, or not by a key that is trusted.",
  E_EXPOSED: "Something was to be reachable from other machines without the keys or the token that this takes.",
  E_KEY: "A key, a token or a list of keys is missing, malformed, or open to others.",
  E_CONTROL: "A control request is malformed.",
  E_ENGINE: "An inference engine failed, or was asked for something it cannot do.",
  E_CALIBRATION: "A network in int8 or float16 scores worse than the same in float by more than is allowed, or is not in the precision that was asked for.",
  E_PROVIDER: "An execution provider was asked for and is not available.",
  E_NATIVE: "The native module is not installed, or cannot be loaded.",
  E_ONNXRUNTIME: "ONNX Runtime's library is not where the native module looks, is none, or is another than the one that is loaded.",
  E_GPU: "There is no CUDA device or driver, or it failed.",
  E_TENSORRT_MISSING: "A library of TensorRT is not there, or cannot be loaded.",
  E_TENSORRT_VERSION: "A library of TensorRT is of another version than Nightshift's shim is for.",
  E_TENSORRT: "TensorRT refused a model, or failed to build or run an engine.",
  E_CANCELLED: "Work was cancelled before its end, as was asked.",
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

/** An error in a form that crosses from one thread or process to another. */
export type Failure = Pick<NightshiftError, "code" | "expected" | "received" | "remedy">;

/** Makes a failure of whatever was thrown. What is no `NightshiftError` is told with its stack, under `unforeseen`. */
export function failureOf(thrown: unknown, unforeseen: Omit<Failure, "received">): Failure {
  if (!(thrown instanceof NightshiftError)) return { ...unforeseen, received: thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown) };
  const { code, expected, received, remedy } = thrown;
  return { code, expected, received, remedy };
}

/** The error that a failure was made of, on the other side. */
export const errorOf = (failure: Failure): NightshiftError => new NightshiftError(failure.code, failure);

/** What went wrong, in the words of whatever was thrown. */
export const reasonOf = (cause: unknown): string => (cause instanceof Error ? cause.message : String(cause));

/** The code that the system, or a library, gave what was thrown, such as ENOENT; undefined where there is none. */
export const systemCodeOf = (cause: unknown): string | undefined => (cause instanceof Error && "code" in cause && typeof cause.code === "string" ? cause.code : undefined);
