import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { guardedServer } from "../stream/guard.js";
import { listen } from "../stream/listen.js";
import type { Token } from "../stream/token.js";
import { pageFiles } from "./files.js";

export interface PageServer {
  readonly address: string;
  onUpgrade(listener: (request: IncomingMessage, socket: Duplex, head: Buffer) => void): void;
  close(): Promise<void>;
}

/** Serves the page's files. Throws `E_EXPOSED` off loopback without a token, `E_ADDRESS_IN_USE`, or `E_CONFIG` where it cannot listen for another reason. */
export async function pageServer(host: string, port: number, token?: Token): Promise<PageServer> {
  const app = guardedServer({ host, token, what: "the page" });
  const files = await pageFiles();
  for (const [url, { type, bytes }] of files) app.get(url, (_, reply) => reply.type(type).send(bytes));
  const address = await listen(app, { host, port, what: "the page", option: "--viewer-port" });
  return {
    address,
    onUpgrade: (listener) => void app.server.on("upgrade", listener),
    close: () => app.close(),
  };
}
