import { NightshiftError } from "../../../errors.js";

/** A CLIP text tower cannot be taken as it is. */
export const unfit = (expected: string, received: string, remedy: string, cause?: unknown): NightshiftError =>
  new NightshiftError("E_TEXT_ENCODER", { expected, received, remedy, cause });
