import { type ChildProcess, spawn } from "node:child_process";
import { createSocket, type Socket as Datagrams } from "node:dgram";
import { createServer, type Server, type Socket } from "node:net";

const sdp = ["v=0", "o=- 0 0 IN IP4 127.0.0.1", "s=double", "t=0 0", "m=video 0 RTP/AVP 26", "a=control:track0", ""].join("\r\n");

const answers: Readonly<Record<string, readonly string[]>> = {
  OPTIONS: ["Public: OPTIONS, DESCRIBE, SETUP, PLAY, TEARDOWN"],
  DESCRIBE: ["Content-Type: application/sdp", `Content-Length: ${sdp.length}`],
  SETUP: ["Transport: RTP/AVP/TCP;unicast;interleaved=0-1"],
};

/** Just enough of a network camera: one client, Motion JPEG of a test picture at 25 frames a second, RTP inside the RTSP connection. */
export class RtspDouble {
  #client: Socket | undefined;
  #encoder: ChildProcess | undefined;

  private constructor(
    private readonly server: Server,
    private readonly packets: Datagrams,
  ) {
    server.on("connection", (client) => {
      this.#client = client.on("error", () => undefined).on("data", (data) => this.#answer(client, data.toString("latin1")));
    });
    packets.on("message", (packet) => {
      const length = [packet.length >> 8, packet.length & 255];
      if (this.#client?.writable) this.#client.write(Buffer.concat([Buffer.from([0x24, 0, ...length]), packet]));
    });
  }

  static async open(): Promise<RtspDouble> {
    const [server, packets] = [createServer(), createSocket("udp4")];
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    await new Promise<void>((resolve) => packets.bind(0, "127.0.0.1", resolve));
    return new RtspDouble(server, packets);
  }

  get address(): string {
    const address = this.server.address();
    return `rtsp://127.0.0.1:${typeof address === "object" ? address?.port : ""}/stream`;
  }

  /** As if somebody pulled the plug. */
  vanish(): void {
    this.#client?.destroy();
  }

  /** As if the picture froze: the connection stays, and nothing comes. */
  freeze(): void {
    this.#encoder?.kill("SIGKILL");
  }

  close(): void {
    this.vanish();
    this.freeze();
    this.server.close();
    this.packets.close();
  }

  #answer(client: Socket, text: string): void {
    const method = text.split(" ", 1)[0] ?? "";
    const number = /^CSeq: *(\d+)/im.exec(text)?.[1];
    // Receiver reports come inside the connection too, and want no answer.
    if (number === undefined) return;
    client.write(["RTSP/1.0 200 OK", `CSeq: ${number}`, "Session: 1", ...(answers[method] ?? []), "", method === "DESCRIBE" ? sdp : ""].join("\r\n"));
    if (method === "PLAY") this.#play();
  }

  #play(): void {
    const picture = ["-re", "-f", "lavfi", "-i", "testsrc=size=64x48:rate=25"];
    const format = ["-c:v", "mjpeg", "-huffman", "default", "-pix_fmt", "yuvj420p", "-f", "rtp"];
    const target = `rtp://127.0.0.1:${this.packets.address().port}?pkt_size=1200`;
    this.#encoder = spawn("ffmpeg", ["-nostdin", "-loglevel", "quiet", ...picture, ...format, target], { stdio: "ignore" });
  }
}
