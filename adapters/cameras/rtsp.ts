import { NightshiftError } from "../../sdk/errors.js";
import type { Camera } from "../../sdk/stream/camera.js";
import { FfmpegCamera, type FfmpegOptions } from "./ffmpeg.js";
import { nameOf } from "./name.js";

export interface RtspOptions extends FfmpegOptions {
  /** The host's name by default. */
  readonly name?: string;
  /** How frames travel. TCP loses none; UDP is quicker on a good network. */
  readonly transport?: "tcp" | "udp";
}

/** Whether a source is the address of a network camera. */
export const isRtsp = (source: string): boolean => /^rtsps?:/.test(source);

/** Whether a source is an address of anything, rather than a path. */
export const isAddress = (source: string): boolean => isRtsp(source) || /^[a-z][a-z0-9+.-]*:\/\//i.test(source);

/** An address as it may be told to others: without who asks, what is asked for, and passwords in the path, as some cameras want them. */
export function withoutSecrets(address: string): string {
  // What is no address may hold a password all the same.
  if (!URL.canParse(address)) return address.replace(/\/\/.*@/s, "//");
  const { protocol, host, pathname } = new URL(address);
  return `${protocol}//${host}${pathname.replace(/(pass\w*|pwd)=[^&;/]*/gi, "$1=")}`;
}

/** A network camera. Throws `E_CONFIG` where the address is none. */
export function rtspCamera(address: string, options: RtspOptions = {}): Camera {
  const url = URL.canParse(address) ? new URL(address) : undefined;
  if (!url || !isRtsp(url.protocol) || url.hostname === "")
    throw new NightshiftError("E_CONFIG", {
      expected: "an address such as rtsp://host:554/stream",
      received: JSON.stringify(withoutSecrets(address)),
      remedy: "Correct the address.",
    });
  const what = withoutSecrets(address);
  const input = ["-rtsp_transport", options.transport ?? "tcp", "-fflags", "nobuffer", "-flags", "low_delay", "-i", address];
  // A dot in a host's name would be taken for a file's suffix.
  return new FfmpegCamera({ name: options.name ?? nameOf(url.hostname.replaceAll(".", "-")), live: true, what, secret: address, input, fps: 0 }, options);
}
