import { connect } from "node:net";
import type { Socket } from "zeromq";
import { NightshiftError, reasonOf, systemCodeOf } from "../errors.js";

/** Whether only this machine reaches an address. */
export const isLocal = (address: string): boolean => /^(ipc|inproc):\/\/./.test(address) || /^tcp:\/\/(127(\.\d{1,3}){3}|\[::1\]|localhost|lo):/.test(address);

/** What a socket needs for addresses of IPv6, in brackets; others it would show as addresses of IPv6 too. */
export const familyOf = (addresses: readonly string[]): { readonly ipv6: boolean } => ({ ipv6: addresses.some((address) => address.startsWith("tcp://[")) });

/**
 * Binds a socket and answers with the address it got (`tcp://127.0.0.1:*` takes any free port).
 * Throws `E_ADDRESS_IN_USE`, `E_CONFIG` where there can be no such address, or `E_EXPOSED` where it is off this machine and the socket is not
 * guarded by keys. `what` names the socket in the error.
 */
export async function bind(socket: Socket, address: string, what: string, isGuarded = false): Promise<string> {
  if (!isGuarded && !isLocal(address))
    throw new NightshiftError("E_EXPOSED", {
      expected: `an address on loopback or ipc for the ${what}, or a key and a list of who may connect`,
      received: address,
      remedy: "Make keys with `nightshift keys`, and name them with --key and --allowed.",
    });
  if (!isLocal(address) && !address.startsWith("tcp://"))
    throw new NightshiftError("E_CONFIG", { expected: `tcp:// or ipc:// for the ${what}`, received: address, remedy: "Other transports of ZeroMQ cannot be guarded." });
  // Of a greater number ZeroMQ would bind what is left of it in 16 bits.
  if (Number(/^tcp:.*:(\d+)$/.exec(address)?.[1]) > 65_535)
    throw new NightshiftError("E_CONFIG", { expected: `a port of at most 65535 for the ${what}`, received: address, remedy: "Correct the address." });
  // ZeroMQ takes the file of an ipc address away from whoever listens on it, so that has to be found out first.
  if (address.startsWith("ipc://") && (await isListening(address.slice("ipc://".length)))) throw inUse(address, what, undefined);
  try {
    await socket.bind(address);
  } catch (cause) {
    if (systemCodeOf(cause) === "EADDRINUSE") throw inUse(address, what, cause);
    throw new NightshiftError("E_CONFIG", {
      expected: `an address of this machine for the ${what}, such as tcp://127.0.0.1:5590 or ipc:///run/nightshift`,
      received: `${address} (${reasonOf(cause)})`,
      remedy: "Correct the address.",
      cause,
    });
  }
  return socket.lastEndpoint ?? address;
}

const inUse = (address: string, what: string, cause: unknown): NightshiftError =>
  new NightshiftError("E_ADDRESS_IN_USE", {
    expected: `a free address for the ${what}`,
    received: `${address}, which is already in use`,
    remedy: "Stop the other process, or choose another address.",
    cause,
  });

function isListening(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = connect(path);
    probe.once("connect", () => {
      probe.destroy();
      resolve(true);
    });
    probe.once("error", () => resolve(false));
  });
}
