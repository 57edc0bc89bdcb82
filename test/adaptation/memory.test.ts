import test from "ava";
import { FrameMemory } from "../../sdk/adaptation/memory.js";
import { readMemory, writeMemory } from "../../sdk/adaptation/memory-file.js";
import { hellinger, maskShares, sceneDistance } from "../../sdk/adaptation/scene.js";
import { noName } from "../../sdk/network/contract.js";
import type { ConditionName } from "../../sdk/stream/events.js";
import { Random } from "../../sdk/random.js";

const size = { width: 16, height: 8 };
const bytes = size.width * size.height * 3;

function scene(seed: number, shares: readonly (readonly [string, number])[] = [["road", 0.6], ["sky", 0.4]]) {
  const random = new Random(seed);
  return { thumbnail: Uint8Array.from({ length: 432 }, () => random.below(256)), shares: new Map(shares) };
}

const candidate = (id: number, condition: ConditionName = "night", seen = scene(id)) => ({
  id: `front/${id}`,
  condition,
  captureTimeNs: BigInt(id),
  scene: seen,
  rgb: () => new Uint8Array(bytes).fill(id),
});

test("is bounded and counts what it does", (t) => {
  const memory = new FrameMemory({ ...size, capacity: 10 });
  for (let id = 0; id < 200; id++) memory.offer(candidate(id));
  const { offered, kept, replaced, redundant, held, heldBy } = memory.counters;
  t.is(held, 10);
  t.is(kept, 10);
  t.is(offered, 200);
  t.is(kept + replaced + redundant, offered);
  t.deepEqual(heldBy, { night: 10 });
});

test("a scene that is known already adds nothing, and its pixels are never asked for", (t) => {
  const memory = new FrameMemory({ ...size, capacity: 10 });
  t.is(memory.offer(candidate(1)), "kept");
  const again = { ...candidate(2, "night", scene(1)), rgb: () => t.fail("pixels asked for") };
  t.is(memory.offer(again), "redundant");
});

test("when it is full, the new takes the place of the most redundant", (t) => {
  const memory = new FrameMemory({ ...size, capacity: 4, leastNovelty: 0.001 });
  const alike = scene(2);
  alike.thumbnail[0] ^= 64;
  alike.thumbnail[1] ^= 64;
  for (const each of [candidate(1), candidate(2), candidate(3, "night", alike), candidate(4)]) memory.offer(each);
  t.is(memory.offer(candidate(5)), "replaced");
  t.deepEqual(memory.frames().map(({ id }) => id), ["front/1", "front/3", "front/4", "front/5"], "of the two alike the older went");
});

test("when it is full, what is less new than any of what is held adds nothing", (t) => {
  const memory = new FrameMemory({ ...size, capacity: 3, leastNovelty: 0.001 });
  for (const id of [1, 2, 3]) memory.offer(candidate(id));
  const alike = scene(2);
  for (let at = 0; at < 4; at++) alike.thumbnail[at] ^= 64;
  t.is(memory.offer({ ...candidate(4, "night", alike), rgb: () => t.fail("pixels asked for") }), "redundant");
  t.deepEqual(memory.frames().map(({ id }) => id), ["front/1", "front/2", "front/3"]);
});

test("frames are redundant among those of their condition", (t) => {
  const memory = new FrameMemory({ ...size, capacity: 4, leastNovelty: 0.001 });
  const alike = scene(3);
  for (let at = 0; at < 4; at++) alike.thumbnail[at] ^= 64;
  for (const each of [candidate(1), candidate(2, "fog", scene(1)), candidate(3), candidate(4, "night", alike)]) memory.offer(each);
  t.is(memory.offer(candidate(5)), "replaced");
  t.deepEqual(memory.frames().map(({ id }) => id), ["front/1", "front/2", "front/4", "front/5"]);
});

test("a frame whose likeness was forgotten is not redundant any more", (t) => {
  const memory = new FrameMemory({ ...size, capacity: 4, leastNovelty: 0.001, mostHours: 1 });
  const hour = 3_600_000_000_000n;
  const like = (seed: number, bits: number) => {
    const alike = scene(seed);
    for (let at = 0; at < bits; at++) alike.thumbnail[at] ^= 64;
    return alike;
  };
  const recent = (id: number, seen = scene(id)) => ({ ...candidate(id, "night", seen), captureTimeNs: 5n * hour });
  const offered = [recent(1), { ...recent(2, like(1, 2)), captureTimeNs: 0n }, recent(3), recent(4, like(3, 4))];
  for (const each of offered) memory.offer(each);
  memory.forgetOld(5n * hour);
  for (const id of [5, 6]) memory.offer(recent(id));
  t.deepEqual(memory.frames().map(({ id }) => id), ["front/1", "front/4", "front/5", "front/6"]);
});

test("what is too old is forgotten, and nothing where it may be of any age", (t) => {
  const memory = new FrameMemory({ ...size, mostHours: 1 });
  const hour = 3_600_000_000_000n;
  for (const id of [0, 1, 2]) memory.offer({ ...candidate(id), captureTimeNs: BigInt(id) * hour });
  memory.forgetOld(2n * hour);
  t.deepEqual(memory.frames().map(({ id }) => id), ["front/1", "front/2"]);
  memory.keepFor(Infinity);
  memory.forgetOld(1_000_000n * hour);
  t.is(memory.frames().length, 2);
});

test("a category of few pixels makes a scene new", (t) => {
  const plain = scene(1);
  const withRider = { ...plain, shares: new Map([["road", 0.59], ["sky", 0.4], ["rider", 0.01]]) };
  t.true(sceneDistance(plain, withRider) > 0.03);
});

test("a scene of which not all is named is no other than itself", (t) => {
  const mask = Uint8Array.from({ length: 70 }, (_, at) => (at < 35 ? 0 : noName));
  const shares = maskShares(mask, ["road", "sky"]);
  t.deepEqual(shares, new Map([["road", 0.5], ["", 0.5]]));
  t.is(hellinger(shares, shares), 0);
  t.deepEqual(maskShares(mask.map(() => noName), ["road", "sky"]), new Map([["", 1]]));
});

test("a rare condition wins room from a common one", (t) => {
  const memory = new FrameMemory({ ...size, capacity: 12 });
  for (let id = 0; id < 50; id++) memory.offer(candidate(id, "night"));
  for (let id = 50; id < 100; id++) memory.offer(candidate(id, "fog"));
  const { night = 0, fog = 0 } = memory.counters.heldBy;
  t.is(night + fog, 12);
  t.true(Math.abs(night - fog) <= 2, `${night} and ${fog}`);
  t.true(memory.frames("fog").every(({ condition }) => condition === "fog"));
});

test("forgets on request", (t) => {
  const memory = new FrameMemory({ ...size, capacity: 12 });
  for (let id = 0; id < 10; id++) memory.offer(candidate(id, id % 2 ? "fog" : "night"));
  const { revision } = memory;
  memory.clear("fog");
  t.true(memory.revision > revision);
  t.deepEqual(memory.counters.heldBy, { night: 5 });
  memory.clear();
  t.is(memory.counters.held, 0);
});

test("survives being written and read", (t) => {
  const memory = new FrameMemory({ ...size, capacity: 6 });
  for (let id = 0; id < 20; id++) memory.offer(candidate(id, id % 2 ? "fog" : "night"));
  const read = readMemory(writeMemory(memory), { capacity: 6 });
  t.deepEqual(read.frames(), memory.frames());
  t.is(readMemory(writeMemory(memory), { capacity: 3 }).counters.held, 3, "a smaller memory keeps the newest");
});

test("refuses what is damaged or of another size", (t) => {
  const memory = new FrameMemory({ ...size, capacity: 6 });
  memory.offer(candidate(1));
  const file = writeMemory(memory);
  t.throws(() => readMemory(file.subarray(0, file.length - 9)), { code: "E_BUNDLE_FORMAT" });
  t.throws(() => memory.offer({ ...candidate(9), rgb: () => new Uint8Array(5) }), { code: "E_FRAME_SIZE" });
  t.throws(() => new FrameMemory({ capacity: 0 }), { code: "E_CONFIG" });
});

test("how long frames are kept changes under way", (t) => {
  const memory = new FrameMemory({ ...size, capacity: 10 });
  const hour = 3_600_000_000_000n;
  for (const hours of [0, 2, 4]) memory.offer({ ...candidate(hours), captureTimeNs: BigInt(hours) * hour });
  memory.forgetOld(4n * hour);
  t.is(memory.counters.held, 3);
  memory.keepFor(2);
  memory.forgetOld(4n * hour);
  t.deepEqual(memory.frames().map(({ id }) => id), ["front/2", "front/4"]);
});
