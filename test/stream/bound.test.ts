import { setTimeout as sleep } from "node:timers/promises";
import test from "ava";
import { Publisher } from "zeromq";
import { NightshiftError } from "../../sdk/errors.js";
import type { Access } from "../../sdk/stream/access.js";
import { Bound } from "../../sdk/stream/bound.js";

test("an address that another takes while a socket is opened anew: told of once, and asked for until it is free", async (t) => {
  let isTaken = false;
  let revoke = (): void => undefined;
  const access = { guarding: () => ({}), onNarrowed: (listener: () => void) => (revoke = listener) } as unknown as Access;
  const make = (): Publisher => {
    if (isTaken) throw new NightshiftError("E_ADDRESS_IN_USE", { expected: "a free address", received: "one that another has", remedy: "Wait." });
    return new Publisher();
  };
  const errors: unknown[] = [];
  const opened: Publisher[] = [];
  const bound = await Bound.open({ make, addresses: ["tcp://127.0.0.1:*"], access, role: "reader", what: "publisher", onOpen: (socket) => opened.push(socket), onError: (error) => errors.push(error) });
  isTaken = true;
  revoke();
  while (errors.length === 0) await sleep(50);
  t.like(errors, [{ code: "E_ADDRESS_IN_USE" }]);
  t.true(opened[0].closed, "who was connected is cut off");
  t.is(bound.socket, undefined);
  await sleep(1500);
  t.is(errors.length, 1);
  isTaken = false;
  while (!bound.socket) await sleep(50);
  t.deepEqual(opened, [opened[0], bound.socket]);
  t.false(bound.socket.closed);
  isTaken = true;
  revoke();
  while (bound.socket) await sleep(10);
  bound.close();
  isTaken = false;
  await sleep(200);
  t.is(opened.length, 2, "once it is closed it is not opened");
});
