import type { ControlHandler } from "../../sdk/stream/control.js";

/** Notes what it is asked to do in `asked`, and does nothing. */
export const pretendedHandler = (asked: unknown[]): ControlHandler => ({
  status: () => ({ generation: 1, vocabulary: ["road"], condition: "clear", adaptation: "idle", paused: false, framesRemembered: 0, uptimeSeconds: 1, cameras: [] }),
  setVocabulary: (names) => void asked.push(names),
  adaptNow: () => void asked.push("adapt now"),
  pause: () => void asked.push("pause"),
  resume: () => void asked.push("resume"),
  rollBack: () => void asked.push("roll back"),
  vehicleState: (state) => void asked.push(state),
  eraseFrames: () => void asked.push("erase frames"),
});
