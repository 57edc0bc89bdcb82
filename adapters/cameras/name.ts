import { basename, extname } from "node:path";
import { NightshiftError } from "../../sdk/errors.js";

/** Returns the name, or throws `E_CONFIG` where it could not be part of a topic. */
export function checkName(name: string): string {
  if (/^[A-Za-z0-9_-]{1,64}$/.test(name)) return name;
  throw new NightshiftError("E_CONFIG", {
    expected: "a camera name of 1 to 64 letters, digits, - and _",
    received: JSON.stringify(name),
    remedy: "Name the camera, for example front.",
  });
}

/** A camera name made of a path: its last part without the suffix, other characters turned into `-`. */
export function nameOf(path: string): string {
  const name = basename(path, extname(path)).replace(/[^A-Za-z0-9_-]+/g, "-").slice(0, 64);
  return name === "" ? "camera" : name;
}
