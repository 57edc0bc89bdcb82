import { setTimeout as sleep } from "node:timers/promises";
import { NightshiftError } from "../../sdk/errors.js";
import type { Frame } from "../../sdk/frame.js";
import type { Camera } from "../../sdk/stream/camera.js";
import { checkName } from "./name.js";

export interface ReopenedOptions {
  /** Hears why frames stopped, once until they come again. */
  readonly onLost: (error: NightshiftError) => void;
  /** Hears that they do. */
  readonly onBack: () => void;
  /** Whether a camera that is not there at first is waited for too. */
  readonly waits?: boolean;
  /** Between the loss and the first attempt, milliseconds; doubled by each further one, up to the most. */
  readonly firstMs?: number;
  readonly mostMs?: number;
}

/**
 * A live camera that is opened again when it is lost, for as long as the signal lets it: a cable is plugged in again, a network camera restarts.
 * Frames keep their order and go on to be counted; how many were missed in between, nobody knows.
 * `open` makes a camera for each attempt, and throws as its `frames` does. Throws what is wrong at first unless it `waits`, and what is no loss, `E_CONFIG` mostly, at any time.
 */
export function reopened(name: string, open: () => Camera, { onLost, onBack, waits = false, firstMs = 1000, mostMs = 30_000 }: ReopenedOptions): Camera {
  return {
    name: checkName(name),
    live: true,
    async *frames(signal): AsyncGenerator<Frame, void, undefined> {
      let sequence = 0;
      for (let [isLost, waitMs] = [false, firstMs]; ; waitMs = Math.min(mostMs, 2 * waitMs)) {
        const first = sequence;
        try {
          for await (const frame of open().frames(signal)) {
            if (isLost) onBack();
            [isLost, waitMs] = [false, firstMs];
            const counted = first + frame.sequence;
            sequence = counted + 1;
            yield { ...frame, sequence: counted };
          }
          return;
        } catch (error) {
          if (!isLoss(error) || (sequence === 0 && !waits)) throw error;
          if (!isLost) onLost(error);
          isLost = true;
        }
        await sleep(waitMs, undefined, { signal }).catch(() => undefined);
        if (signal.aborted) return;
      }
    },
  };
}

/** What another attempt may mend. A program that reads cameras is missing while it is upgraded. */
const isLoss = (error: unknown): error is NightshiftError => error instanceof NightshiftError && (error.code === "E_CAMERA" || error.code === "E_MISSING_TOOL");
