import type { FastifyInstance } from "fastify";
import { NightshiftError, reasonOf, systemCodeOf } from "../errors.js";

export interface ListenOptions {
  readonly host: string;
  /** 0 takes any free one. */
  readonly port: number;
  /** What is served, for errors. */
  readonly what: string;
  /** The option that names the port. */
  readonly option: string;
}

/** Has a server listen, and answers with its address. Throws `E_ADDRESS_IN_USE`, or `E_CONFIG` where it cannot listen for another reason; the server is closed then. */
export async function listen(app: FastifyInstance, { host, port, what, option }: ListenOptions): Promise<string> {
  try {
    await app.listen({ host, port });
  } catch (cause) {
    await app.close();
    const isInUse = systemCodeOf(cause) === "EADDRINUSE";
    throw new NightshiftError(isInUse ? "E_ADDRESS_IN_USE" : "E_CONFIG", {
      expected: isInUse ? `a free port for ${what}` : `an address of this machine for ${what}`,
      received: `${host}:${port}${isInUse ? ", which is already in use" : ` (${reasonOf(cause)})`}`,
      remedy: `Choose another port with ${option} (0 takes any free one), or stop the other process.`,
      cause,
    });
  }
  const bound = app.server.address();
  const shown = host.includes(":") ? `[${host}]` : host;
  return `http://${shown}:${typeof bound === "object" && bound ? bound.port : port}/`;
}
