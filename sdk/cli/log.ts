import { type Level, pino } from "pino";
import { NightshiftError, reasonOf } from "../errors.js";
import type { Nightshift } from "../nightshift.js";
import type { EventKindName, StreamEvent } from "../stream/events.js";
import { overAll } from "../stream/status.js";
import type { Configuration } from "./configuration.js";
import { figure, type Io, Progress, say } from "./io.js";

/** What a stream tells while it runs, on stderr. */
export interface Log {
  event(event: StreamEvent): void;
  /** What goes wrong and is no event. */
  error(error: unknown): void;
  /** Once it streams. */
  started(addresses: Nightshift["addresses"]): void;
  /** How it stands; called often, told now and then. */
  status(nightshift: Nightshift): void;
  /** A line of progress, for whoever waits. */
  progress(line: string): void;
  /** What ended it. Answers with whether it was told. */
  failure(error: unknown): boolean;
}

export const openLog = (io: Io, form: Configuration["log"] = "text"): Log => (form === "json" ? jsonLog(io) : textLog(io));

function textLog(io: Io): Log {
  const progress = new Progress(io);
  /** What the trainer last told. */
  let training = "";
  return {
    event({ kind, text }) {
      if (kind === "trainer_progress") training = `: ${text.slice(0, -1)}`;
      else say(io, text);
      if (kind === "trigger") training = "";
    },
    error: (error) => say(io, reasonOf(error)),
    started({ publisher, control, viewer, health }) {
      say(io, `Publishing on ${publisher.join(", ")}; control on ${control ?? "no socket"}.`);
      if (health !== undefined) say(io, `Health and metrics on ${health}`);
      if (viewer !== undefined) say(io, `Watch it at ${viewer}`);
    },
    status({ status }) {
      const { answered, dropped, lost, fps, latencyMs } = overAll(status.cameras);
      const isTraining = status.adaptation === "training" || status.adaptation === "judging";
      const rests = status.budget?.restsFor ? `, resting: ${status.budget.restsFor}` : "";
      const learning = status.paused ? "not learning" : `${status.adaptation}${isTraining ? training : ""}${rests}`;
      progress.show(`${answered} answered, ${dropped} dropped, ${lost} lost, ${figure(fps)} a second, ${figure(latencyMs.p50)} ms; ${status.condition}, generation ${status.generation}, ${learning}, ${status.framesRemembered} frames remembered`);
    },
    progress: (line) => progress.show(line),
    failure: () => false,
  };
}

/** How grave an event is, where it is not `info`. */
const levels: Partial<Record<EventKindName, Level>> = {
  trainer_progress: "debug",
  generation_rejected: "warn",
  rolled_back: "warn",
  adaptation_paused: "warn",
  engine_renewed: "warn",
  trainer_failed: "error",
  camera_lost: "error",
  camera_error: "error",
  engine_error: "error",
  state_error: "error",
  recording_failed: "error",
  configuration_error: "error",
};

/** Milliseconds between two lines of status. */
const statusEveryMs = 60_000;

/** Lines of pino: `level time event msg`, `details` of events and status, `code expected received remedy` of errors. */
function jsonLog(io: Io): Log {
  const logger = pino({ base: { name: "nightshift" }, timestamp: pino.stdTimeFunctions.isoTime, formatters: { level: (level) => ({ level }) } }, { write: (line) => io.err(line) });
  let toldMs = performance.now();
  const failed = (level: "error" | "fatal", error: unknown): void => {
    if (error instanceof NightshiftError) {
      const { code, expected, received, remedy } = error;
      logger[level]({ event: level, code, expected, received, remedy }, error.message);
    } else logger[level]({ event: level, code: "E_INTERNAL", stack: error instanceof Error ? error.stack : undefined }, reasonOf(error));
  };
  return {
    event: ({ kind, text, details }) => logger[levels[kind] ?? "info"]({ event: kind, details }, text),
    error: (error) => failed("error", error),
    started: (addresses) => logger.info({ event: "started", details: addresses }, "The stream's addresses."),
    status({ status }) {
      const now = performance.now();
      if (now - toldMs < statusEveryMs) return;
      toldMs = now;
      const { condition, generation, adaptation, paused, framesRemembered, cameras } = status;
      const { answered, dropped, lost, fps, latencyMs } = overAll(cameras);
      logger.info({ event: "status", details: { answered, dropped, lost, fps, latencyMs, condition, generation, adaptation, paused, framesRemembered } }, "How the stream stands.");
    },
    progress: () => undefined,
    failure(error) {
      failed("fatal", error);
      return true;
    },
  };
}
