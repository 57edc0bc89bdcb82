import type { FastifyInstance } from "fastify";
import { collectDefaultMetrics, Counter, Gauge, Registry } from "prom-client";
import { conditionNames, type StreamEvent } from "./events.js";
import { guardedServer } from "./guard.js";
import { listen } from "./listen.js";
import type { Readiness } from "./readiness.js";
import type { Status } from "./status.js";
import type { Token } from "./token.js";

export interface HealthOptions {
  /** 0 takes any free port. */
  readonly port: number;
  /** Loopback unless told otherwise, which takes a token. */
  readonly host?: string;
  /** What requests must show, as `Authorization: Bearer`. */
  readonly token?: Token;
  /** Milliseconds without an answer after which the stream is no longer ready. */
  readonly patienceMs?: number;
}

const loopback = "127.0.0.1";
const loopStates = ["idle", "collecting", "training", "judging", "probation"];

let ofProcess: Registry | undefined;

/** What there is to tell of the process: once, as nothing ends the watch that prom-client keeps on its garbage and its event loop. */
function processMetrics(): Registry {
  if (!ofProcess) collectDefaultMetrics({ register: (ofProcess = new Registry()) });
  return ofProcess;
}

/**
 * For whoever watches over the vehicle: `/metrics` for Prometheus, `/live` while the program can answer at all, `/ready` while frames of every camera are answered
 * (503 with the reason otherwise).
 */
export class HealthServer {
  readonly #registry = new Registry();
  readonly #events: Counter;
  #address = "";
  readonly #app: FastifyInstance;

  private constructor(
    private readonly status: () => Status,
    private readonly readiness: Readiness,
    options: HealthOptions,
  ) {
    this.#app = guardedServer({ host: options.host ?? loopback, token: options.token, what: "health and metrics" }).app;
    this.#events = new Counter({ name: "nightshift_events_total", help: "Events by kind.", labelNames: ["kind"], registers: [this.#registry] });
    this.#describe();
    const all = Registry.merge([processMetrics(), this.#registry]);
    this.#app.get("/live", (_, reply) => reply.send({ live: true }));
    this.#app.get("/ready", (_, reply) => {
      const { obstacle: reason } = this.readiness;
      return reply.code(reason === undefined ? 200 : 503).send({ ready: reason === undefined, ...(reason !== undefined && { reason }) });
    });
    this.#app.get("/metrics", async (_, reply) => reply.type(all.contentType).send(await all.metrics()));
  }

  /** Throws `E_ADDRESS_IN_USE` or `E_CONFIG` where it cannot listen, `E_EXPOSED` off loopback without a token. */
  static async open(status: () => Status, readiness: Readiness, options: HealthOptions): Promise<HealthServer> {
    const server = new HealthServer(status, readiness, options);
    server.#address = await listen(server.#app, { host: options.host ?? loopback, port: options.port, what: "health and metrics", option: "--health-port" });
    return server;
  }

  /** For example `http://127.0.0.1:9464/`. */
  get address(): string {
    return this.#address;
  }

  event({ kind }: StreamEvent): void {
    this.#events.inc({ kind });
  }

  async close(): Promise<void> {
    await this.#app.close();
  }

  /** Metrics are read from the status when they are asked for, so that they cost nothing until then. */
  #describe(): void {
    const { status } = this;
    const registers = [this.#registry];
    const gauge = <Label extends string>(name: string, help: string, labelNames: readonly Label[], read: (gauge: Gauge<Label>) => void): void =>
      void new Gauge({
        name: `nightshift_${name}`,
        help,
        labelNames,
        registers,
        collect() {
          read(this);
        },
      });
    // What is not known is left out, not 0.
    const number = (name: string, help: string, value: () => number | undefined): void =>
      gauge(name, help, [], (it) => {
        const now = value();
        if (now === undefined) it.remove();
        else it.set(now);
      });
    const oneOf = (name: string, help: string, label: string, values: readonly string[], value: () => string | undefined): void =>
      gauge(name, help, [label], (it) => {
        for (const each of values) it.set({ [label]: each }, Number(each === value()));
      });
    number("generation", "The generation of the weights that serve; 0 as delivered.", () => status().generation);
    number("frames_remembered", "Frames in the memory that is learnt from.", () => status().framesRemembered);
    number("uptime_seconds", "Since the stream was started.", () => status().uptimeSeconds);
    number("adaptation_paused", "1 while nothing is learnt.", () => Number(status().paused));
    number("temperature_celsius", "Of the machine's hottest sensor.", () => status().budget?.celsius);
    number("power_watts", "That the machine takes.", () => status().budget?.watts);
    number("trainer_memory_bytes", "That the trainer takes, while it learns.", () => bytes(status().budget?.usedMb));
    number("trainer_memory_limit_bytes", "That it may take.", () => bytes(status().budget?.memoryMb));
    oneOf("trainer_resting", "1 while the trainer rests, for the temperature or the power.", "reason", ["temperature", "power"], () => status().budget?.restsFor);
    number("ready", "1 while frames are answered.", () => Number(this.readiness.obstacle === undefined));
    oneOf("condition", "1 for the weather as it is judged.", "condition", conditionNames, () => status().condition);
    oneOf("adaptation_state", "1 for what the adaptation loop does.", "state", loopStates, () => status().adaptation);
    new Counter({
      name: "nightshift_frames_total",
      help: "Frames by what became of them: in, answered, dropped, lost.",
      labelNames: ["camera", "outcome"],
      registers,
      collect() {
        this.reset();
        for (const { camera, framesIn, answered, dropped, lost } of status().cameras)
          for (const [outcome, count] of Object.entries({ in: framesIn, answered, dropped, lost })) this.inc({ camera, outcome }, count);
      },
    });
    gauge("latency_seconds", "Capture to answer, over the latest answers.", ["camera", "quantile"], (it) => {
      for (const { camera, latencyMs } of status().cameras)
        for (const [quantile, ms] of Object.entries({ 0.5: latencyMs.p50, 0.95: latencyMs.p95, 0.99: latencyMs.p99 })) it.set({ camera, quantile }, ms / 1000);
    });
    gauge("frames_per_second", "Answers a second, now.", ["camera"], (it) => {
      for (const { camera, fps } of status().cameras) it.set({ camera }, fps);
    });
    gauge("camera_lost", "Whether no frames come from a camera, as it was lost and is not back.", ["camera"], (it) => {
      for (const { camera, isLost } of status().cameras) it.set({ camera }, Number(isLost));
    });
  }
}

const bytes = (megabytes: number | undefined): number | undefined => megabytes && megabytes * 2 ** 20;
