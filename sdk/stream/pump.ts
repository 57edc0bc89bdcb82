import { checkFrame, type Frame } from "../frame.js";
import type { Camera } from "./camera.js";
import type { NewestFrameSlot } from "./slot.js";

/**
 * Carries a camera's frames into a slot until the camera ends or the signal aborts, and ends the slot.
 * A frame whose size or format is wrong never enters: `onError` gets its `E_FRAME_SIZE` or `E_FRAME_FORMAT`.
 * Rejects with the camera's error, `E_CAMERA` mostly, after ending the slot, so that what waits is still answered.
 */
export async function pump(camera: Camera, slot: NewestFrameSlot<Frame>, signal: AbortSignal, onError: (error: unknown) => void): Promise<void> {
  // A camera that waits for a place in the slot hears of the abort only from the slot.
  const abort = () => slot.abort();
  signal.addEventListener("abort", abort, { once: true });
  try {
    for await (const frame of camera.frames(signal)) {
      if (signal.aborted) break;
      try {
        checkFrame(frame);
      } catch (error) {
        onError(error);
        continue;
      }
      if (!(await slot.put(frame))) break;
    }
  } finally {
    signal.removeEventListener("abort", abort);
    if (signal.aborted) slot.abort();
    else slot.end();
  }
}
