import { setTimeout as sleep } from "node:timers/promises";
import type { Socket } from "zeromq";
import { NightshiftError } from "../errors.js";
import type { Access } from "./access.js";
import type { Role } from "./allow-list.js";
import { bind, familyOf } from "./bind.js";

export interface BoundOptions<S extends Socket> {
  /** Makes the socket with what guards it, which is nothing where there is no `access`, and what its addresses need. */
  readonly make: (options: Partial<ReturnType<Access["guarding"]>> & ReturnType<typeof familyOf>) => S;
  readonly addresses: readonly string[];
  readonly role: Role;
  readonly access: Access | undefined;
  /** Names the socket in errors. */
  readonly what: string;
  /** Gets every socket, the first one too. */
  readonly onOpen?: (socket: S) => void;
  readonly onError: (error: unknown) => void;
}

/** How long an address that was just given up may take to become free, milliseconds. */
const patienceMs = 5000;

/** A socket that listens, and that is opened anew at the same addresses when a key is revoked: clients that may, connect again by themselves. */
export class Bound<S extends Socket> {
  #ready: Promise<void> = Promise.resolve();
  #isClosed = false;

  private constructor(
    private readonly options: BoundOptions<S>,
    private current: S,
    /** Where it listens, with the ports that were chosen. */
    readonly addresses: readonly string[],
  ) {
    options.onOpen?.(current);
    options.access?.onNarrowed(() => {
      this.#ready = this.#ready.then(() => this.#reopen()).catch(options.onError);
    });
  }

  /** Throws `E_ADDRESS_IN_USE`, `E_CONFIG`, or `E_EXPOSED` where an address is off this machine and nobody guards it. */
  static async open<S extends Socket>(options: BoundOptions<S>): Promise<Bound<S>> {
    const { socket, addresses } = await listening(options, options.addresses);
    return new Bound(options, socket, addresses);
  }

  /** The socket that listens now; waits for one that is being opened anew. */
  async socket(): Promise<S> {
    await this.#ready;
    return this.current;
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  close(): void {
    if (!this.#isClosed) this.current.close();
    this.#isClosed = true;
  }

  async #reopen(): Promise<void> {
    if (this.#isClosed) return;
    for (const address of this.addresses) await this.current.unbind(address);
    this.current.close();
    const deadline = performance.now() + patienceMs;
    for (;;) {
      try {
        const { socket } = await listening(this.options, this.addresses);
        this.current = socket;
        break;
      } catch (error) {
        // libzmq gives addresses up in a thread of its own.
        const isInUse = error instanceof NightshiftError && error.code === "E_ADDRESS_IN_USE";
        if (!isInUse || performance.now() > deadline) throw error;
        await sleep(20);
      }
    }
    if (this.#isClosed) this.current.close();
    else this.options.onOpen?.(this.current);
  }
}

async function listening<S extends Socket>({ make, role, access, what }: BoundOptions<S>, wanted: readonly string[]): Promise<{ socket: S; addresses: string[] }> {
  const socket = make({ ...access?.guarding(role), ...familyOf(wanted) });
  try {
    const addresses: string[] = [];
    for (const address of wanted) addresses.push(await bind(socket, address, what, access !== undefined));
    return { socket, addresses };
  } catch (error) {
    socket.close();
    throw error;
  }
}
