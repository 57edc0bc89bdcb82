import type { IncomingMessage } from "node:http";

/**
 * Whether a browser's request comes from the page itself. A host name that merely resolves to this machine is refused too, unless it is
 * `localhost`: a page of another site can point its own name here.
 */
export function isSameOrigin({ headers }: IncomingMessage): boolean {
  return isPlainHost(headers.host) && (headers.origin === undefined || [`http://${headers.host}`, `https://${headers.host}`].includes(headers.origin));
}

/** True for `localhost` and for addresses, with or without a port. */
export function isPlainHost(host: string | undefined): boolean {
  return host !== undefined && /^(localhost|\d{1,3}(\.\d{1,3}){3}|\[[0-9a-f:]+\])(:\d+)?$/i.test(host);
}
