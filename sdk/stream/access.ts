import { readFile, stat } from "node:fs/promises";
import { Context, Reply } from "zeromq";
import { NightshiftError, reasonOf } from "../errors.js";
import { type Allowed, parseAllowed, type Role } from "./allow-list.js";
import { type CurveKeys, readCurveKeys, z85 } from "./curve.js";

export interface AccessOptions {
  /** File of the server's key pair. */
  readonly key: string;
  /** File of the clients that may connect (see `parseAllowed`). Both files are read again when they change. */
  readonly allowed: string;
}

/** How often the files are looked at, milliseconds. */
const watchEveryMs = 500;

/**
 * Who may connect. CURVE alone lets in anyone who knows the server's public key; here a ZAP handler (ZeroMQ RFC 27) answers for each
 * connection whether its client's key is on the list for the socket's role. Sockets that it guards must be made in its context.
 */
export class Access {
  readonly context = new Context();
  readonly #zap = new Reply({ context: this.context, linger: 0 });
  readonly #narrowed = new Set<() => void>();
  readonly #clock: NodeJS.Timeout;
  #isReading = false;
  #isClosed = false;

  private constructor(
    private readonly options: AccessOptions,
    private keys: CurveKeys,
    private list: readonly Allowed[],
    /** How the files looked before they were read. */
    private version: string,
    private readonly onError: (error: unknown) => void,
  ) {
    this.#clock = setInterval(() => void this.#look(), watchEveryMs).unref();
  }

  /** Throws `E_KEY`. `onError` gets what is wrong with a file that changed later: what was read before stays in force. */
  static async open(options: AccessOptions, onError: (error: unknown) => void): Promise<Access> {
    const version = await versionOf(options);
    const access = new Access(options, await readCurveKeys(options.key), await readList(options.allowed), version, onError);
    // Before any socket that it guards: libzmq asks nobody where nobody listens.
    await access.#zap.bind("inproc://zeromq.zap.01");
    void access.#serve();
    return access;
  }

  /** What clients must know. */
  get publicKey(): string {
    return this.keys.publicKey;
  }

  /** The line of the list that admits a key for a role. */
  allowed(role: string, key: string): Allowed | undefined {
    return this.list.find((each) => each.role === role && each.key === key);
  }

  /** Options of a socket that admits clients with this role alone. */
  guarding(role: Role): { context: Context; curveServer: true; curveSecretKey: string; zapDomain: Role; zapEnforceDomain: true } {
    return { context: this.context, curveServer: true, curveSecretKey: this.keys.secretKey, zapDomain: role, zapEnforceDomain: true };
  }

  /** Calls back when a key was revoked or the server's own has changed. ZAP is asked only when a client connects, so sockets must then be opened anew. */
  onNarrowed(listener: () => void): void {
    this.#narrowed.add(listener);
  }

  close(): void {
    this.#isClosed = true;
    clearInterval(this.#clock);
    this.#zap.close();
  }

  /** Not by the system's notices: they do not come for a file that another was renamed to, nor on every file system. */
  async #look(): Promise<void> {
    if (this.#isReading) return;
    this.#isReading = true;
    try {
      const version = await versionOf(this.options);
      if (version === this.version) return;
      this.version = version;
      await this.#read();
    } catch (error) {
      this.onError(error);
    } finally {
      this.#isReading = false;
    }
  }

  async #read(): Promise<void> {
    const [keys, list] = [await readCurveKeys(this.options.key), await readList(this.options.allowed)];
    if (this.#isClosed) return;
    const isRevoked = this.list.some((old) => !list.some((each) => each.role === old.role && each.key === old.key));
    const isNarrower = isRevoked || keys.secretKey !== this.keys.secretKey;
    [this.keys, this.list] = [keys, list];
    if (isNarrower) for (const listener of this.#narrowed) listener();
  }

  async #serve(): Promise<void> {
    try {
      for await (const parts of this.#zap) await this.#zap.send(this.#answer(parts));
    } catch (error) {
      if (!this.#isClosed) this.onError(error);
    }
  }

  /** A request is version, request id, domain, address, identity, mechanism, credentials; a reply version, request id, status, text, user, metadata. */
  #answer(parts: readonly Uint8Array[]): (string | Uint8Array)[] {
    const [version, id, domain, , , mechanism, key] = parts;
    const [stated, asked, role] = [version, mechanism, domain].map((part) => new TextDecoder().decode(part));
    const isCurve = stated === "1.0" && asked === "CURVE" && key?.length === 32;
    const found = isCurve ? this.allowed(role ?? "", z85(key)) : undefined;
    // libzmq's clients do not try again after 400.
    return ["1.0", id ?? "", ...(found ? ["200", "OK", found.name] : ["400", "not allowed", ""]), ""];
  }
}

async function versionOf({ key, allowed }: AccessOptions): Promise<string> {
  const looks = await Promise.all([key, allowed].map((path) => stat(path, { bigint: true }).catch(() => undefined)));
  return looks.map((look) => (look ? `${look.ino} ${look.size} ${look.mtimeNs} ${look.mode}` : "none")).join("; ");
}

async function readList(path: string): Promise<Allowed[]> {
  const text = await readFile(path, "utf8").catch((cause: unknown) => {
    throw new NightshiftError("E_KEY", {
      expected: `a list of allowed keys in ${path}`,
      received: reasonOf(cause),
      remedy: "Make it with `nightshift keys allow`; an empty file admits nobody.",
      cause,
    });
  });
  return parseAllowed(text, path);
}
