import { setTimeout as sleep } from "node:timers/promises";
import test from "ava";
import { Budget } from "../../../sdk/adaptation/trainer/budget.js";
import { inWords, RestRule } from "../../../sdk/adaptation/trainer/rest.js";

test("it rests above a limit, and goes on only well below it", (t) => {
  const rule = new RestRule({ mostCelsius: 80 }, 0);
  const looks = [[79.9, undefined], [80, undefined], [80.1, "temperature"], [78, "temperature"], [75.1, "temperature"], [75, undefined], [79, undefined], [81, "temperature"]] as const;
  looks.forEach(([celsius, expected], at) => t.is(rule.look({ celsius, watts: 1000 }, at), expected, `${celsius}`));
});

test("power that falls the moment that it rests does not make it flutter", (t) => {
  const rule = new RestRule({ mostWatts: 10 }, 10_000);
  t.is(rule.look({ watts: 12 }, 0), "power");
  t.is(rule.look({ watts: 6 }, 500), "power");
  t.is(rule.look({ watts: 6 }, 9_500), "power");
  t.is(rule.look({ watts: 9.5 }, 10_000), "power", "not a tenth below");
  t.is(rule.look({ watts: 9 }, 10_500), undefined);
  t.is(rule.look({ watts: 12 }, 11_000), "power");
  t.is(rule.look({ watts: 6 }, 20_500), "power", "each rest takes its time");
  t.is(rule.look({ watts: 6 }, 21_000), undefined);
});

test("a limited sensor that says nothing is taken to be above; what has no limit is not looked at", (t) => {
  t.is(new RestRule({ mostCelsius: 80 }, 0).look({}, 0), "temperature");
  t.is(new RestRule({ mostWatts: 10 }, 0).look({ celsius: 120 }, 0), "power");
  t.is(new RestRule({}, 0).look({ celsius: 120, watts: 900 }, 0), undefined);
  t.is(new RestRule({}, 0).look({}, 0), undefined);
  t.is(new RestRule({ mostCelsius: 80, mostWatts: 10 }, 0).look({ celsius: 70, watts: 11 }, 0), "power");
});

test("it is told in words", (t) => {
  const limits = { mostCelsius: 80, mostWatts: 10 };
  t.is(inWords({ because: "temperature", celsius: 82.25 }, limits), "Learning rests, as the temperature is 82.3 and is limited to 80 °C.");
  t.is(inWords({ because: "power" }, limits), "Learning rests, as the power cannot be read and is limited to 10 W.");
  t.is(inWords(undefined, limits), "Learning goes on.");
});

test("a budget rests after each piece of work for as long as its share asks", async (t) => {
  const budget = new Budget(0.25);
  const start = performance.now();
  const workedMs = await budget.work(async () => {
    const began = performance.now();
    await sleep(40);
    return performance.now() - began;
  });
  // Timers may be a millisecond early.
  t.true(performance.now() - start >= 3.9 * workedMs, `${performance.now() - start} ms for ${workedMs} ms of work`);
});

test("a budget that is held begins no piece of work", async (t) => {
  const budget = new Budget(0.5);
  const done: string[] = [];
  budget.hold();
  const first = budget.work(async () => void done.push("first"));
  await sleep(20);
  t.deepEqual(done, []);
  budget.goOn();
  await first;
  t.deepEqual(done, ["first"]);
  budget.hold();
  budget.goOn();
  budget.hold();
  const second = budget.work(async () => void done.push("second"));
  budget.goOn();
  await second;
  t.is(done.length, 2);
});
