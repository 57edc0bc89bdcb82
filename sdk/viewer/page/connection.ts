import { type DrawableFrame, readFrame } from "./frame-message.js";
import type { FromPage, ToPage } from "./wire.js";

export interface ConnectionListener {
  message(message: ToPage): void;
  /** The next frame is sent once this has resolved. */
  frame(frame: DrawableFrame): Promise<void> | void;
  link(state: "live" | "gone"): void;
}

/** The page's line to the server; comes back by itself when it breaks. */
export class Connection {
  #socket: WebSocket | undefined;

  constructor(private readonly listener: ConnectionListener) {
    this.#connect();
  }

  send(message: FromPage): void {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(message));
  }

  #connect(): void {
    // Behind a proxy with TLS a browser refuses what is plain.
    const socket = new WebSocket(`${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/stream`);
    socket.binaryType = "arraybuffer";
    socket.addEventListener("open", () => this.listener.link("live"));
    socket.addEventListener("close", () => {
      this.listener.link("gone");
      setTimeout(() => this.#connect(), 1500);
    });
    socket.addEventListener("message", ({ data }: MessageEvent<string | ArrayBuffer>) => {
      if (typeof data === "string") this.listener.message(JSON.parse(data) as ToPage);
      else void this.#frame(data);
    });
    this.#socket = socket;
  }

  async #frame(data: ArrayBuffer): Promise<void> {
    try {
      await this.listener.frame(await readFrame(data));
    } finally {
      this.send({ type: "shown" });
    }
  }
}
