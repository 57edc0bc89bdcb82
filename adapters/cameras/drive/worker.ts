import { parentPort, workerData } from "node:worker_threads";
import { Drive, type DriveOptions } from "./drive.js";

/** What the camera sends: the frame to render. */
export interface Request {
  readonly index: number;
}

/** What comes back: the picture alone; labels stay where they are needed, in datasets. */
export interface Reply {
  readonly index: number;
  readonly width: number;
  readonly height: number;
  readonly rgb: Uint8Array;
}

if (parentPort) {
  const port = parentPort;
  const drive = new Drive(workerData as DriveOptions);
  port.on("message", ({ index }: Request) => {
    const rgb = drive.renderPicture(index);
    const reply: Reply = { index, width: drive.width, height: drive.height, rgb };
    port.postMessage(reply, [rgb.buffer as ArrayBuffer]);
  });
}
