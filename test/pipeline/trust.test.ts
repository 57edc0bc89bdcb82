import { existsSync } from "node:fs";
import { cp, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import test, { type ExecutionContext } from "ava";
import { driveDataset } from "../../adapters/datasets/drive.js";
import { readMemory } from "../../sdk/adaptation/memory-file.js";
import { createSigningKeys, GenerationStore, readSigningKey, readTrust, signBundle } from "../../sdk/bundle/index.js";
import { ThreadEngine } from "../../sdk/engine/index.js";
import { adaptOffline } from "../../sdk/pipeline/adapt-offline.js";
import { evaluateLearnt } from "../../sdk/pipeline/evaluate-learnt.js";
import { Nightshift } from "../../sdk/nightshift.js";
import type { NightshiftOptions } from "../../sdk/pipeline/options.js";
import { writeSecret } from "../../sdk/secret-file.js";
import { ControlClient } from "../../sdk/stream/control-client.js";
import type { StreamEvent } from "../../sdk/stream/events.js";
import { train } from "../../sdk/training/train.js";
import { temporaryFolder } from "../bundle/contents.js";
import { tinyBundle } from "../support/tiny-bundle.js";

const bundle = await tinyBundle();
test.after.always(() => bundle.remove());

/** A bundle that a maker signed, the maker's public key in a file, and a state folder in which generation 1 is current. */
async function place(t: ExecutionContext) {
  const folder = await temporaryFolder(t);
  const [directory, state, key] = [join(folder, "bundle"), join(folder, "state"), join(folder, "maker")];
  const { secret, public: open } = createSigningKeys();
  await writeSecret(key, secret);
  await writeFile(`${key}.pub`, open);
  await cp(bundle.directory, directory, { recursive: true });
  await signBundle(directory, await readSigningKey(key));
  const store = await GenerationStore.open(state);
  await cp(bundle.directory, store.pathOf(1), { recursive: true });
  const manifest = join(store.pathOf(1), "manifest.json");
  await writeFile(manifest, (await readFile(manifest, "utf8")).replace('"generation": 0', '"generation": 1').replace('"parent": null', '"parent": 0'));
  await store.setCurrent(1);
  const options: NightshiftOptions = { source: "drive", frames: 2, fps: 0, bundle: directory, state, trust: [`${key}.pub`], adaptation: false, publish: false, control: false, onError: (error) => t.fail(String(error)) };
  return { store, options, trust: await readTrust([`${key}.pub`]), directory };
}

test("a vehicle that trusts a maker serves the maker's bundle, and of what was learnt only what it signed itself", async (t) => {
  const { store, options } = await place(t);
  /** The generation that serves, and what was told. */
  const served = async (): Promise<[number, unknown[]]> => {
    const told: unknown[] = [];
    const nightshift = await Nightshift.start({ ...options, onError: (error) => told.push(error) });
    const { generation } = nightshift.status;
    await nightshift.stop();
    return [generation, told];
  };
  const [unsigned, told] = await served();
  t.is(unsigned, 0, "the stream goes on with what was delivered");
  t.like(told, [{ code: "E_UNTRUSTED" }]);
  t.regex(String(told[0]), /no signature/);
  await store.sign(1);
  t.deepEqual(await served(), [1, []]);
  await t.throwsAsync(Nightshift.start({ ...options, bundle: bundle.directory }), { code: "E_UNTRUSTED" }, "the vehicle's key does not stand for the maker's, nor an unsigned bundle for a signed one");
  await signBundle(store.pathOf(1), await readSigningKey(await anotherKey(t)));
  const [another, toldOfIt] = await served();
  t.is(another, 0);
  t.regex(String(toldOfIt[0]), /E_UNTRUSTED.*one by/);
});

test("adapt, evaluate and train read only what a trusted maker signed; of what was learnt, only what the vehicle signed too", async (t) => {
  const { store, directory, options: { state = "", trust = [] } } = await place(t);
  const frames = driveDataset({ seed: 1, length: 1, condition: "day", width: 160, height: 96 });
  const score = async (bundleDirectory: string, of?: string) => (await evaluateLearnt({ bundle: bundleDirectory, condition: "latest", threads: 1, trust, ...(of !== undefined && { state: of }) }, frames)).generations;
  t.deepEqual(await score(directory), { 0: 1 });
  await t.throwsAsync(score(bundle.directory), { code: "E_UNTRUSTED" });
  await t.throwsAsync(score(directory, state), { code: "E_UNTRUSTED" });
  await store.sign(1);
  t.deepEqual(await score(directory, state), { 1: 1 });

  const out = join(await temporaryFolder(t), "out");
  const adapting = { frames: "/nowhere", out, seed: 1, threads: 1, trust, onProgress: () => undefined };
  await t.throwsAsync(adaptOffline({ ...adapting, bundle: bundle.directory }), { code: "E_UNTRUSTED" });
  await t.throwsAsync(adaptOffline({ ...adapting, bundle: directory }), { code: "E_CAMERA" }, "it has passed the bundle");

  const recipe = `${out}.yaml`;
  await writeFile(recipe, `name: far\ntask: depth\nstart: ${bundle.directory}\nseed: 1\nsteps: 1\nbatch: 1\nrate: 2e-3\nsources: [{ drive: { condition: day, seed: 5, length: 4 }, share: 1, terms: free }]\n`);
  const teaching = { out, checkpoint: `${out}.checkpoints`, recipe, resume: false, openModule: new URL("../../adapters/datasets/open.js", import.meta.url), trust };
  await t.throwsAsync(train(teaching), { code: "E_UNTRUSTED" });
  await t.throwsAsync(train({ ...teaching, recipe: "default" }), { code: "E_CONFIG", message: /--trust/ });
});

test("the engine's thread verifies what it reads, not what another thread has read", async (t) => {
  const { directory, trust } = await place(t);
  const engine = new ThreadEngine();
  t.teardown(() => engine.close());
  await t.throwsAsync(engine.load({ kind: "bundle", directory: bundle.directory, trust }), { code: "E_UNTRUSTED" });
  t.is((await engine.load({ kind: "bundle", directory, trust })).generation, 0);
});

test("frames are erased on request while the stream goes on", async (t) => {
  const events: StreamEvent[] = [];
  const state = join(await temporaryFolder(t), "state");
  const nightshift = await Nightshift.start({
    source: "drive", bundle: bundle.directory, state, publish: false, control: "tcp://127.0.0.1:*", fps: 0, adaptation: { conditions: [], offerEvery: 1 }, onEvent: (event) => events.push(event), onError: (error) => t.fail(String(error)),
  });
  t.teardown(() => nightshift.stop());
  while (nightshift.status.framesRemembered === 0) await sleep(20);
  await writeFile(join(state, "memory.safetensors"), "frames of an earlier minute");
  nightshift.vehicleState({ parked: true });
  const client = new ControlClient(nightshift.addresses.control ?? "");
  t.teardown(() => client.close());
  await client.eraseFrames();
  t.false(existsSync(join(state, "memory.safetensors")));
  t.is(nightshift.status.framesRemembered, 0);
  t.true(events.some(({ kind }) => kind === "frames_erased"));
  await nightshift.stop();
  const memory = join(state, "memory.safetensors");
  t.is(existsSync(memory) ? readMemory(await readFile(memory)).counters.held : 0, 0, "nor does the end write them again");
});

async function anotherKey(t: ExecutionContext): Promise<string> {
  const path = join(await temporaryFolder(t), "other");
  await writeSecret(path, createSigningKeys().secret);
  return path;
}
