import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { NightshiftError, reasonOf } from "../../sdk/errors.js";
import type { Camera } from "../../sdk/stream/camera.js";
import { ProgramCamera, type ProgramOptions } from "./program.js";
import { RawReader } from "./raw.js";

export interface CsiOptions extends ProgramOptions {
  /** `csi-` and the sensor's number by default. */
  readonly name?: string;
  /** What the sensor is asked for, a mode that it has; 30 by default, or for 0. */
  readonly fps?: number;
  /** Pixels, the width a multiple of four; 1280x720 by default. The image processor scales to it. */
  readonly size?: { readonly width: number; readonly height: number };
  /** The program to start, where it is not `gst-launch-1.0` on the PATH. */
  readonly gstLaunch?: string;
}

/**
 * A camera on the CSI connector of a Jetson, which Argus reads and GStreamer passes on. Not run on hardware yet.
 * Throws `E_CONFIG` for a size or a rate that cannot be.
 */
export function csiCamera(sensor: number, options: CsiOptions = {}): Camera {
  const { name = `csi-${sensor}`, size = { width: 1280, height: 720 }, gstLaunch: program = "gst-launch-1.0" } = options;
  const fps = options.fps || 30;
  if (!Number.isInteger(fps)) throw new NightshiftError("E_CONFIG", { expected: "a whole number of frames a second", received: String(fps), remedy: "Ask the sensor for a rate that it has." });
  // GStreamer pads rows to four bytes.
  if (size.width % 4 !== 0)
    throw new NightshiftError("E_CONFIG", { expected: "a width that is a multiple of four", received: `${size.width}x${size.height}`, remedy: "Ask the camera for another size." });
  const launch = async () => {
    await gstreamerVersion(program);
    // Argus says what it does on standard output.
    return { program, args: [...csiPipeline(sensor, size, fps), "!", "fdsink", "fd=3", "sync=false"], descriptor: 3, reader: new RawReader(size) } as const;
  };
  return new ProgramCamera({ name, live: true, what: `CSI camera ${sensor}`, fps: 0, launch }, options);
}

/** A leaky queue of one: what nobody has taken yet makes way for what is newer. */
function csiPipeline(sensor: number, { width, height }: { readonly width: number; readonly height: number }, fps: number): readonly string[] {
  const inGpu = `video/x-raw(memory:NVMM),width=${width},height=${height},framerate=${fps}/1`;
  const elements = [["nvarguscamerasrc", `sensor-id=${sensor}`], [inGpu], ["nvvidconv"], ["video/x-raw,format=BGRx"], ["queue", "leaky=downstream", "max-size-buffers=1"], ["videoconvert"], ["video/x-raw,format=RGB"]];
  return ["--quiet", ...elements.flatMap((element, at) => (at === 0 ? element : ["!", ...element]))];
}

/** What the program says of itself. Throws `E_MISSING_TOOL`. */
export async function gstreamerVersion(program: string): Promise<string> {
  const { stdout } = await promisify(execFile)(program, ["--version"]).catch((cause: unknown) => {
    throw new NightshiftError("E_MISSING_TOOL", {
      expected: `the program ${program}, which reads CSI cameras`,
      received: reasonOf(cause),
      remedy: "Install it: apt-get install gstreamer1.0-tools; a Jetson's own packages bring what reads the sensor.",
      cause,
    });
  });
  return stdout.trim();
}
