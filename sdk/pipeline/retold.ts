import { z } from "zod";
import { askedFor } from "../adaptation/trigger.js";
import type { ControlHandler } from "../stream/control.js";
import type { StreamEvent } from "../stream/events.js";

const words = z.array(z.string());

/**
 * Tells and asks again what a recording says was told and asked: words, the vehicle's state, that frames be erased, and what was asked of the adaptation. What the adaptation did by itself
 * it does again by itself.
 */
export async function retell(handler: ControlHandler, { kind, details }: StreamEvent): Promise<void> {
  const wasAsked = details.reason === askedFor;
  if (kind === "vehicle_state") await handler.vehicleState(details);
  else if (kind === "vocabulary_changed") await handler.setVocabulary(words.parse(details.vocabulary));
  else if (kind === "frames_erased") await handler.eraseFrames();
  else if (kind === "adaptation_paused" && !("failures" in details)) await handler.pause();
  else if (kind === "adaptation_resumed") await handler.resume();
  else if (kind === "trigger" && wasAsked) await handler.adaptNow();
  else if (kind === "rolled_back" && wasAsked) await handler.rollBack();
}
