/** A program that subscribes to everything, tells when the first message is there, and goes on until it is killed. Argument: the publisher's address. */
import { Subscriber } from "../../sdk/index.js";

let isFirst = true;
for await (const { topic } of new Subscriber({ address: process.argv[2] ?? "" })) {
  if (isFirst) process.send?.(topic);
  isFirst = false;
}
