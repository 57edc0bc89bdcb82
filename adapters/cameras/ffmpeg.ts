import { ffmpegVersion, passthrough } from "./ffmpeg-version.js";
import { PpmReader } from "./ppm.js";
import { ProgramCamera, type ProgramOptions, type ProgramSource } from "./program.js";

export interface FfmpegOptions extends ProgramOptions {
  /** The program to start. */
  readonly ffmpeg?: string;
}

export interface FfmpegSource extends Omit<ProgramSource, "launch"> {
  /** ffmpeg's options up to and with `-i`. */
  readonly input: readonly string[];
}

/** Anything that ffmpeg can read. Throws `E_MISSING_TOOL` where there is no ffmpeg. */
export class FfmpegCamera extends ProgramCamera {
  constructor({ input, ...source }: FfmpegSource, options: FfmpegOptions = {}) {
    const program = options.ffmpeg ?? "ffmpeg";
    const launch = async () => {
      const output = ["-an", "-sn", "-dn", ...passthrough(await ffmpegVersion(program)), "-c:v", "ppm", "-pix_fmt", "rgb24", "-f", "image2pipe", "pipe:1"];
      return { program, args: ["-hide_banner", "-nostdin", "-loglevel", "error", ...input, ...output], descriptor: 1, reader: new PpmReader() } as const;
    };
    super({ ...source, launch }, options);
  }
}
