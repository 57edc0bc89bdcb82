import { once } from "node:events";
import { type IncomingMessage, request as httpRequest } from "node:http";
import { connect, type Socket } from "node:net";
import test, { type ExecutionContext } from "ava";
import { WebSocket } from "ws";
import { Allowance } from "../../sdk/stream/allowance.js";
import { Guard } from "../../sdk/stream/guard.js";
import { HealthServer } from "../../sdk/stream/health.js";
import { Readiness } from "../../sdk/stream/readiness.js";
import { Token } from "../../sdk/stream/token.js";
import { Viewer } from "../../sdk/viewer/viewer.js";
import { Pretended } from "../viewer/pretended.js";
import { pretendedHandler } from "./pretended-handler.js";

const secret = "0123456789abcdef0123456789abcdef";
const status = () => {
  const told = pretendedHandler([]).status();
  if (told instanceof Promise) throw new TypeError("a status that takes time");
  return told;
};

async function page(t: ExecutionContext, token?: Token): Promise<string> {
  const viewer = await Viewer.open(new Pretended(), { port: 0, ...(token && { host: "0.0.0.0", token }), onError: (error) => t.fail(String(error)) });
  t.teardown(() => viewer.close());
  return viewer.address.replace("0.0.0.0", "127.0.0.1");
}

/** What happens to a WebSocket: "open", or the reason why not. */
const knock = (t: ExecutionContext, address: string, headers: Record<string, string> = {}, origin = address.slice(0, -1)): Promise<string> =>
  new Promise((resolve) => {
    const socket = new WebSocket(`${address.replace("http", "ws")}stream`, { origin, headers });
    t.teardown(() => socket.terminate());
    socket.once("open", () => resolve("open")).once("error", ({ message }) => resolve(message));
  });

test("off loopback nothing is served without a token", async (t) => {
  for (const host of ["0.0.0.0", "::", "192.0.2.1", "vehicle.example"]) {
    await t.throwsAsync(Viewer.open(new Pretended(), { host, port: 0, onError: () => undefined }), { code: "E_EXPOSED" }, host);
    await t.throwsAsync(HealthServer.open(status, new Readiness(), { host, port: 0 }), { code: "E_EXPOSED" }, host);
  }
  for (const weak of ["", "short", `${secret} `]) t.throws(() => new Token(weak), { code: "E_KEY" });
});

test("the page opens for whoever shows the token once, and for nobody else", async (t) => {
  const address = await page(t, new Token(secret));
  const asked = async (path: string, headers: Record<string, string> = {}): Promise<Response> => fetch(address + path, { headers, redirect: "manual" });
  for (const [path, headers] of [["", {}], ["main.js", {}], ["?token=wrong", {}], [`main.js?token=${secret}`, {}], ["", { authorization: "Bearer wrong" }], ["", { cookie: "nightshift=00" }]] as const) {
    const { status: code, headers: answered } = await asked(path, headers);
    t.is(code, 401, path);
    t.regex(answered.get("content-security-policy") ?? "", /default-src 'none'/);
  }
  t.is((await asked("", { authorization: `Bearer ${secret}` })).status, 200);
  const shown = await asked(`?token=${secret}`);
  t.is(shown.status, 303);
  t.is(shown.headers.get("location"), "/");
  const setCookie = shown.headers.get("set-cookie") ?? "";
  t.regex(setCookie, /HttpOnly; SameSite=Strict/);
  t.false(setCookie.includes(secret));
  const cookie = setCookie.split(";")[0] ?? "";
  t.is((await asked("", { cookie })).status, 200);
  t.is((await asked(`?token=${secret}`, { cookie })).status, 303, "nor does it stay in the address bar the second time");
  t.regex(await knock(t, address), /401/);
  t.is(await knock(t, address, { cookie }), "open");
  t.regex(await knock(t, address, { cookie }, "http://evil.example"), /403/);
});

test("health and metrics ask for the token too, and refuse a name that merely points here", async (t) => {
  const server = await HealthServer.open(status, new Readiness(), { host: "0.0.0.0", port: 0, token: new Token(secret) });
  t.teardown(() => server.close());
  const address = server.address.replace("0.0.0.0", "127.0.0.1");
  t.is((await fetch(`${address}metrics`)).status, 401);
  t.is((await fetch(`${address}metrics`, { headers: { authorization: `Bearer ${secret}` } })).status, 200);
  const named = await new Promise<number | undefined>((resolve) => {
    httpRequest(`${address}live`, { headers: { host: "evil.example", authorization: `Bearer ${secret}` } }, (response) => resolve(response.resume().statusCode)).end();
  });
  t.is(named, 403);
});

test("no body of more than 1 KiB is read", async (t) => {
  const server = await HealthServer.open(status, new Readiness(), { port: 0 });
  t.teardown(() => server.close());
  const send = async (bytes: number): Promise<number> => (await fetch(`${server.address}live`, { method: "POST", headers: { "content-type": "text/plain" }, body: "x".repeat(bytes) })).status;
  t.deepEqual([await send(1024), await send(1025)], [404, 413]);
});

test("no more than 64 connections are held", async (t) => {
  const server = await HealthServer.open(status, new Readiness(), { port: 0 });
  t.teardown(() => server.close());
  const left: number[] = [];
  const open = async (at: number): Promise<Socket> => {
    const socket = connect(Number(new URL(server.address).port), "127.0.0.1");
    t.teardown(() => socket.destroy());
    // Whether it is ended or reset depends on when it is refused.
    socket.on("error", () => undefined).on("close", () => left.push(at));
    await once(socket, "connect");
    return socket;
  };
  for (let at = 1; at <= 64; at++) await open(at);
  const refused = await open(65);
  let answer = "";
  refused.on("data", (text: Buffer) => (answer += text.toString()));
  refused.write("GET /live HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
  if (!refused.closed) await once(refused, "close");
  t.is(answer, "");
  t.deepEqual(left, [65]);
});

test("who guesses at the token, or asks too often, is put off", async (t) => {
  const address = await page(t, new Token(secret));
  const codes: number[] = [];
  for (let tries = 0; tries < 14; tries++) codes.push((await fetch(address, { headers: { authorization: `Bearer guess-${tries}` } })).status);
  t.deepEqual(codes.slice(0, 10), Array.from({ length: 10 }, () => 401));
  t.is(codes.at(-1), 429);
  // Whoever has it is let in all the same, however often.
  for (let times = 0; times < 12; times++) t.is((await fetch(`${address}?token=${secret}`, { redirect: "manual" })).status, 303);
  const flood: number[] = [];
  const ask = async (): Promise<unknown> => flood.push((await fetch(`${address}icon.svg`, { headers: { authorization: `Bearer ${secret}` } })).status);
  for (let rounds = 0; rounds < 20; rounds++) await Promise.all(Array.from({ length: 20 }, ask));
  t.true(flood.includes(200) && flood.includes(429));
});

test("a token may be guessed at in three ways, and all of them are counted; whoever shows none is told what to do, however often", (t) => {
  const told = (tries: number, url: string, headers: Record<string, string>): (number | undefined)[] => {
    const guard = new Guard(new Token(secret));
    return Array.from({ length: tries }, () => guard.refusal({ url, headers: { host: "127.0.0.1", ...headers }, socket: { remoteAddress: "192.0.2.1" } } as unknown as IncomingMessage)?.status);
  };
  for (const [url, headers] of [["/", { authorization: "Bearer guess" }], ["/", { cookie: "nightshift=00" }], ["/?token=guess", {}]] as const) t.deepEqual(told(12, url, headers), [...new Array<number>(10).fill(401), 429, 429], url);
  t.deepEqual(told(20, "/main.js?token=guess", {}), new Array<number>(20).fill(401));
});

test("tries for a WebSocket count among the others", async (t) => {
  const address = await page(t, new Token(secret));
  const told: string[] = [];
  for (let tries = 0; tries < 14; tries++) told.push(await knock(t, address, { authorization: `Bearer guess-${tries}` }));
  t.true(told.slice(0, 10).every((each) => each.includes("401")));
  t.regex(told.at(-1) ?? "", /429/);
  t.is((await fetch(address, { headers: { authorization: "Bearer guess" } })).status, 429);
  // Without a token too, requests are counted.
  const open = await page(t);
  const flood: string[] = [];
  const ask = async (): Promise<unknown> => flood.push(await knock(t, open, {}, "http://evil.example"));
  for (let rounds = 0; rounds < 20; rounds++) await Promise.all(Array.from({ length: 20 }, ask));
  t.true(flood.some((each) => each.includes("429")));
});

test("an address that does not decode passes nothing by", async (t) => {
  const address = await page(t);
  /** What is answered to requests that follow each other on one connection. */
  const ask = async (host: string, times: number): Promise<string> => {
    const socket = connect(Number(new URL(address).port), "127.0.0.1");
    t.teardown(() => socket.destroy());
    let answers = "";
    socket.on("data", (text: Buffer) => (answers += text.toString()));
    socket.write(`GET /%zz HTTP/1.1\r\nHost: ${host}\r\n\r\n`.repeat(times - 1) + `GET /%zz HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`);
    await once(socket, "close");
    return answers;
  };
  t.regex(await ask("evil.example", 1), /^HTTP\/1\.1 403/);
  t.regex(await ask("localhost", 1), /^HTTP\/1\.1 400[^]*content-security-policy: default-src 'none'/);
  t.true((await ask("localhost", 600)).includes("HTTP/1.1 429"), "they are counted");
});

test("a page that floods is closed, and no more than sixteen are open", async (t) => {
  const address = await page(t);
  const opened = await Promise.all(Array.from({ length: 16 }, () => knock(t, address)));
  t.true(opened.every((each) => each === "open"));
  t.regex(await knock(t, address), /503/);
  const other = await page(t);
  const socket = new WebSocket(`${other.replace("http", "ws")}stream`);
  await new Promise((resolve) => socket.once("open", resolve));
  for (let times = 0; times < 400; times++) socket.send('{"type":"shown"}');
  t.is(await new Promise((resolve) => socket.once("close", resolve)), 1008);
});

test("an allowance fills again with time", (t) => {
  let now = 0;
  const allowance = new Allowance(2, 3, () => now);
  const taken = (): number => [1, 2, 3, 4, 5].filter(() => allowance.take()).length;
  t.is(taken(), 3);
  now = 1000;
  t.is(taken(), 2);
  now = 60_000;
  t.is(taken(), 3);
});
