import type { Request, Subscriber } from "zeromq";
import { NightshiftError, reasonOf } from "../errors.js";

/** Connects a client's socket; whether anybody listens there shows later. Throws `E_CONFIG` for what is no address, and closes the socket. */
export function connect(socket: Request | Subscriber, address: string): void {
  try {
    socket.connect(address);
  } catch (cause) {
    socket.close();
    throw new NightshiftError("E_CONFIG", {
      expected: "an address that a Nightshift listens on, such as tcp://127.0.0.1:5590 or ipc:///run/nightshift",
      received: `${address} (${reasonOf(cause)})`,
      remedy: "Correct the address.",
      cause,
    });
  }
}
