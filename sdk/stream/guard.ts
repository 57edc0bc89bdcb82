import type { IncomingMessage } from "node:http";
import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from "fastify";
import { Allowance } from "./allowance.js";
import { isPlainHost } from "./origin.js";
import { requireToken, type Token } from "./token.js";

/** Nothing is loaded from elsewhere, and nothing runs that is not a file of its own. */
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

/** Requests of one address in a second, and at once; and tries with a wrong token. */
const limits = { requests: [50, 200], failures: [0.2, 10] } as const;
/** Addresses whose requests are counted; the oldest is forgotten. */
const mostAddresses = 1000;
const mostConnections = 64;

export interface GuardOptions {
  readonly host: string;
  /** What requests must show; needed off loopback. */
  readonly token?: Token | undefined;
  /** What is served, for errors. */
  readonly what: string;
}

export interface Refusal {
  readonly status: 401 | 403 | 429;
  readonly text: string;
}

/** Says of each request whether it comes in, and counts what each address asks. */
export class Guard {
  readonly #requests = new Counted(...limits.requests);
  readonly #failures = new Counted(...limits.failures);

  constructor(private readonly token: Token | undefined) {}

  /** Why a request is not let in; undefined where it is. */
  refusal(request: IncomingMessage): Refusal | undefined {
    const address = request.socket.remoteAddress ?? "";
    if (!this.#requests.of(address).take()) return { status: 429, text: "Too many requests.\n" };
    if (!isPlainHost(request.headers.host)) return { status: 403, text: "Open this by its address or as localhost.\n" };
    if (!this.token || this.token.admits(request) || this.cookieFor(request) !== undefined) return undefined;
    const isTry = shownIn(request) !== undefined || request.headers.authorization !== undefined || request.headers.cookie !== undefined;
    if (isTry && !this.#failures.of(address).take()) return { status: 429, text: "Too many tries.\n" };
    return { status: 401, text: "Show the token: open /?token=... once, or send it as Authorization: Bearer.\n" };
  }

  /** The header that sets the cookie, for a request that shows the token in its address; undefined for another. */
  cookieFor(request: IncomingMessage): string | undefined {
    return this.token?.cookieFor(shownIn(request));
  }
}

/** The token that a request for the first page shows in its address. */
const shownIn = ({ url = "" }: Pick<IncomingMessage, "url">): string | undefined => (url.startsWith("/?") ? (new URLSearchParams(url.slice(2)).get("token") ?? undefined) : undefined);

/**
 * A server that answers to its own pages alone: no name that merely points here (another site could), none without the token where there is one, no more than
 * so many at a time. Connections that its requests turn into are asked of the same guard. Throws `E_EXPOSED` off loopback without a token.
 */
export function guardedServer({ host, token, what }: GuardOptions): { readonly app: FastifyInstance; readonly guard: Guard } {
  requireToken(host, token, what);
  const guard = new Guard(token);
  const refuse = (reply: FastifyReply, status: number, text: string): FastifyReply => reply.code(status).send(text);
  const admit = ({ raw }: FastifyRequest, reply: FastifyReply): FastifyReply | undefined => {
    reply.headers(headers);
    const refusal = guard.refusal(raw);
    if (refusal?.status === 401) reply.header("www-authenticate", "Bearer");
    if (refusal) return refuse(reply, refusal.status, refusal.text);
    const cookie = guard.cookieFor(raw);
    // Sent on, so that the token stays neither in the address bar nor in the history.
    return cookie === undefined ? undefined : reply.header("set-cookie", cookie).redirect("/", 303);
  };
  const app = fastify({
    forceCloseConnections: true,
    bodyLimit: 1024,
    requestTimeout: 10_000,
    connectionTimeout: 60_000,
    http: { headersTimeout: 5000 },
    // Of an address that does not decode no hook hears.
    frameworkErrors: ({ message }, request, reply) => void (admit(request, reply) ?? refuse(reply, 400, message)),
  });
  app.server.maxConnections = mostConnections;
  app.addHook("onRequest", async (request, reply) => admit(request, reply));
  return { app, guard };
}

/** An allowance for each address. */
class Counted {
  readonly #allowances = new Map<string, Allowance>();

  constructor(
    private readonly perSecond: number,
    private readonly atOnce: number,
  ) {}

  of(address: string): Allowance {
    const known = this.#allowances.get(address);
    if (known) return known;
    const [oldest] = this.#allowances.keys();
    if (this.#allowances.size >= mostAddresses && oldest !== undefined) this.#allowances.delete(oldest);
    const fresh = new Allowance(this.perSecond, this.atOnce);
    this.#allowances.set(address, fresh);
    return fresh;
  }
}
