import type { Intrinsics } from "../../adapters/cameras/undistort.js";
import type { LoopOptions } from "../adaptation/options.js";
import type { TrainingChanges } from "../adaptation/trainer/index.js";
import type { AccessOptions } from "../stream/access.js";
import type { Camera } from "../stream/camera.js";
import type { SlotPolicy } from "../stream/slot.js";
import type { HealthOptions } from "../stream/health.js";
import type { StreamEvent } from "../stream/events.js";

/** When and how to learn; what is left out is as by default. */
export interface AdaptationOptions extends Partial<Omit<LoopOptions, "training">> {
  readonly training?: TrainingChanges;
}

/** One of several cameras. */
export interface CameraSettings extends Pick<NightshiftOptions, "fps" | "loop" | "frames" | "intrinsics" | "seed"> {
  /** In topics: letters, digits, `-` and `_`. A camera of your own has its name already. */
  readonly name?: string;
  readonly source: string | Camera;
  /** `newest`: a frame that comes while another waits takes its place. `every`: the camera waits. By default as it is live or a recording. */
  readonly policy?: SlotPolicy;
}

/** What Nightshift is started with. Everything has a default. */
export interface NightshiftOptions {
  /** `drive` (rendered), a folder of images, a video file, `/dev/video*`, `csi:0`, an `rtsp://` address; or a camera of your own, which has its own name and pace. */
  readonly source?: string | Camera;
  /**
   * Several cameras in the place of `source` and what goes with it. They share one engine, in which they take turns, one weather, one memory and one adaptation.
   */
  readonly cameras?: readonly CameraSettings[];
  /** `default`, `rendered`, or the folder of a bundle. */
  readonly bundle?: string;
  /** Category names to answer with, 1 to 64; the bundle's own by default. */
  readonly vocabulary?: readonly string[];
  /** The folder of the CLIP text tower that the bundle was trained with, for names that the bundle does not hold; none where that was the bundled text encoder. */
  readonly textEncoder?: string;
  /** Names the camera in topics: letters, digits, `-` and `_`. Made from the source by default. */
  readonly camera?: string;
  /** Frames a second; the camera's own by default, and always that of a network camera. */
  readonly fps?: number;
  /** How often to go through a folder or a video; once by default. */
  readonly loop?: number;
  /** Ends the stream after so many frames. */
  readonly frames?: number;
  /** Of the rendered drive, and of learning. */
  readonly seed?: number;
  /** The lens, as OpenCV calibrated it; frames are undistorted where it is given. */
  readonly intrinsics?: Intrinsics;
  /** `false`: watch the weather, but never learn. */
  readonly adaptation?: false | AdaptationOptions;
  /** A labelled folder whose frames are replayed besides the bundle's own exemplars. */
  readonly exemplars?: string;
  /**
   * Where generations and remembered frames are kept between runs. By default a folder in the user's state directory that belongs to the bundle and the camera; for the
   * rendered drive, which is a demonstration, a temporary one.
   */
  readonly state?: string;
  /** Frames that are remembered for learning never leave the vehicle. They are forgotten after so many hours (168 by default), and encrypted on the disk with the key in a file where one is named. */
  readonly memory?: { readonly mostHours?: number; readonly key?: string };
  /** Files of public keys, of which one must have signed the bundle; any bundle is served where this is left out. What the vehicle learns is signed with a key of its own. */
  readonly trust?: readonly string[];
  /** The server's key pair and the list of who may connect to the two sockets; anyone on this machine where this is left out, and then nobody else can. */
  readonly access?: AccessOptions;
  /** File of the token that the page, and health and metrics, ask for; needed where they listen to other machines. */
  readonly tokenFile?: string;
  /** Threads of inference. */
  readonly threads?: number;
  /**
   * Who computes: ONNX Runtime unless told otherwise, or the same from the native module (`NativeOnnxEngine`); see `TensorRtEngine` for what TensorRT needs. What
   * is not there is an error.
   */
  readonly engine?: "onnxruntime" | "native" | "tensorrt";
  /** An execution provider of ONNX Runtime, `cpu` unless told otherwise; not for `tensorrt`, which has none. */
  readonly provider?: string;
  /** Boxes that score less are not answered, 0 to 1. */
  readonly scoreThreshold?: number;
  /** ZeroMQ addresses to publish on; `false` for none. `tcp://127.0.0.1:5590` by default. */
  readonly publish?: false | readonly string[];
  /** ZeroMQ address of the control socket; `false` for none. `tcp://127.0.0.1:5591` by default. */
  readonly control?: false | string;
  /** The page; none unless asked for. */
  readonly viewer?: false | { readonly port?: number; readonly host?: string };
  /** `/metrics`, `/live` and `/ready` over HTTP; none unless asked for. */
  readonly health?: false | Omit<HealthOptions, "token">;
  /** Tells systemd when frames are answered, while they are, and when it stops, where systemd asks for it (`NOTIFY_SOCKET`); not unless asked for, as the program that embeds Nightshift may do so itself. */
  readonly systemd?: boolean;
  /** Gives each frame's way to the OpenTelemetry SDK that the program has registered; see `Traces`. */
  readonly traces?: boolean;
  /** Records frames, answers and events into a new MCAP file. `lossless`: frames as PNG, not JPEG. */
  readonly record?: false | { readonly path: string; readonly lossless?: boolean };
  /**
   * For replays: frames go one by one, each after everything that the one before it began has ended, training and judging too; time is the frames' own, and latencies are not judged. So the
   * same recording, with the same options on the same machine, gives the same answers and generations bit by bit.
   */
  readonly lockstep?: boolean;
  /** Hears every event, also the first ones. */
  readonly onEvent?: (event: StreamEvent) => void;
  /** Gets what goes wrong without ending the stream, with the event that told of it where one did; written to stderr by default. */
  readonly onError?: (error: unknown, event?: StreamEvent) => void;
}

export const defaultSource = "drive";
export const defaultBundle = "default";
export const defaultSeed = 1;
