import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { ExecutionContext } from "ava";
import { packageRoot } from "../../sdk/paths.js";
import { needs } from "../support/shared.js";

const program = join(packageRoot(), "test", "adapters", "rtsp_server.py");
const hasFfmpeg = spawnSync("ffmpeg", ["-version"]).status === 0;
const python = ["python3", "/usr/bin/python3"].find((each) => spawnSync(each, ["-c", 'import gi; gi.require_version("GstRtspServer", "1.0")']).status === 0);
const hasServer = python !== undefined && spawnSync("gst-inspect-1.0", ["x264enc"]).status === 0;

/** Whether there is all that a network camera's tests need; says and skips otherwise. */
export const canStream = (t: ExecutionContext): boolean =>
  needs(t, hasFfmpeg, "ffmpeg", "apt-get install ffmpeg") &&
  needs(t, hasServer, "GStreamer's RTSP server", "apt-get install python3-gi gir1.2-gst-rtsp-server-1.0 gstreamer1.0-tools gstreamer1.0-plugins-good gstreamer1.0-plugins-ugly");

/** A network camera in a process of its own, GStreamer's server as Debian has it. */
export class RtspServer {
  #child: ChildProcess | undefined;
  #port = 0;

  static async start(t: ExecutionContext): Promise<RtspServer> {
    const server = new RtspServer();
    t.teardown(() => server.vanish());
    await server.listen();
    return server;
  }

  get address(): string {
    return `rtsp://127.0.0.1:${this.#port}/stream`;
  }

  /** At the address of before, where it had one. */
  async listen(): Promise<void> {
    const child = (this.#child = spawn(python ?? "python3", [program, String(this.#port)], { stdio: ["ignore", "pipe", "inherit"] }));
    const [said] = (await Promise.race([once(createInterface({ input: child.stdout }), "line"), once(child, "exit")])) as [string | number | null];
    if (typeof said !== "string") throw new Error(`the RTSP server ended with ${said}`);
    this.#port = Number(said);
  }

  /** As if somebody pulled the plug. */
  async vanish(): Promise<void> {
    const child = this.#child;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    child.kill("SIGKILL");
    await once(child, "exit");
  }

  /** As if the picture froze: the connection stays, and nothing comes. */
  freeze(): void {
    this.#child?.kill("SIGSTOP");
  }
}
