/** Ports of the publisher and of the control socket, unless told otherwise. */
export const defaultPublisherPort = 5590;

/** The two addresses, on loopback unless told otherwise: the port and the one after it, or any free ones for 0. */
export function addressesFor(port: number, host = "127.0.0.1"): { readonly publish: readonly string[]; readonly control: string } {
  const address = (number: number | string): string => `tcp://${host.includes(":") ? `[${host}]` : host}:${number}`;
  return port === 0 ? { publish: [address("*")], control: address("*") } : { publish: [address(port)], control: address(port + 1) };
}
