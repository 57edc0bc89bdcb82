import { type ChildProcess, spawn } from "node:child_process";
import type { Readable } from "node:stream";
import { NightshiftError } from "../../sdk/errors.js";
import { type Frame, nowNs } from "../../sdk/frame.js";
import type { Camera } from "../../sdk/stream/camera.js";
import { FrameTimes } from "./frame-times.js";
import { checkName } from "./name.js";
import { Pace } from "./pace.js";
import type { Picture } from "./ppm.js";

export interface ProgramOptions {
  /** Gets an `E_CAMERA` for what the program complained about although it went on. Without it the camera throws in the end. */
  readonly onError?: (error: NightshiftError) => void;
  /** How long a live camera may take to deliver its first frame. */
  readonly openMs?: number;
  /** How long a live camera may deliver nothing after that before it counts as vanished. */
  readonly stallMs?: number;
}

/** Cuts what a program writes into pictures. */
export interface PictureReader {
  push(bytes: Buffer): Picture[];
  /** Whether the stream stopped inside a picture. */
  readonly isInside: boolean;
}

/** What is started to deliver frames. */
export interface Launch {
  readonly program: string;
  readonly args: readonly string[];
  /** The descriptor that pictures are written to: 1, or 3 for a program that also says something there. */
  readonly descriptor: 1 | 3;
  readonly reader: PictureReader;
  /** Whether it writes on descriptor 3 when each picture was captured, as `FrameTimes` reads it; else they are timed as they arrive. */
  readonly isTimed?: boolean;
}

export interface ProgramSource {
  readonly name: string;
  readonly live: boolean;
  /** What an error calls it: a path, a device, an address without its password. */
  readonly what: string;
  /** What the program may say of it and errors must not, telling `what` in its place: an address with its password. */
  readonly secret?: string;
  /** Frames a second at most; 0 for as fast as they come. */
  readonly fps: number;
  /** Throws `E_MISSING_TOOL` where there is no such program. */
  launch(): Promise<Launch>;
}

/** A camera that another program reads, in a process of its own, and passes on through a pipe. */
export class ProgramCamera implements Camera {
  readonly name: string;
  readonly live: boolean;

  constructor(
    private readonly source: ProgramSource,
    private readonly options: ProgramOptions = {},
  ) {
    this.name = checkName(source.name);
    this.live = source.live;
  }

  /** Throws as `launch`, and `E_CAMERA` where the source cannot be opened or vanishes. */
  async *frames(signal: AbortSignal): AsyncGenerator<Frame, void, undefined> {
    const { program, args, descriptor, reader, isTimed = false } = await this.source.launch();
    if (signal.aborted) return;
    const child = spawn(program, args, { stdio: ["ignore", descriptor === 1 ? "pipe" : "ignore", "pipe", ...(descriptor === 3 || isTimed ? (["pipe"] as const) : [])] });
    const [pictures, said] = [child.stdio[descriptor] as Readable, child.stdio[2] as Readable];
    const strange = (time: string): void => this.options.onError?.(this.#failed(`frames at ${time} us by a clock that is not the kernel's monotonic one: they are timed as they arrive`, undefined));
    const times = isTimed ? new FrameTimes(child.stdio[3] as Readable, strange) : undefined;
    const ending = new Promise<Ending>((resolve) => {
      child.once("error", (error) => resolve({ error }));
      child.once("close", (code, killedBy) => resolve({ code, killedBy }));
    });
    const complaints = tailOf(said, this.source);
    // What is blocked may neither end when asked nor say anything more: nobody waits for either.
    const stop = () => {
      void end(child, ending);
      pictures.destroy();
    };
    signal.addEventListener("abort", stop, { once: true });
    try {
      const isCutShort = yield* this.#read(pictures, reader, times, signal);
      if (!signal.aborted) this.#judge(await ending, complaints(), isCutShort);
    } catch (error) {
      if (!signal.aborted) throw error;
    } finally {
      signal.removeEventListener("abort", stop);
      pictures.destroy();
      await end(child, ending);
    }
  }

  async *#read(from: Readable, reader: PictureReader, times: FrameTimes | undefined, signal: AbortSignal): AsyncGenerator<Frame, boolean, undefined> {
    const pace = new Pace(this.source.fps);
    const chunks = from[Symbol.asyncIterator]();
    for (let sequence = 0; !signal.aborted; ) {
      const limitMs = sequence === 0 ? (this.options.openMs ?? 15_000) : (this.options.stallMs ?? 5000);
      const chunk: IteratorResult<Buffer, undefined> = await this.#inTime(chunks.next(), limitMs);
      if (chunk.done) break;
      for (const picture of reader.push(chunk.value)) {
        const captureTimeNs = times ? await times.next() : nowNs();
        await pace.wait(signal).catch(() => undefined);
        if (signal.aborted) return false;
        yield { camera: this.name, sequence: sequence++, captureTimeNs: this.live ? captureTimeNs : nowNs(), ...picture };
      }
    }
    return reader.isInside;
  }

  /** A camera whose cable is cut may leave the connection open for ever. */
  async #inTime<T>(next: Promise<T>, limitMs: number): Promise<T> {
    if (!this.live) return next;
    let timer: NodeJS.Timeout | undefined;
    const stalled = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(this.#failed(`nothing for ${limitMs} ms`, undefined)), limitMs);
    });
    try {
      return await Promise.race([next, stalled]);
    } finally {
      clearTimeout(timer);
    }
  }

  #judge(ending: Ending, complaints: string, isCutShort: boolean): void {
    if ("error" in ending) throw this.#failed(ending.error.message, ending.error);
    const end = ending.killedBy ? `ended by ${ending.killedBy}` : `ended with code ${ending.code}`;
    if (ending.code !== 0 || isCutShort || this.live)
      throw this.#failed(complaints === "" ? `the stream ${end}` : `${complaints} (${end})`, undefined);
    if (complaints === "") return;
    const error = this.#failed(complaints, undefined);
    if (!this.options.onError) throw error;
    this.options.onError(error);
  }

  #failed(received: string, cause: unknown): NightshiftError {
    const remedy = this.live ? "Check the camera and its connection." : "Check that the file is there, whole and a video.";
    return new NightshiftError("E_CAMERA", { expected: `frames from ${this.source.what}`, received, remedy, cause });
  }
}

type Ending = { readonly error: Error } | { readonly code: number | null; readonly killedBy: NodeJS.Signals | null };

/** The last lines that the stream brings, 2,000 characters at most, once asked, in one line and without passwords of addresses. */
function tailOf(stream: Readable, { what, secret }: Pick<ProgramSource, "what" | "secret">): () => string {
  let tail = "";
  let isCut = false;
  stream.setEncoding("utf8").on("data", (text: string) => {
    isCut ||= tail.length + text.length > 2000;
    tail = (tail + text).slice(-2000);
  });
  return () => {
    // Of an address that is cut the password may be what is left.
    const lines = isCut ? tail.slice(tail.indexOf("\n") + 1) : tail;
    const told = secret === undefined ? lines : lines.replaceAll(secret, what);
    return told
      .trim()
      .replace(/\s*\n\s*/g, "; ")
      .replace(/\/\/[^\s/]*@/g, "//");
  };
}

/** Asks the process to end, makes it end after a second, and waits until it has. */
async function end(child: ChildProcess, ending: Promise<Ending>): Promise<void> {
  child.kill("SIGTERM");
  const timer = setTimeout(() => child.kill("SIGKILL"), 1000);
  await ending;
  clearTimeout(timer);
}
