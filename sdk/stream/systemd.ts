import { type ChildProcessByStdio, spawn } from "node:child_process";
import type { Writable } from "node:stream";
import { NightshiftError } from "../errors.js";
import type { Readiness } from "./readiness.js";
import { overAll, type Status } from "./status.js";

export interface SystemdParts {
  readonly status: () => Status;
  readonly readiness: Readiness;
  /** Gets why systemd cannot be told, once; the stream goes on. */
  readonly onError: (error: unknown) => void;
  /** Over that of the process. */
  readonly environment?: NodeJS.ProcessEnv;
}

/** Without a watchdog that asks for more, milliseconds. */
const statusEveryMs = 10_000;

/** Four times in the watchdog's period, so that it takes more than one short gap to miss it. */
const tellsAPeriod = 4;

/**
 * Hands line after line to `systemd-notify`. One small process does so for the whole run: starting another from this one, with all its memory, would hold the stream up for
 * milliseconds each time. It outlives the signals that end a service, to say that it ends, and goes with this process.
 */
const relay = `trap "" HUP INT TERM; while IFS= read -r line; do systemd-notify "$line" || exit; done`;

/**
 * What systemd is told of a service of `Type=notify`: READY=1 once a frame is answered, WATCHDOG=1 while frames are, or all cameras are known to be lost, which no new start would mend; STOPPING=1, and STATUS= in words,
 * what `/ready` says too.
 * It takes `NotifyAccess=all`, as another process sends it: Node has no datagram sockets of the local kind.
 */
export class SystemdNotifier {
  readonly #relay: ChildProcessByStdio<Writable, null, null>;
  readonly #gone: Promise<void>;
  readonly #clock: NodeJS.Timeout;
  readonly #isWatched: boolean;
  #isReady = false;
  #isStopping = false;

  private constructor(
    private readonly parts: SystemdParts,
    environment: NodeJS.ProcessEnv,
    watchdogMs: number | undefined,
  ) {
    this.#relay = spawn("/bin/sh", ["-c", relay], { env: environment, stdio: ["pipe", "ignore", "inherit"] });
    this.#relay.unref();
    // Told by how it ends.
    this.#relay.stdin.on("error", () => undefined);
    this.#gone = new Promise((resolve) => {
      this.#relay.on("error", (cause) => resolve(this.#failed(cause.message, cause)));
      this.#relay.on("exit", (code, by) => resolve(code === 0 ? undefined : this.#failed(code === 127 ? "no such program" : `${by ?? `exit code ${code}`}`)));
    });
    this.#isWatched = watchdogMs !== undefined;
    this.#clock = setInterval(() => this.#tellState(), watchdogMs === undefined ? statusEveryMs : watchdogMs / tellsAPeriod).unref();
    this.#tell("STATUS=Starting.");
  }

  /** Undefined where no service manager asks to be told. */
  static open(parts: SystemdParts): SystemdNotifier | undefined {
    const environment = { ...process.env, ...parts.environment };
    const { NOTIFY_SOCKET, WATCHDOG_USEC, WATCHDOG_PID = String(process.pid) } = environment;
    if (!NOTIFY_SOCKET) return undefined;
    const watchdogMs = Number(WATCHDOG_USEC) / 1000;
    return new SystemdNotifier(parts, environment, watchdogMs > 0 && WATCHDOG_PID === String(process.pid) ? watchdogMs : undefined);
  }

  /** A frame was answered. */
  answered(): void {
    if (this.#isReady) return;
    this.#isReady = true;
    this.#tell("READY=1");
    this.#tellState();
  }

  stopping(): void {
    this.#isStopping = true;
    clearInterval(this.#clock);
    this.#tell("STOPPING=1");
    this.#tell("STATUS=Stopping.");
  }

  /** Resolves when everything is told. */
  async close(): Promise<void> {
    clearInterval(this.#clock);
    this.#relay.ref();
    this.#relay.stdin.end();
    await this.#gone;
  }

  #tellState(): void {
    if (this.#isStopping) return;
    const { obstacle, isStuck } = this.parts.readiness;
    if (this.#isWatched && this.#isReady && !isStuck) this.#tell("WATCHDOG=1");
    this.#tell(`STATUS=${this.#inWords(obstacle)}`);
  }

  #inWords(obstacle: string | undefined): string {
    if (obstacle !== undefined) return `Not ready: ${obstacle}.`;
    const { condition, generation, adaptation, paused, cameras } = this.parts.status();
    return `${overAll(cameras).fps.toFixed(1)} frames a second answered; ${condition}, generation ${generation}, ${paused ? "not learning" : adaptation}.`;
  }

  #tell(assignment: string): void {
    this.#relay.stdin.write(`${assignment}\n`);
  }

  #failed(received: string, cause?: unknown): void {
    clearInterval(this.#clock);
    const isMissing = received === "no such program";
    this.parts.onError(
      new NightshiftError(isMissing ? "E_MISSING_TOOL" : "E_CONFIG", {
        expected: "systemd-notify to reach the socket in NOTIFY_SOCKET",
        received,
        remedy: isMissing ? "Install systemd, or unset NOTIFY_SOCKET: the stream goes on, but nobody is told." : "Check NOTIFY_SOCKET: the stream goes on, but nobody is told.",
        cause,
      }),
    );
  }
}
