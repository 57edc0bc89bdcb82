import { createHash, timingSafeEqual } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { NightshiftError } from "../errors.js";
import { readSecret } from "../secret-file.js";

/** 128 bits in hexadecimal, and more in other letters. */
const shortest = 32;

const cookieName = "nightshift";

const digest = (text: string): Buffer => createHash("sha256").update(text).digest();

/** Takes as long whatever the texts have in common. */
const areEqual = (a: string, b: string): boolean => timingSafeEqual(digest(a), digest(b));

/** What whoever asks over HTTP must show. A browser shows it once, in `/?token=...`, and gets a cookie for it that scripts cannot read and other sites do not send. */
export class Token {
  readonly #cookie: string;

  /** Throws `E_KEY` for a token that could be guessed. */
  constructor(private readonly secret: string) {
    if (secret.length < shortest || !/^[\w.~+/=-]+$/.test(secret))
      throw new NightshiftError("E_KEY", {
        expected: `a token of at least ${shortest} letters, digits and -._~+/=`,
        received: `${secret.length} characters`,
        remedy: "Make one with `nightshift keys create --for page`.",
      });
    this.#cookie = digest(`page ${secret}`).toString("hex");
  }

  /** The token that a file holds. Throws `E_KEY`, also where others may read it. */
  static async read(path: string): Promise<Token> {
    return new Token((await readSecret(path, "a token", "page")).trim());
  }

  /** Whether a request shows it, as `Authorization: Bearer` or as the cookie. */
  admits({ headers }: Pick<IncomingMessage, "headers">): boolean {
    const bearer = /^Bearer (\S+)$/.exec(headers.authorization ?? "")?.[1];
    if (bearer !== undefined) return areEqual(bearer, this.secret);
    const cookie = new RegExp(`(?:^|;\\s*)${cookieName}=([0-9a-f]+)`).exec(headers.cookie ?? "")?.[1];
    return cookie !== undefined && areEqual(cookie, this.#cookie);
  }

  /** The header that sets the cookie, for a request whose address shows the token; undefined for another. */
  cookieFor(shown: string | undefined): string | undefined {
    return shown !== undefined && areEqual(shown, this.secret) ? `${cookieName}=${this.#cookie}; HttpOnly; SameSite=Strict; Path=/` : undefined;
  }
}

/** Throws `E_EXPOSED` where a server would listen to other machines and ask them for nothing. */
export function requireToken(host: string, token: Token | undefined, what: string): void {
  if (token || /^(localhost|127(\.\d{1,3}){3}|::1)$/.test(host)) return;
  throw new NightshiftError("E_EXPOSED", {
    expected: `loopback for ${what}, or a token`,
    received: `${host} and none`,
    remedy: "Make one with `nightshift keys create --for page`, and name its file with --token-file.",
  });
}
