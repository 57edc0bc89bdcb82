import { existsSync } from "node:fs";
import { join } from "node:path";
import { DriveCamera } from "../../adapters/cameras/drive/index.js";
import { checkName, nameOf } from "../../adapters/cameras/name.js";
import { isLive, openCamera } from "../../adapters/cameras/open.js";
import { reopened } from "../../adapters/cameras/reopened.js";
import { isAddress, isRtsp, withoutSecrets } from "../../adapters/cameras/rtsp.js";
import { undistorted } from "../../adapters/cameras/undistort.js";
import { NightshiftError } from "../errors.js";
import { RecordingCamera } from "../recording/camera.js";
import type { Camera } from "../stream/camera.js";
import type { StreamEvent } from "../stream/events.js";
import { policyFor, type SlotPolicy } from "../stream/slot.js";
import { defaultSeed, defaultSource, type NightshiftOptions } from "./options.js";

/** Where frames come from. */
export interface Source {
  readonly camera: Camera;
  readonly policy: SlotPolicy;
  /** Of a recording: what was told and asked between a frame and the one before it. */
  readonly eventsBefore?: (sequence: number) => readonly StreamEvent[];
}

/** Hears how a camera fares while it runs. */
export interface CameraWatch {
  /** What is wrong with single frames, after which it goes on. */
  readonly onError: (error: NightshiftError) => void;
  /** It is lost, and opened again from time to time until `onBack`. */
  readonly onLost: (error: NightshiftError) => void;
  readonly onBack: () => void;
}

/** The cameras that the options describe, one or several, each watched under its name. Of several, those that are not there yet are waited for. Throws as `openSource`. */
export async function openSources({ cameras, ...options }: NightshiftOptions, watchOf: (camera: string) => CameraWatch): Promise<readonly Source[]> {
  if (!cameras) return [await openNamed(options, watchOf, false)];
  const { source, camera, fps, loop, frames, intrinsics, lockstep, ...shared } = options;
  const strange = Object.entries({ source, camera, fps, loop, frames, intrinsics, lockstep }).find(([, value]) => value !== undefined);
  if (strange || cameras.length === 0)
    throw new NightshiftError("E_CONFIG", {
      expected: "cameras that say themselves what is theirs, at least one",
      received: strange ? `${strange[0]} beside them` : "none",
      remedy: "State it for each of the cameras.",
    });
  const sources: Source[] = [];
  for (const { name, policy, ...own } of cameras) {
    const opened = await openNamed({ ...shared, ...own, camera: name }, watchOf, true);
    if (sources.some((other) => other.camera.name === opened.camera.name))
      throw new NightshiftError("E_CONFIG", { expected: "a name of its own for each camera", received: `${opened.camera.name} twice`, remedy: "Name them, for example front and rear." });
    sources.push({ ...opened, policy: policy ?? opened.policy });
  }
  return sources;
}

async function openNamed(options: NightshiftOptions, watchOf: (camera: string) => CameraWatch, waits: boolean): Promise<Source> {
  // Cameras have something to tell only once their frames are asked for.
  const watch = (): CameraWatch => watchOf(source.camera.name);
  const source: Source = await openSource(options, { onError: (error) => watch().onError(error), onLost: (error) => watch().onLost(error), onBack: () => watch().onBack() }, waits);
  return source;
}

/** A source as it may be shown: an address without its password. */
export const shownSource = (source: string): string => (isAddress(source) ? withoutSecrets(source) : source);

/** The camera that the options describe; a live one is opened again where it is lost, and at first too where it `waits`. Throws `E_CAMERA`, `E_CONFIG` or `E_RECORDING`. */
export async function openSource(options: NightshiftOptions, watch: CameraWatch, waits = false): Promise<Source> {
  const { source = defaultSource, intrinsics, frames, adaptation } = options;
  if (typeof source === "string" && source.endsWith(".mcap")) {
    const recording = await openRecording(source, options, watch.onError);
    // Who learnt then is not to learn now; who did not, and went on later by other options, is retold that.
    const staysOff = adaptation === false && recording.about.adaptation !== false;
    const eventsBefore = (sequence: number): readonly StreamEvent[] => recording.eventsBefore(sequence).filter(({ kind }) => !(staysOff && kind === "adaptation_resumed"));
    return { camera: limited(recording, frames), policy: "every", eventsBefore };
  }
  const opened = typeof source === "object" ? own(source, options) : source === "drive" ? openDrive(options) : openAddressed(source, options, watch, waits);
  if (typeof source === "string") refuseIdle(source, opened, options);
  const camera = limited(intrinsics ? undistorted(opened, intrinsics) : opened, frames);
  return { camera, policy: policyFor(camera) };
}

/** A recording has the frames as the network saw them, at their own pace unless it is 0 or a replay. */
function openRecording(path: string, { camera, fps, loop, intrinsics, lockstep = false }: NightshiftOptions, onError: (error: NightshiftError) => void): Promise<RecordingCamera> {
  const strange = Object.entries({ fps: fps === 0 ? undefined : fps, loop, intrinsics }).find(([, value]) => value !== undefined);
  if (strange)
    throw new NightshiftError("E_CONFIG", { expected: "a recording at its own pace (or --fps 0), once, undistorted already", received: `${strange[0]} beside it`, remedy: "Leave that option out." });
  return RecordingCamera.open(path, { camera, times: lockstep ? "replay" : fps === 0 ? "now" : "recorded", onError });
}

/** A camera of the caller's own. */
function own(source: Camera, { camera, fps, loop }: NightshiftOptions): Camera {
  const strange = Object.entries({ camera, fps, loop }).find(([, value]) => value !== undefined);
  if (strange)
    throw new NightshiftError("E_CONFIG", {
      expected: "a camera of your own, which has its own name and pace",
      received: `${strange[0]} ${String(strange[1])} beside it`,
      remedy: "Leave that option out, and let the camera do it.",
    });
  checkName(source.name);
  return source;
}

/** Throws `E_CONFIG` for an option that would do nothing: whoever gives it relies on what it says. */
function refuseIdle(source: string, { live }: Camera, { loop, fps }: NightshiftOptions): void {
  const refuse = (expected: string, received: string): never => {
    throw new NightshiftError("E_CONFIG", { expected, received: `${received} with ${shownSource(source)}`, remedy: "Leave that option out." });
  };
  if (loop !== undefined && (live || source === "drive")) refuse("a folder or a video to go through again", `loop ${loop}`);
  if (fps !== undefined && isRtsp(source)) refuse("a network camera at its own pace", `fps ${fps}`);
}

/** The rendered drive, paced like a camera unless a rate of 0 is asked for. */
const openDrive = ({ camera: name, fps, seed = defaultSeed }: NightshiftOptions): Camera =>
  new DriveCamera({ seed, name, ...(fps === 0 ? { paced: false } : { fps }) });

function openAddressed(source: string, { camera, fps, loop }: NightshiftOptions, watch: CameraWatch, waits: boolean): Camera {
  const frames = imagesOf(source);
  // Named by the dataset, not by its `images`, as all of them would be, and their states one.
  const name = camera ?? (frames === source ? undefined : nameOf(source));
  const open = (): Camera => openCamera(frames, { onError: watch.onError, name, fps, loop });
  return isLive(source) ? reopened(nameOfLive(source, open, waits), open, { ...watch, waits }) : open();
}

/** Opened once for its name, and for what is wrong with what was asked for. A device that is not there yet is called as it will be. */
function nameOfLive(source: string, open: () => Camera, waits: boolean): string {
  try {
    return open().name;
  } catch (error) {
    if (waits && error instanceof NightshiftError && error.code === "E_CAMERA") return nameOf(source);
    throw error;
  }
}

/** A dataset's folder is a source too, labelled or not: its images are. */
function imagesOf(source: string): string {
  const images = join(source, "images");
  return existsSync(images) ? images : source;
}

/** The camera's first frames only, where there is a limit. */
function limited(camera: Camera, count: number | undefined): Camera {
  if (count === undefined) return camera;
  return {
    name: camera.name,
    live: camera.live,
    async *frames(signal) {
      let delivered = 0;
      if (count > 0)
        for await (const frame of camera.frames(signal)) {
          yield frame;
          if (++delivered >= count) return;
        }
    },
  };
}
