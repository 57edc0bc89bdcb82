import test from "ava";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { Reply, Request } from "zeromq";
import { NightshiftError } from "../../sdk/errors.js";
import { type ControlHandler, ControlServer } from "../../sdk/stream/control.js";
import { ControlClient } from "../../sdk/stream/control-client.js";
import { ControlReplySchema, ControlRequestSchema } from "../../sdk/stream/messages/nightshift_pb.js";
import type { Status } from "../../sdk/stream/status.js";
import { Subscriber } from "../../sdk/stream/subscriber.js";

const status: Status = {
  generation: 4,
  vocabulary: ["road", "sky"],
  condition: "dusk",
  adaptation: "training",
  paused: false,
  framesRemembered: 96,
  uptimeSeconds: 12.25,
  cameras: [{ camera: "front", framesIn: 100, answered: 90, dropped: 9, lost: 0, fps: 20.5, latencyMs: { p50: 30, p95: 40, p99: 50 }, isLost: true }],
  budget: { share: 0.5, threads: 1, niceness: 19, memoryMb: 1536, mostCelsius: 80, usedMb: 712.5, celsius: 85.5, restsFor: "temperature", holds: ["idle I/O priority"], lacks: ["cgroup: no cgroup v2 at /sys/fs/cgroup"] },
};

/** Notes what it was asked, and does nothing. */
function note(): { asked: unknown[]; handler: ControlHandler } {
  const asked: unknown[] = [];
  return {
    asked,
    handler: {
      status: () => status,
      setVocabulary: async (names) => {
        const received = `${names.length} names`;
        if (names.length > 64) throw new NightshiftError("E_VOCABULARY", { expected: "1 to 64 names", received, remedy: "Name fewer." });
        asked.push(names);
        await Promise.resolve();
      },
      adaptNow: () => void asked.push("adapt now"),
      pause: () => void asked.push("pause"),
      resume: () => void asked.push("resume"),
      rollBack: () => {
        throw new Error("the disk is gone");
      },
      vehicleState: (state) => void asked.push(state),
      eraseFrames: () => void asked.push("erase frames"),
    },
  };
}

const onError = (error: unknown) => {
  throw error;
};

test("what is no address is said at once, by either client", (t) => {
  for (const address of ["vehicle", "tcp://vehicle", "http://127.0.0.1:5591"]) {
    t.throws(() => new ControlClient(address), { code: "E_CONFIG" }, address);
    t.throws(() => new Subscriber({ address }), { code: "E_CONFIG" }, address);
  }
});

test("every request reaches its handler, and every error its client", async (t) => {
  const { asked, handler } = note();
  const server = await ControlServer.open(handler, { address: "tcp://127.0.0.1:*", onError });
  const client = new ControlClient(server.address);
  t.deepEqual(await client.status(), status);
  await Promise.all([client.setVocabulary(["car", "Straße"]), client.adaptNow(), client.pause(), client.resume()]);
  await client.vehicleState({ wipers: "on", parked: true });
  await client.eraseFrames();
  t.deepEqual(asked, [["car", "Straße"], "adapt now", "pause", "resume", { wipers: "on", parked: true }, "erase frames"]);
  const error = await t.throwsAsync<NightshiftError>(client.setVocabulary(Array.from({ length: 65 }, (_, i) => `name ${i}`)));
  t.deepEqual([error.code, error.expected, error.received, error.remedy], ["E_VOCABULARY", "1 to 64 names", "65 names", "Name fewer."]);
  const unforeseen = await t.throwsAsync<NightshiftError>(client.rollBack());
  t.deepEqual([unforeseen.code, unforeseen.received], ["E_INTERNAL", "the disk is gone"]);
  t.deepEqual(await client.status(), status);
  client.close();
  server.close();
});

test("malformed requests get an error for a reply, and the next request works", async (t) => {
  const server = await ControlServer.open(note().handler, { address: "tcp://127.0.0.1:*", onError });
  const socket = new Request({ linger: 0, receiveTimeout: 5000 });
  socket.connect(server.address);
  const ask = async (parts: Uint8Array[]) => {
    await socket.send(parts);
    const [reply] = await socket.receive();
    return fromBinary(ControlReplySchema, reply ?? new Uint8Array()).reply;
  };
  const newer = toBinary(ControlRequestSchema, create(ControlRequestSchema, { schemaVersion: 2, request: { case: "pause", value: {} } }));
  const [text, bits, two] = [Buffer.from("not a message at all"), Buffer.from([0xff, 0xff, 0xff]), [Buffer.from("two"), Buffer.from("parts")]];
  for (const parts of [[new Uint8Array()], [text], [bits], two, [newer]]) {
    const reply = await ask(parts);
    t.is(reply.case === "error" ? reply.value.code : reply.case, "E_CONTROL");
    t.true(reply.case === "error" && reply.value.expected !== "" && reply.value.received !== "" && reply.value.remedy !== "");
  }
  const reply = await ask([toBinary(ControlRequestSchema, create(ControlRequestSchema, { request: { case: "status", value: {} } }))]);
  t.is(reply.case, "status");
  socket.close();
  const huge = new Request({ linger: 0, receiveTimeout: 300 });
  huge.connect(server.address);
  await huge.send(Buffer.alloc(1 << 20));
  await t.throwsAsync(huge.receive());
  huge.close();
  const client = new ControlClient(server.address);
  t.is((await client.status()).generation, 4);
  client.close();
  server.close();
});

test("who asks too often is told so, and nothing of it is carried out", async (t) => {
  const { asked, handler } = note();
  const server = await ControlServer.open(handler, { address: "tcp://127.0.0.1:*", onError });
  const client = new ControlClient(server.address);
  let refusal: NightshiftError | undefined;
  let done = 0;
  // After 200 at once, 50 a second: whoever asks without pause is soon beyond that.
  for (; refusal === undefined && done < 5000; done += refusal ? 0 : 1) refusal = await client.pause().then(() => undefined, (error: NightshiftError) => error);
  t.like(refusal, { code: "E_CONTROL", expected: "at most 50 requests a second" });
  t.true(done >= 200);
  t.is(asked.length, done);
  client.close();
  server.close();
});

test("a handler that hangs is reported, and holds nobody up for good", async (t) => {
  const { handler } = note();
  const hanging: ControlHandler = { ...handler, adaptNow: () => new Promise<void>(() => undefined) };
  const server = await ControlServer.open(hanging, { address: "tcp://127.0.0.1:*", timeoutMs: 100, onError });
  const client = new ControlClient(server.address);
  await t.throwsAsync(client.adaptNow(), { code: "E_INTERNAL" });
  t.is((await client.status()).generation, 4);
  client.close();
  server.close();
});

test("who answers something else is no control server", async (t) => {
  const stranger = new Reply({ linger: 0 });
  t.teardown(() => stranger.close());
  await stranger.bind("tcp://127.0.0.1:*");
  const client = new ControlClient(stranger.lastEndpoint ?? "");
  t.teardown(() => client.close());
  const asked = client.status();
  await stranger.receive();
  await stranger.send("hello");
  await t.throwsAsync(asked, { code: "E_CONTROL", message: /do not decode/ });
});

test("a control port in use, and a server that is not there", async (t) => {
  const { handler } = note();
  const server = await ControlServer.open(handler, { address: "tcp://127.0.0.1:*", onError });
  await t.throwsAsync(ControlServer.open(handler, { address: server.address, onError }), { code: "E_ADDRESS_IN_USE" });
  const { address } = server;
  server.close();
  const client = new ControlClient(address, 200);
  await t.throwsAsync(client.status(), { code: "E_CONTROL" });
  await t.throwsAsync(client.pause(), { code: "E_CONTROL" });
  client.close();
});
