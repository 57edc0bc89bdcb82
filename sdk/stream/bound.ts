import { setTimeout as sleep } from "node:timers/promises";
import type { Socket } from "zeromq";
import { Turns } from "../engine/turns.js";
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

/** How long an address that was just given up may take to become free before it is told that another has it, milliseconds. */
const patienceMs = 5000;

/** How often an address that another has is asked for, milliseconds. */
const retryMs = 1000;

/** A socket that listens, and that is opened anew at the same addresses when a key is revoked: clients that may, connect again by themselves. */
export class Bound<S extends Socket> {
  #socket: S | undefined;
  readonly #reopening = new Turns();
  #isClosed = false;

  private constructor(
    private readonly options: BoundOptions<S>,
    socket: S,
    /** Where it listens, with the ports that were chosen. */
    readonly addresses: readonly string[],
  ) {
    this.#socket = socket;
    options.onOpen?.(socket);
    options.access?.onNarrowed(() => {
      this.#reopening.take(() => this.#reopen()).catch(options.onError);
    });
  }

  /** Throws `E_ADDRESS_IN_USE`, `E_CONFIG`, or `E_EXPOSED` where an address is off this machine and nobody guards it. */
  static async open<S extends Socket>(options: BoundOptions<S>): Promise<Bound<S>> {
    const { socket, addresses } = await listening(options, options.addresses);
    return new Bound(options, socket, addresses);
  }

  /** The socket that listens; undefined while it is opened anew, when nobody is connected who could hear, and once it is closed. */
  get socket(): S | undefined {
    return this.#socket;
  }

  close(): void {
    this.#isClosed = true;
    this.#socket?.close();
    this.#socket = undefined;
  }

  async #reopen(): Promise<void> {
    const left = this.#socket;
    // While it is unbound, whatever else is asked of it fails.
    this.#socket = undefined;
    for (const address of this.addresses) await left?.unbind(address);
    left?.close();
    const patientUntilMs = performance.now() + patienceMs;
    for (let isTold = false; !this.#isClosed; await sleep(isTold ? retryMs : 20)) {
      try {
        const { socket } = await listening(this.options, this.addresses);
        if (this.#isClosed) return socket.close();
        this.#socket = socket;
        return this.options.onOpen?.(socket);
      } catch (error) {
        // libzmq gives addresses up in a thread of its own.
        if (isTold || performance.now() < patientUntilMs) continue;
        isTold = true;
        this.options.onError(error);
      }
    }
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
