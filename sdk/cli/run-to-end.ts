import { reasonOf } from "../errors.js";
import { Nightshift } from "../nightshift.js";
import { defaultSeed, defaultSource, type NightshiftOptions } from "../pipeline/options.js";
import { addressesFor, defaultPublisherPort } from "./addresses.js";
import { accessOptions, adaptationOptions, type Configuration, configured, healthOptions, type RunOptions } from "./configuration.js";
import { type Io, ToldFailure } from "./io.js";
import { type Log, openLog } from "./log.js";
import { type ConfigurationSource, configurationSource, Reloader } from "./reload.js";
import { score, type Scores } from "./scores.js";
import { type Summary, summarize } from "./summary.js";

/** Streams until the camera ends or the user interrupts, waits for a verdict under way, measures what was learnt, and stops. Where a configuration came from a file, it is read again when that changes. */
export async function runToEnd(io: Io, options: RunOptions, record?: NightshiftOptions["record"]): Promise<Summary> {
  let log = openLog(io, options.log);
  try {
    // Looked at before it is read: what changes meanwhile is seen.
    const file = options.config === undefined ? undefined : await configurationSource(options.config, () => configured(options));
    const configuration = await configured(options);
    log = openLog(io, configuration.log);
    return await streamed(log, { ...configuration, record }, file);
  } catch (error) {
    throw log.failure(error) ? new ToldFailure("", { cause: error }) : error;
  }
}

async function streamed(log: Log, options: Configuration & Pick<NightshiftOptions, "record">, file?: ConfigurationSource): Promise<Summary> {
  const { port = defaultPublisherPort, host, viewerPort, viewerHost, healthPort: _, healthHost: __, headless, adaptation, key: ___, allowed: ____, log: _____, memoryHours, memoryKey, ...rest } = options;
  let said = "";
  const nightshift = await Nightshift.start({
    ...rest,
    ...addressesFor(port, host),
    access: accessOptions(options),
    memory: { mostHours: memoryHours, key: memoryKey },
    adaptation: adaptationOptions(adaptation),
    health: healthOptions(options),
    systemd: true,
    viewer: headless ? false : { port: viewerPort, host: viewerHost },
    onEvent: (event) => log.event(event),
    onError: (error, event) => {
      const text = reasonOf(error);
      // What is an event too was told as that, and what fails with each frame is told once.
      if (!event && text !== said) log.error(error);
      said = text;
    },
  });
  const reloader = file && new Reloader(nightshift, file, options);
  const interrupted = interruption();
  let scores: Scores = { miou: { before: null, after: null }, miouOn: "not measured: interrupted" };
  try {
    log.started(nightshift.addresses);
    const clock = setInterval(() => log.status(nightshift), 500);
    try {
      await Promise.race([nightshift.ended, interrupted.happened]);
      if (!interrupted.hasHappened && adaptation !== false) await Promise.race([nightshift.settled(), interrupted.happened]);
    } finally {
      clearInterval(clock);
    }
    const { source = defaultSource, seed = defaultSeed } = options;
    if (options.cameras) scores = { ...scores, miouOn: "not measured: several cameras" };
    else if (!interrupted.hasHappened) scores = (await measured(interrupted, (onProgress) => score(source, seed, nightshift.bundles, onProgress, options.textEncoder), log)) ?? scores;
  } finally {
    interrupted.close();
    reloader?.close();
    await nightshift.stop();
  }
  const failure = nightshift.recorded?.failure;
  if (failure) throw failure;
  return summarize(nightshift, scores);
}

/** What was measured; undefined where that was interrupted, as it is with the next frame. */
async function measured(interrupted: Interruption, measure: (onProgress: (line: string) => void) => Promise<Scores>, log: Log): Promise<Scores | undefined> {
  const cut = new Error("interrupted");
  try {
    return await measure((line) => {
      if (interrupted.hasHappened) throw cut;
      log.progress(line);
    });
  } catch (error) {
    if (error !== cut) throw error;
    return undefined;
  }
}

interface Interruption {
  readonly happened: Promise<void>;
  readonly hasHappened: boolean;
  close(): void;
}

/** Ctrl-C, or a request to end: the stream stops in order. The second time the process ends as usual. */
function interruption(): Interruption {
  let hasHappened = false;
  let happen: () => void = () => undefined;
  const happened = new Promise<void>((resolve) => (happen = resolve));
  const listener = (): void => {
    hasHappened = true;
    close();
    happen();
  };
  const close = (): void => {
    process.off("SIGINT", listener);
    process.off("SIGTERM", listener);
  };
  process.on("SIGINT", listener);
  process.on("SIGTERM", listener);
  return {
    happened,
    get hasHappened() {
      return hasHappened;
    },
    close,
  };
}
