import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { networkInterfaces, tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import test from "ava";
import { Publisher as BarePublisher, Subscriber as BareSubscriber } from "zeromq";
import { ControlClient } from "../../sdk/stream/control-client.js";
import { ControlServer } from "../../sdk/stream/control.js";
import { eventMessage, streamEvent } from "../../sdk/stream/events.js";
import { Condition } from "../../sdk/stream/messages/nightshift_pb.js";
import { unpackPlane } from "../../sdk/stream/planes.js";
import { Publisher } from "../../sdk/stream/publisher.js";
import { Subscriber } from "../../sdk/stream/subscriber.js";
import { packMessage, type Received } from "../../sdk/stream/topics.js";
import { needs } from "../support/shared.js";
import { perceptionOf } from "./perceptions.js";
import { pretendedHandler } from "./pretended-handler.js";

const folder = mkdtempSync(join(tmpdir(), "nightshift-pub-"));
test.after.always(() => rmSync(folder, { recursive: true, force: true }));

const onError = (error: unknown) => {
  throw error;
};

const greeting = streamEvent("stream_started", "hello");
const isGreeting = ({ message }: Received): boolean => ("text" in message ? message.text === greeting.text : message.header?.condition === Condition.UNKNOWN);

/** Nothing tells that a subscription has arrived but what comes out at the other end: publishes until each subscriber has heard something. Answers with how many messages that took. */
async function greet(publisher: Publisher, ...subscribers: readonly Subscriber[]): Promise<number> {
  let waiting = subscribers.length;
  for (const subscriber of subscribers)
    void subscriber[Symbol.asyncIterator]()
      .next()
      .then(() => waiting--);
  let rounds = 0;
  for (; waiting > 0; rounds++, await sleep(20)) {
    publisher.publish(perceptionOf(0), "unknown");
    publisher.publishEvent(greeting);
  }
  return rounds * 3;
}

/** The next messages, greetings apart. */
async function receive(subscriber: Subscriber, count: number): Promise<Received[]> {
  const all: Received[] = [];
  for await (const message of subscriber) {
    if (!isGreeting(message)) all.push(message);
    if (all.length === count) break;
  }
  return all;
}

test("masks, boxes and events arrive on their topics, over TCP and IPC at once", async (t) => {
  const publisher = await Publisher.open({ addresses: ["tcp://127.0.0.1:*", `ipc://${folder}/stream`], onError });
  t.is(publisher.addresses.length, 2);
  const [everything, onlyFront, overIpc] = [
    new Subscriber({ address: publisher.addresses[0] ?? "" }),
    new Subscriber({ address: publisher.addresses[0] ?? "", topics: ["mask/front\0"] }),
    new Subscriber({ address: publisher.addresses[1] ?? "", topics: ["events"] }),
  ];
  const greetings = await greet(publisher, everything, onlyFront, overIpc);
  publisher.publish(perceptionOf(0, "frontal"), "night");
  publisher.publish(perceptionOf(5, "front"), "night");
  publisher.publishEvent(streamEvent("trigger", "night has come", { condition: "night" }));
  const all = await receive(everything, 5);
  t.deepEqual(all.map(({ topic }) => topic), ["mask/frontal", "boxes/frontal", "mask/front", "boxes/front", "events"]);
  const [mask] = await receive(onlyFront, 1);
  if (mask?.kind !== "mask" || !mask.message.categories) return t.fail("no mask");
  t.deepEqual(Buffer.from(unpackPlane(mask.message.categories)), Buffer.from(perceptionOf(5).mask));
  const [event] = await receive(overIpc, 1);
  if (event?.kind !== "events") return t.fail("no event");
  t.deepEqual([event.message.text, JSON.parse(event.message.detailsJson)], ["night has come", { condition: "night" }]);
  t.is(publisher.sent, greetings + 5);
  for (const subscriber of [everything, onlyFront, overIpc]) subscriber.close();
  await publisher.close();
  t.throws(() => publisher.publishEvent(streamEvent("trigger", "late")), { code: "E_CLOSED" });
  await publisher.close();
});

test("an address of IPv6 is one to listen on and to connect to", async (t) => {
  const hasIpv6 = Object.values(networkInterfaces()).some((each) => each?.some(({ address }) => address === "::1"));
  if (!needs(t, hasIpv6, "IPv6 on loopback", "sysctl net.ipv6.conf.lo.disable_ipv6=0")) return;
  const publisher = await Publisher.open({ addresses: ["tcp://[::1]:*"], onError });
  const control = await ControlServer.open(pretendedHandler([]), { address: "tcp://[::1]:*", onError });
  const subscriber = new Subscriber({ address: publisher.addresses[0] ?? "" });
  const client = new ControlClient(control.address);
  await greet(publisher, subscriber);
  await client.pause();
  t.regex(control.address, /^tcp:\/\/\[::1\]:\d+$/);
  subscriber.close();
  client.close();
  control.close();
  await publisher.close();
});

test("a port in use is an error, whoever uses it, over TCP and IPC", async (t) => {
  const first = await Publisher.open({ addresses: ["tcp://127.0.0.1:*", `ipc://${folder}/taken`], onError });
  for (const address of first.addresses) {
    const error = await t.throwsAsync(Publisher.open({ addresses: [address], onError }), { code: "E_ADDRESS_IN_USE" });
    t.true(error.message.includes(address));
  }
  await first.close();
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  const port = typeof address === "object" ? address?.port : undefined;
  await t.throwsAsync(Publisher.open({ addresses: [`tcp://127.0.0.1:${port}`], onError }), { code: "E_ADDRESS_IN_USE" });
  server.close();
  for (const port of ["nowhere", "70000", "65536"]) await t.throwsAsync(Publisher.open({ addresses: [`tcp://127.0.0.1:${port}`], onError }), { code: "E_CONFIG" }, port);
});

test("an IPC address that a dead process left behind is free again", async (t) => {
  const path = join(folder, "stale");
  const script = `require("node:net").createServer().listen(${JSON.stringify(path)}, () => console.log("listening"))`;
  const child = spawn(process.execPath, ["-e", script], { stdio: ["ignore", "pipe", "inherit"] });
  await new Promise((resolve) => child.stdout.once("data", resolve));
  await t.throwsAsync(Publisher.open({ addresses: [`ipc://${path}`], onError }), { code: "E_ADDRESS_IN_USE" });
  child.kill("SIGKILL");
  await new Promise((resolve) => child.once("exit", resolve));
  const publisher = await Publisher.open({ addresses: [`ipc://${path}`], onError });
  await publisher.close();
  t.pass();
});

test("a subscriber that never reads neither blocks the stream nor fills the memory", async (t) => {
  const publisher = await Publisher.open({ addresses: ["tcp://127.0.0.1:*"], highWaterMark: 16, onError });
  const idle = new Subscriber({ address: publisher.addresses[0] ?? "", highWaterMark: 1 });
  const greetings = await greet(publisher, idle);
  const perception = perceptionOf(1);
  publisher.publish(perception, "clear");
  const before = process.memoryUsage().rss;
  let slowestMs = 0;
  for (let i = 0; i < 1000; i++) {
    const start = performance.now();
    publisher.publish(perception, "clear");
    slowestMs = Math.max(slowestMs, performance.now() - start);
    // What waits for ZeroMQ has bounds of its own, which a busy machine would reach. A subscriber that blocks would keep this waiting for ever.
    while (i % 50 === 0 && publisher.sent < greetings + 2 * (i + 2)) await sleep(1);
  }
  t.true(slowestMs < 500, `${slowestMs} ms`);
  const grownMb = (process.memoryUsage().rss - before) / 1e6;
  t.true(grownMb < 100, `${grownMb} MB`);
  idle.close();
  await publisher.close();
  t.deepEqual([publisher.sent, publisher.unsent], [greetings + 2002, 0]);
});

test("a burst in one turn of the event loop is sent whole and in order", async (t) => {
  const publisher = await Publisher.open({ addresses: ["tcp://127.0.0.1:*"], highWaterMark: 2000, onError });
  const subscriber = new Subscriber({ address: publisher.addresses[0] ?? "", highWaterMark: 2000 });
  await greet(publisher, subscriber);
  for (let i = 0; i < 900; i++) publisher.publishEvent(streamEvent("verdict", String(i)));
  const all = await receive(subscriber, 900);
  t.deepEqual(all.map(({ message }) => "text" in message && message.text), Array.from({ length: 900 }, (_, i) => String(i)));
  t.is(publisher.unsent, 0);
  subscriber.close();
  await publisher.close();
});

test("who subscribes to more than a topic can be is hung up on", async (t) => {
  t.timeout(60_000, "nobody hung up");
  const publisher = await Publisher.open({ addresses: ["tcp://127.0.0.1:*"], onError });
  const talkative = new BareSubscriber({ linger: 0 });
  const hungUp = new Promise<void>((resolve) => talkative.events.on("disconnect", () => resolve()));
  talkative.subscribe("x".repeat(2048));
  talkative.connect(publisher.addresses[0] ?? "");
  await t.notThrowsAsync(hungUp);
  talkative.close();
  const subscriber = new Subscriber({ address: publisher.addresses[0] ?? "", topics: ["events", "x".repeat(1000)] });
  await greet(publisher, subscriber);
  subscriber.close();
  await publisher.close();
});

test("a subscriber passes over topics that a later version has", async (t) => {
  const later = new BarePublisher({ linger: 0 });
  await later.bind("tcp://127.0.0.1:*");
  const subscriber = new Subscriber({ address: later.lastEndpoint ?? "" });
  const told = subscriber[Symbol.asyncIterator]();
  const next = told.next();
  let heard = false;
  void next.finally(() => (heard = true));
  for (; !heard; await sleep(20)) {
    await later.send(Buffer.from("flow/front\0\xff"));
    await later.send(packMessage("events", "", eventMessage(greeting)));
  }
  t.is((await next).value?.kind, "events");
  subscriber.close();
  later.close();
});

test("the system asks whether a publisher that says nothing is still there", async (t) => {
  if (!needs(t, process.platform === "linux", "Linux, which tells of a connection's timers", "run it there")) return;
  const publisher = await Publisher.open({ addresses: ["tcp://127.0.0.1:*"], onError });
  const [address = ""] = publisher.addresses;
  const subscriber = new Subscriber({ address });
  await greet(publisher, subscriber);
  const port = Number(new URL(address).port).toString(16).toUpperCase().padStart(4, "0");
  const timer = new RegExp(`^\\s*\\d+: \\w+:\\w+ 0100007F:${port} 01 \\w+:\\w+ (\\d\\d):`, "m");
  // 02 is that of keepalive.
  t.is(timer.exec(readFileSync("/proc/net/tcp", "utf8"))?.[1], "02");
  subscriber.close();
  await publisher.close();
});

test("a subscriber may keep only the newest message", async (t) => {
  const publisher = await Publisher.open({ addresses: ["tcp://127.0.0.1:*"], onError });
  const newest = new Subscriber({ address: publisher.addresses[0] ?? "", topics: ["mask/"], newestOnly: true });
  await greet(publisher, newest);
  for (let i = 0; i < 20; i++) publisher.publish(perceptionOf(i), "clear");
  await sleep(200);
  const seen: (bigint | undefined)[] = [];
  while (seen.at(-1) !== 19n) for (const { message } of await receive(newest, 1)) seen.push("header" in message ? message.header?.sequence : undefined);
  t.true(seen.length < 20, "most were replaced before they were read");
  newest.close();
  await publisher.close();
});
