import test from "ava";
import { FanOut } from "../../sdk/pipeline/fan-out.js";

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const read: T[] = [];
  for await (const item of items) read.push(item);
  return read;
}

/** A reader who has asked for its iterator, and reads on from there. */
function reading<T>(fan: FanOut<T>): AsyncIterable<T> {
  const iterator = fan.reader()[Symbol.asyncIterator]();
  return { [Symbol.asyncIterator]: () => iterator };
}

test("queued, a reader gets everything up to the end, whatever others do", async (t) => {
  const fan = new FanOut<number>("queued");
  const [slow, stuck] = [reading(fan), reading(fan)];
  const prompt = all(fan.reader());
  for (let item = 0; item < 5; item++) await fan.give(item);
  fan.end();
  t.deepEqual([await prompt, await all(slow), await all(fan.reader())], [[0, 1, 2, 3, 4], [0, 1, 2, 3, 4], []]);
  const endless = new FanOut<number>("queued");
  const behind = reading(endless);
  for (let item = 0; item < 1005; item++) await endless.give(item);
  endless.end();
  t.is((await all(behind))[0], 5, "of a queue that grows and grows, the oldest go");
  t.is((await all(stuck)).length, 5);
});

test("every item waits for the slowest reader; the newest of each lane for nobody", async (t) => {
  const every = new FanOut<number>("every");
  const read = all(every.reader());
  for (let item = 0; item < 5; item++) await every.give(item);
  every.end();
  t.deepEqual(await read, [0, 1, 2, 3, 4]);
  const newest = new FanOut<string>("newest");
  const slow = reading(newest);
  for (const item of ["front 1", "rear 1", "front 2"]) await newest.give(item, item.split(" ")[0]);
  newest.end();
  t.deepEqual(await all(slow), ["front 2", "rear 1"]);
});

test("a lane may have a policy of its own: the giver of the one waits, that of the other does not", async (t) => {
  const fan = new FanOut<string>("newest");
  const slow = reading(fan);
  await fan.give("rear 1", "rear", "every");
  let hasRoom = false;
  const waiting = fan.give("rear 2", "rear", "every").then(() => (hasRoom = true));
  for (const item of ["front 1", "front 2"]) await fan.give(item, "front");
  t.false(hasRoom);
  const read = all(slow);
  await waiting;
  fan.end();
  t.deepEqual(await read, ["rear 1", "front 2", "rear 2"]);
});

test("a reader that leaves, before its first item too, and the end let the giver go on", async (t) => {
  const fan = new FanOut<number>("every");
  await fan.reader()[Symbol.asyncIterator]().return?.();
  for (const item of [-2, -1]) await fan.give(item);
  const [leaving, stuck] = [fan.reader()[Symbol.asyncIterator](), reading(fan)];
  await fan.give(0);
  t.deepEqual(await leaving.next(), { done: false, value: 0 });
  await leaving.return?.();
  t.deepEqual(await leaving.next(), { done: true, value: undefined });
  const given = fan.give(1);
  fan.end();
  await given;
  t.deepEqual(await all(stuck), [0]);
});
