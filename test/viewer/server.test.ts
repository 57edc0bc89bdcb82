import { connect } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { pathToFileURL } from "node:url";
import { inflateSync } from "node:zlib";
import test, { type ExecutionContext } from "ava";
import { WebSocket } from "ws";
import { packageRoot } from "../../sdk/paths.js";
import { streamEvent } from "../../sdk/stream/events.js";
import type { FrameHead, ToPage } from "../../sdk/viewer/page/wire.js";
import { Viewer } from "../../sdk/viewer/viewer.js";
import { Pretended } from "./pretended.js";

async function open(t: ExecutionContext): Promise<{ viewer: Viewer; stream: Pretended; errors: unknown[] }> {
  const stream = new Pretended();
  const errors: unknown[] = [];
  const viewer = await Viewer.open(stream, { port: 0, onError: (error) => errors.push(error) });
  t.teardown(() => viewer.close());
  return { viewer, stream, errors };
}

/** A visitor that keeps everything it is sent. */
async function visit(t: ExecutionContext, { address }: Viewer) {
  const socket = new WebSocket(`${address.replace("http", "ws")}stream`, { origin: address.slice(0, -1) });
  t.teardown(() => socket.terminate());
  const told: ToPage[] = [];
  const frames: Buffer[] = [];
  socket.on("message", (data: Buffer, isBinary) => (isBinary ? frames.push(data) : told.push(JSON.parse(data.toString()) as ToPage)));
  await new Promise((resolve, reject) => socket.once("open", resolve).once("error", reject));
  return { socket, told, frames, ask: (value: unknown) => socket.send(JSON.stringify(value)) };
}

async function until(condition: () => boolean): Promise<void> {
  for (let tries = 0; tries < 200 && !condition(); tries++) await sleep(25);
}

test("every file of the page is served, with headers that keep strangers out, and nothing else is", async (t) => {
  const { viewer } = await open(t);
  for (const file of ["", "main.js", "style.css", "icon.svg", "uplot.js", "uplot.css", "charts.js"]) {
    const response = await fetch(viewer.address + file);
    t.is(response.status, 200, file);
    t.regex(response.headers.get("content-security-policy") ?? "", /default-src 'none'/);
    t.is(response.headers.get("x-content-type-options"), "nosniff");
    t.false((await response.text()).includes("https://cdn"));
  }
  for (const file of ["package.json", "../package.json", "%2e%2e/package.json"]) t.is((await fetch(viewer.address + file)).status, 404, file);
});

test("a name that merely points here is refused, and so is another site's page", async (t) => {
  const { viewer } = await open(t);
  const { port } = new URL(viewer.address);
  const reply = await new Promise<string>((resolve) => {
    const socket = connect(Number(port), "127.0.0.1", () => socket.write("GET / HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n"));
    socket.once("data", (data) => resolve(data.toString()));
  });
  t.regex(reply, /^HTTP\/1\.1 403/);
  const stranger = new WebSocket(`${viewer.address.replace("http", "ws")}stream`, { origin: "http://evil.example" });
  const error = await new Promise<Error>((resolve) => stranger.once("error", resolve));
  t.regex(error.message, /403/);
});

test("a connection that breaks while it is refused is the end of nothing else", async (t) => {
  const { viewer } = await open(t);
  const { port } = new URL(viewer.address);
  for (let times = 0; times < 20; times++)
    await new Promise<unknown>((resolve) => {
      const socket = connect(Number(port), "127.0.0.1", () => {
        socket.write("GET /elsewhere HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n", () => socket.resetAndDestroy());
      });
      socket.once("close", resolve);
    });
  t.is((await fetch(viewer.address)).status, 200);
});

test("one that is refused is closed, whether or not the other side closes it", async (t) => {
  const { viewer } = await open(t);
  const { port } = new URL(viewer.address);
  const socket = connect({ port: Number(port), host: "127.0.0.1", allowHalfOpen: true }, () => {
    socket.write("GET /elsewhere HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
  });
  socket.on("error", () => socket.destroy());
  const told = await new Promise<string>((resolve) => socket.once("data", (data) => resolve(data.toString())));
  t.regex(told, /^HTTP\/1\.1 403 Forbidden/);
  // Whoever writes to what is gone is told so.
  await until(() => {
    socket.write("?");
    return socket.destroyed;
  });
  t.true(socket.destroyed);
});

test("frames come whole, and no more of them than the page draws", async (t) => {
  const { viewer, stream } = await open(t);
  const { frames, ask } = await visit(t, viewer);
  // A page that claims to have drawn what it never got gets no more for it.
  for (let times = 0; times < 5; times++) ask({ type: "shown" });
  await sleep(100);
  for (let tries = 0; tries < 20; tries++) {
    const { frame, perception } = stream.next();
    viewer.show(frame, perception, "dusk");
    await sleep(60);
  }
  t.is(frames.length, 2, "without a sign that they were drawn, two are under way");
  const [message = Buffer.alloc(0)] = frames;
  const headBytes = message.readUInt32BE(0);
  const head = JSON.parse(message.subarray(4, 4 + headBytes).toString()) as FrameHead;
  t.is(message.length, 4 + headBytes + head.pictureBytes + head.maskBytes);
  t.is(inflateSync(message.subarray(-head.maskBytes)).length, head.width * head.height);
  t.deepEqual([head.camera, head.generation, head.condition, head.boxes.length], ["front", 1, "dusk", 1]);
  ask({ type: "shown" });
  await sleep(100);
  const { frame, perception } = stream.next();
  viewer.show(frame, perception, "dusk");
  await until(() => frames.length > 2);
  t.is(frames.length, 3);
});

test("a page that says nothing any more does not hold up the end", async (t) => {
  const { viewer } = await open(t);
  const { socket } = await visit(t, viewer);
  socket.pause();
  const began = performance.now();
  await viewer.close();
  t.true(performance.now() - began < 10_000, `${performance.now() - began} ms`);
});

test("a page that sends more than 64 KiB at once is hung up on", async (t) => {
  const { viewer, errors } = await open(t);
  const { socket } = await visit(t, viewer);
  socket.send("x".repeat(70_000));
  t.is(await new Promise((resolve) => socket.once("close", resolve)), 1009);
  t.is(errors.length, 1);
});

test("a camera that is chosen is shown at once, also when no more frames come", async (t) => {
  const { viewer, stream } = await open(t);
  for (const camera of ["front", "rear"]) {
    const { frame, perception } = stream.next();
    viewer.show({ ...frame, camera }, { ...perception, camera }, "dusk");
  }
  const { frames, ask } = await visit(t, viewer);
  const cameras = (): unknown[] => frames.map((message) => (JSON.parse(message.subarray(4, 4 + message.readUInt32BE(0)).toString()) as FrameHead).camera);
  await until(() => frames.length > 0);
  ask({ type: "camera", name: "rear" });
  await until(() => frames.length > 1);
  t.deepEqual(cameras(), ["front", "rear"]);
});

test("a page that comes late hears what it missed", async (t) => {
  const { viewer } = await open(t);
  viewer.event(streamEvent("trainer_progress", "learning, 1 of 2 steps.", { step: 1, steps: 2, losses: { total: 2.5, lmc: Number.NaN } }));
  viewer.event(streamEvent("generation_swapped", "Generation 2 serves.", { generation: 2 }));
  await sleep(600);
  const { told } = await visit(t, viewer);
  await until(() => told.length >= 2);
  const [first] = told;
  if (first?.type !== "history") return t.fail(first?.type);
  t.deepEqual(first.history.losses.map(({ step, steps, losses }) => ({ step, steps, losses })), [{ step: 1, steps: 2, losses: { total: 2.5 } }]);
  t.deepEqual(first.history.events.map(({ kind }) => kind), ["generation_swapped"]);
  t.true(first.history.points.length >= 1);
});

test("requests are carried out, and what cannot be is told", async (t) => {
  const { viewer, stream, errors } = await open(t);
  const { told, ask, socket } = await visit(t, viewer);
  ask({ type: "setVocabulary", names: ["bus"] });
  ask({ type: "adaptNow" });
  ask({ type: "rollBack" });
  ask({ type: "reboot" });
  socket.send("{");
  const answers = () => told.filter(({ type }) => type === "done" || type === "refused");
  await until(() => answers().length >= 5);
  t.deepEqual(stream.names, ["bus"]);
  t.deepEqual(stream.asked, ["adaptNow"]);
  t.is(answers().filter(({ type }) => type === "done").length, 2);
  t.deepEqual(answers().flatMap((each) => (each.type === "refused" ? each.code : [])).sort(), ["E_CONTROL", "E_CONTROL", "E_INTERNAL"]);
  t.is(errors.length, 1);
});

test.serial("the page's line is as safe as the page", async (t) => {
  const opened: string[] = [];
  class Line extends EventTarget {
    constructor(url: string) {
      super();
      opened.push(url);
    }
  }
  const before = globalThis.WebSocket;
  const { Connection } = (await import(pathToFileURL(join(packageRoot(), "dist", "page", "connection.js")).href)) as { Connection: new (listener: object) => unknown };
  for (const protocol of ["http:", "https:"]) {
    Object.assign(globalThis, { WebSocket: Line, location: { protocol, host: "192.0.2.1:8080" } });
    new Connection({});
  }
  Object.assign(globalThis, { WebSocket: before, location: undefined });
  t.deepEqual(opened, ["ws://192.0.2.1:8080/stream", "wss://192.0.2.1:8080/stream"]);
});

test("a port in use is told with its code", async (t) => {
  const { viewer } = await open(t);
  const port = Number(new URL(viewer.address).port);
  await t.throwsAsync(Viewer.open(new Pretended(), { port, onError: () => undefined }), { code: "E_ADDRESS_IN_USE" });
});
