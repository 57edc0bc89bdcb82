import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import fastify from "fastify";
import { listen } from "../stream/listen.js";
import { pageFiles } from "./files.js";
import { isPlainHost } from "./origin.js";

/** The page loads nothing from elsewhere and runs nothing that is not a file of its own. */
const headers = {
  "content-security-policy":
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
  "permissions-policy": "camera=(), microphone=(), geolocation=()",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
  "x-frame-options": "DENY",
  "cache-control": "no-cache",
} as const;

export interface PageServer {
  readonly address: string;
  onUpgrade(listener: (request: IncomingMessage, socket: Duplex, head: Buffer) => void): void;
  close(): Promise<void>;
}

/** Serves the page's files. Throws `E_ADDRESS_IN_USE`, or `E_CONFIG` where it cannot listen for another reason. */
export async function pageServer(host: string, port: number): Promise<PageServer> {
  const files = await pageFiles();
  const app = fastify({ forceCloseConnections: true });
  app.addHook("onRequest", async (request, reply) => {
    reply.headers(headers);
    if (!isPlainHost(request.headers.host)) await reply.code(403).send("Open this page by its address or as localhost.\n");
  });
  for (const [url, { type, bytes }] of files) app.get(url, (_, reply) => reply.type(type).send(bytes));
  const address = await listen(app, { host, port, what: "the page", option: "--viewer-port" });
  return {
    address,
    onUpgrade: (listener) => void app.server.on("upgrade", listener),
    close: () => app.close(),
  };
}
