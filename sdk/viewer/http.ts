import { type IncomingMessage, STATUS_CODES } from "node:http";
import type { Duplex } from "node:stream";
import { guardedServer } from "../stream/guard.js";
import { listen } from "../stream/listen.js";
import type { Token } from "../stream/token.js";
import { pageFiles } from "./files.js";

/** Makes a connection a WebSocket, or answers with the status to refuse it with. */
export type Upgrade = (request: IncomingMessage, socket: Duplex, head: Buffer) => 403 | 503 | undefined;

export interface PageServer {
  readonly address: string;
  /** Has connections upgraded that the guard lets in, which counts them among an address's requests. */
  onUpgrade(upgrade: Upgrade): void;
  close(): Promise<void>;
}

/** Serves the page's files. Throws `E_EXPOSED` off loopback without a token, `E_ADDRESS_IN_USE`, or `E_CONFIG` where it cannot listen for another reason. */
export async function pageServer(host: string, port: number, token?: Token): Promise<PageServer> {
  const { app, guard } = guardedServer({ host, token, what: "the page" });
  const files = await pageFiles();
  for (const [url, { type, bytes }] of files) app.get(url, (_, reply) => reply.type(type).send(bytes));
  const address = await listen(app, { host, port, what: "the page", option: "--viewer-port" });
  return {
    address,
    onUpgrade: (upgrade) =>
      void app.server.on("upgrade", (request, socket, head) => {
        // Node has taken its own listener away: without one, a connection that breaks would end the process.
        socket.on("error", () => socket.destroy());
        const refusal = guard.refusal(request)?.status ?? upgrade(request, socket, head);
        if (refusal !== undefined) socket.end(`HTTP/1.1 ${refusal} ${STATUS_CODES[refusal]}\r\nConnection: close\r\n\r\n`, () => socket.destroy());
      }),
    close: () => app.close(),
  };
}
