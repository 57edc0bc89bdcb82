import { ffmpegVersion, passthrough, writesAtOnce } from "./ffmpeg-version.js";
import { frameTimesFilter } from "./frame-times.js";
import { PpmReader } from "./ppm.js";
import { ProgramCamera, type ProgramOptions, type ProgramSource } from "./program.js";

export interface FfmpegOptions extends ProgramOptions {
  /** The program to start. */
  readonly ffmpeg?: string;
}

export interface FfmpegSource extends Omit<ProgramSource, "launch"> {
  /** ffmpeg's options up to and with `-i`. */
  readonly input: readonly string[];
  /** Whether its frames carry times of the kernel's monotonic clock. */
  readonly isTimed?: boolean;
}

/** Anything that ffmpeg can read. Throws `E_MISSING_TOOL` where there is no ffmpeg. */
export class FfmpegCamera extends ProgramCamera {
  constructor({ input, isTimed = false, ...source }: FfmpegSource, options: FfmpegOptions = {}) {
    const program = options.ffmpeg ?? "ffmpeg";
    const launch = async () => {
      const timing = passthrough(await ffmpegVersion(program));
      const timed = isTimed && (await writesAtOnce(program)) ? ["-copyts", "-vf", frameTimesFilter] : [];
      const output = ["-an", "-sn", "-dn", ...timed, ...timing, "-c:v", "ppm", "-pix_fmt", "rgb24", "-f", "image2pipe", "pipe:1"];
      return { program, args: ["-hide_banner", "-nostdin", "-loglevel", "error", ...input, ...output], descriptor: 1, reader: new PpmReader(), isTimed: timed.length > 0 } as const;
    };
    super({ ...source, launch }, options);
  }
}
