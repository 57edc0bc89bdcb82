import { dirname } from "node:path";
import { type DescMessage, toBinary } from "@bufbuild/protobuf";
import { McapWriter } from "@mcap/core";
import { type Disk, type DiskFile, realDisk } from "../bundle/disk.js";
import { makeFolders } from "../bundle/files.js";
import type { Perception } from "../engine/perception.js";
import { NightshiftError, reasonOf } from "../errors.js";
import type { Frame } from "../frame.js";
import { boxesMessage, depthMessage, headerMessage, maskMessage } from "../stream/answer.js";
import { eventMessage, type StreamEvent } from "../stream/events.js";
import { type About, aboutEntries, aboutName } from "./about.js";
import { type ChannelKind, channelName, channels, type ChannelMessage, descriptorSet } from "./channels.js";
import { encodeImage, paintDepth, paintMask } from "./images.js";
import { annotationsMessage, imageMessage, type RecordedWeather, weatherMessage } from "./messages.js";

export interface RecorderOptions {
  /** Frames without loss: a replay then sees what the network saw, and not its JPEG. */
  readonly lossless?: boolean;
  /** Of a live camera frames go unrecorded where the disk or the processor does not keep up; a recording waits. */
  readonly live: boolean;
  /** Hears once why recording ended early. */
  readonly onError: (error: NightshiftError) => void;
  readonly disk?: Disk;
}

/** Bytes of a chunk: what a tear costs at most, besides what was not synced. */
const chunkSize = 1 << 18;
/** No more than this is lost where the power fails. */
const syncEveryMs = 1000;
/** Frames that may wait to be encoded and written. */
const mostWaiting = 8;

/**
 * Writes what is seen, answered and decided into an MCAP file that Foxglove opens and `readRecording` reads again. Messages stand in the file in the order in which the pipeline came to them; chunks are not
 * compressed, as what fills them (JPEG, PNG, zlib) is already.
 */
export class Recorder {
  readonly #ids = new Map<string, number>();
  #last: Promise<void> = Promise.resolve();
  #waiting = 0;
  #frames = 0;
  #skipped = 0;
  #failure: NightshiftError | undefined;
  #isClosed = false;

  private constructor(
    readonly path: string,
    private readonly options: RecorderOptions,
    private readonly file: SyncedFile,
    private readonly writer: McapWriter,
  ) {}

  /** Throws `E_RECORDING` where the file is there already, cannot be written, or is not named as a recording. */
  static async open(path: string, about: About, options: RecorderOptions): Promise<Recorder> {
    if (!path.endsWith(".mcap")) throw new NightshiftError("E_RECORDING", { expected: "a file whose name ends in .mcap, by which a source is known as a recording", received: path, remedy: "Name it so." });
    try {
      const file = await SyncedFile.create(path, options.disk ?? realDisk);
      const writer = new McapWriter({ writable: file, chunkSize });
      await writer.start({ profile: "", library: `nightshift ${about.version}` });
      await writer.addMetadata({ name: aboutName, metadata: aboutEntries(about) });
      return new Recorder(path, options, file, writer);
    } catch (cause) {
      throw failed(path, cause);
    }
  }

  /** Frames that were recorded, and those of a live camera that were not. */
  get counters(): { readonly frames: number; readonly skipped: number } {
    return { frames: this.#frames, skipped: this.#skipped };
  }

  /** Why it records no more, where it does not. */
  get failure(): NightshiftError | undefined {
    return this.#failure;
  }

  /** Records an answered frame. Resolves when there is room for the next. */
  async answer(frame: Frame, perception: Perception, weather: RecordedWeather): Promise<void> {
    const { live, lossless = false } = this.options;
    if (this.#failure) return;
    if (live && this.#waiting >= mostWaiting) return void this.#skipped++;
    const format = lossless ? "png" : "jpeg";
    const { camera, captureTimeNs: timeNs, sequence } = frame;
    const { mask, depth, width, height } = perception;
    const header = headerMessage(perception, weather.condition);
    const messages = Promise.all([encodeImage(frame, format), encodeImage(paintMask(mask, width, height), "png"), depth && encodeImage(paintDepth(depth, width / 4, height / 4), "png")]);
    // Waited for in its turn; until then a failure is not an unhandled one.
    messages.catch(() => undefined);
    const written = this.#inTurn(async () => {
      const [image, painted, paintedDepth] = await messages;
      const at = { camera, timeNs, sequence };
      await this.#add("image", imageMessage(camera, timeNs, image, format), at);
      await this.#add("mask-image", imageMessage(camera, timeNs, painted, "png"), at);
      if (paintedDepth) await this.#add("depth-image", imageMessage(camera, timeNs, paintedDepth, "png"), at);
      await this.#add("annotations", annotationsMessage(perception), at);
      await this.#add("mask", maskMessage(perception, header, true), at);
      await this.#add("boxes", boxesMessage(perception, header), at);
      const depths = depthMessage(perception, header);
      if (depths) await this.#add("depth", depths, at);
      await this.#add("weather", weatherMessage(timeNs, weather), at);
      this.#frames++;
    });
    if (!live && this.#waiting >= mostWaiting) await written;
  }

  /** Records an event; one that comes after the end is nobody's. */
  event(event: StreamEvent): void {
    if (!this.#isClosed) void this.#inTurn(() => this.#add("events", eventMessage(event), { camera: "", timeNs: event.timeNs, sequence: 0 }));
  }

  /** Ends the file: everything is on the disk then. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#inTurn(() => this.writer.end());
    await this.#inTurn(() => this.file.sync());
    await this.file.close().catch(() => undefined);
  }

  /** The writer takes one call at a time. */
  #inTurn(work: () => Promise<void>): Promise<void> {
    this.#waiting++;
    this.#last = this.#last
      .then(async () => {
        if (!this.#failure) await work();
      })
      .catch((error: unknown) => {
        this.#failure = failed(this.path, error);
        this.options.onError(this.#failure);
      })
      .finally(() => this.#waiting--);
    return this.#last;
  }

  async #add<Kind extends ChannelKind>(kind: Kind, message: ChannelMessage<Kind>, { camera, timeNs, sequence }: { readonly camera: string; readonly timeNs: bigint; readonly sequence: number }): Promise<void> {
    const channelId = await this.#channel(kind, camera);
    await this.writer.addMessage({ channelId, sequence, logTime: timeNs, publishTime: timeNs, data: toBinary<DescMessage>(channels[kind].schema, message) });
  }

  async #channel(kind: ChannelKind, camera: string): Promise<number> {
    const topic = channelName(kind, camera);
    const known = this.#ids.get(topic);
    if (known !== undefined) return known;
    const { schema } = channels[kind];
    const schemaId = await this.writer.registerSchema({ name: schema.typeName, encoding: "protobuf", data: descriptorSet(schema) });
    const id = await this.writer.registerChannel({ topic, schemaId, messageEncoding: "protobuf", metadata: new Map() });
    this.#ids.set(topic, id);
    return id;
  }
}

/** A file that is synced every now and then. */
class SyncedFile {
  #position = 0n;
  #syncedMs = performance.now();

  private constructor(private readonly file: DiskFile) {}

  static async create(path: string, disk: Disk): Promise<SyncedFile> {
    await makeFolders(dirname(path), disk);
    const file = await disk.create(path);
    await disk.syncFolder(dirname(path));
    return new SyncedFile(file);
  }

  async write(content: Uint8Array): Promise<void> {
    await this.file.write(content);
    this.#position += BigInt(content.length);
    if (performance.now() - this.#syncedMs > syncEveryMs) await this.sync();
  }

  position(): bigint {
    return this.#position;
  }

  async sync(): Promise<void> {
    await this.file.sync();
    this.#syncedMs = performance.now();
  }

  close(): Promise<void> {
    return this.file.close();
  }
}

const failed = (path: string, cause: unknown): NightshiftError =>
  cause instanceof NightshiftError
    ? cause
    : new NightshiftError("E_RECORDING", { expected: `a new file that can be written: ${path}`, received: reasonOf(cause), remedy: "Name another file, or make room on the disk.", cause });
