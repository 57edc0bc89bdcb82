import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { NightshiftError, reasonOf, systemCodeOf } from "../../sdk/errors.js";

/**
 * How to tell ffmpeg to pass each frame on as it comes, neither doubling nor skipping any to reach an even rate. The option was renamed in
 * 5.1 (JetPack 6 has 4.4) and its old name removed in 9. Builds between releases have no number, and are new.
 */
export function passthrough(version: string): readonly string[] {
  const number = /^ffmpeg version n?(\d+)\.(\d+)/.exec(version);
  const isOld = number !== null && Number(number[1]) * 100 + Number(number[2]) < 501;
  return [isOld ? "-vsync" : "-fps_mode", "passthrough"];
}

/** Whether its filter `metadata` can write without delay, as not every ffmpeg's does; frames would wait for their times otherwise. */
export async function writesAtOnce(program: string): Promise<boolean> {
  const { stdout } = await promisify(execFile)(program, ["-hide_banner", "-h", "filter=metadata"]).catch(() => ({ stdout: "" }));
  return /^\s*direct\s/m.test(stdout);
}

/** The first line that the program says of itself. Throws `E_MISSING_TOOL` where there is none, `E_CAMERA` where it does not work. */
export async function ffmpegVersion(program: string): Promise<string> {
  try {
    return (await promisify(execFile)(program, ["-version"])).stdout;
  } catch (cause) {
    if (systemCodeOf(cause) === "ENOENT")
      throw new NightshiftError("E_MISSING_TOOL", {
        expected: `the program ${program}, which reads videos and cameras`,
        received: "no such program",
        remedy: "Install it: apt-get install ffmpeg, or brew install ffmpeg.",
        cause,
      });
    throw new NightshiftError("E_CAMERA", {
      expected: `${program} to say its version`,
      received: reasonOf(cause),
      remedy: "Run it by hand, and install it again: apt-get install ffmpeg, or brew install ffmpeg.",
      cause,
    });
  }
}
