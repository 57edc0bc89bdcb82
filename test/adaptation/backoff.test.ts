import test from "ava";
import { Backoff } from "../../sdk/adaptation/backoff.js";

test("each failure in a row is waited for twice as long, up to a bound; a success forgets them", (t) => {
  let nowMs = 0;
  const backoff = new Backoff(10, 35, () => nowMs);
  const waited = (): number => {
    const begun = nowMs;
    for (backoff.failed(); backoff.isWaiting; ) nowMs++;
    return nowMs - begun;
  };
  t.false(backoff.isWaiting);
  t.deepEqual([waited(), waited(), waited(), waited()], [10, 20, 35, 35]);
  t.is(backoff.failures, 4);
  backoff.failed();
  backoff.succeeded();
  t.false(backoff.isWaiting);
  t.is(waited(), 10);
});
