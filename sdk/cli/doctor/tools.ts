import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";
import { NightshiftError, reasonOf } from "../../errors.js";
import { type Check, type Finding, missing, notNeeded, ok } from "./finding.js";

export const ffmpeg: Check = async () => {
  try {
    const { ffmpegVersion } = await import("../../../adapters/cameras/ffmpeg-version.js");
    const [version = ""] = (await ffmpegVersion("ffmpeg")).split(" Copyright");
    return [ok("ffmpeg", version)];
  } catch (error) {
    const { received, remedy } = error instanceof NightshiftError ? error : { received: reasonOf(error), remedy: "Install ffmpeg." };
    return [notNeeded("ffmpeg", received, "cameras, RTSP and video files", remedy)];
  }
};

export const gstreamer: Check = async () => {
  try {
    const { gstreamerVersion } = await import("../../../adapters/cameras/csi.js");
    const [, version = ""] = (await gstreamerVersion("gst-launch-1.0")).split("\n");
    return [ok("GStreamer", version)];
  } catch (error) {
    const { received, remedy } = error instanceof NightshiftError ? error : { received: reasonOf(error), remedy: "Install GStreamer." };
    return [notNeeded("GStreamer", received, "cameras on a Jetson's CSI connector", remedy)];
  }
};

export const page: Check = async () => [await builtPage(), browser()];

async function builtPage(): Promise<Finding> {
  try {
    const { pageFiles } = await import("../../viewer/files.js");
    return ok("page", `${(await pageFiles()).size} files`);
  } catch (error) {
    const { received, remedy } = error instanceof NightshiftError ? error : { received: reasonOf(error), remedy: "Run npm run setup." };
    return notNeeded("page", received, "the page: run with --headless", remedy);
  }
}

const browsers = ["chromium", "chromium-browser", "google-chrome", "firefox"];

function browser(): Finding {
  const folders = (process.env.PATH ?? "").split(delimiter).filter((folder) => folder !== "");
  const program = folders.flatMap((folder) => browsers.map((name) => join(folder, name))).find((path) => existsSync(path));
  return program
    ? ok("browser", program)
    : notNeeded("browser", `no ${browsers.join(", ")} on the PATH`, "looking at the page on this machine, and its tests", "Open the page from another machine, or install chromium.");
}

/** Reads the default bundle whole, so that every hash is verified. */
export const defaultBundle: Check = async () => {
  try {
    const { findBundle, readBundle } = await import("../../bundle/index.js");
    const { manifest, directory } = await readBundle(findBundle("default"));
    return [ok("default bundle", `${manifest.files.length} files in ${directory}, every hash verified`)];
  } catch (error) {
    return [missing("default bundle", reasonOf(error), error instanceof NightshiftError ? error.remedy : "Fetch Nightshift again.")];
  }
};
