import { fork } from "node:child_process";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import test from "ava";
import { Subscriber as BareSubscriber } from "zeromq";
import { Nightshift, Subscriber } from "../../sdk/index.js";
import { picture } from "../adaptation/pictures.js";
import { temporaryFolder } from "../bundle/contents.js";
import { tinyBundle } from "../support/tiny-bundle.js";

const bundle = await tinyBundle();
test.after.always(() => bundle.remove());

test.serial("a subscriber that is stuck and one that is killed: the stream loses nothing, and a third gets every answer", async (t) => {
  let isReady = false;
  const frames = { name: "front", live: false, frames: async function* () {
    while (!isReady) await sleep(5);
    for (let at = 0; at < 150; at++, await sleep(5)) yield picture("day", at % 10, 160, 96);
  } };
  const sequenced = { ...frames, frames: async function* () {
    let sequence = 0;
    for await (const frame of frames.frames()) yield { ...frame, sequence, captureTimeNs: BigInt(sequence++) * 66_000_000n };
  } };
  const nightshift = await Nightshift.start({ bundle: bundle.directory, source: sequenced, state: await temporaryFolder(t), publish: ["tcp://127.0.0.1:*"], control: false, adaptation: false, onError: () => undefined });
  t.teardown(() => nightshift.stop());
  const address = nightshift.addresses.publisher[0] ?? "";
  const stuck = new BareSubscriber({ receiveHighWaterMark: 1, linger: 0 });
  stuck.connect(address);
  stuck.subscribe("");
  const well = new Subscriber({ address, topics: ["boxes/", "events"] });
  t.teardown(() => (stuck.close(), well.close()));
  const got: number[] = [];
  const heard = new Set<string>();
  const reading = (async () => {
    for await (const received of well) {
      heard.add("well");
      if (received.kind === "boxes") got.push(Number(received.message.header?.sequence));
      if (got.length === 150) return;
    }
  })();
  const killed = fork(fileURLToPath(new URL("./subscribes.js", import.meta.url)), [address], { stdio: ["ignore", "ignore", "inherit", "ipc"] });
  t.teardown(() => killed.kill("SIGKILL"));
  void once(killed, "message").then(() => heard.add("killed"));
  // What it never reads after this first message is what it is stuck with.
  void stuck.receive().then(() => heard.add("stuck"));
  // Nothing tells that a subscription has arrived but an event that comes out at the other end.
  while (heard.size < 3) {
    nightshift.vehicleState({});
    await sleep(20);
  }
  isReady = true;
  while (got.length < 10) await sleep(5);
  killed.kill("SIGKILL");
  await nightshift.ended;
  await reading;
  t.deepEqual(got, Array.from({ length: 150 }, (_, at) => at));
  const [camera] = nightshift.status.cameras;
  t.deepEqual([camera?.answered, camera?.dropped, camera?.lost], [150, 0, 0]);
});
