import test from "ava";
import type { Engine } from "../../sdk/engine/engine.js";
import { SwappableEngine } from "../../sdk/engine/hot-swap.js";
import type { Model } from "../../sdk/engine/model.js";
import { ThreadEngine } from "../../sdk/engine/thread-engine.js";
import { NightshiftError } from "../../sdk/errors.js";
import { AnswerStream } from "../../sdk/pipeline/answer-stream.js";
import { picture } from "../adaptation/pictures.js";
import { tinyBundle } from "../support/tiny-bundle.js";

const bundle = await tinyBundle();
test.after.always(() => bundle.remove());

const lost = (): NightshiftError => new NightshiftError("E_ENGINE", { expected: "an answer", received: "a device that is lost", remedy: "Reset it." });

/** Engines whose provider is lost at a frame; where it is back for others, those work. */
function engines(lostAt: number, isBack: boolean): SwappableEngine {
  let isLost = false;
  return new SwappableEngine(() => {
    const real = new ThreadEngine({ threads: 1 });
    const isLate = isLost;
    const engine: Engine = {
      get loaded() {
        return real.loaded;
      },
      load: (model: Model, frames) => (isLate && !isBack ? Promise.reject(lost()) : real.load(model, frames)),
      setVocabulary: (vocabulary) => real.setVocabulary(vocabulary),
      infer: (frame) => {
        isLost ||= frame.sequence >= lostAt;
        return isLost && !isLate ? Promise.reject(lost()) : real.infer(frame);
      },
      unload: () => real.unload(),
      close: () => real.close(),
    };
    return engine;
  });
}

async function streamed(engine: SwappableEngine) {
  await engine.load({ kind: "bundle", directory: bundle.directory });
  const answered: number[] = [];
  const camera = { name: "front", live: false, frames: async function* () { for (let at = 0; at < 30; at++) yield picture("day", at, 160, 96); } };
  const stream = new AnswerStream({ camera, engine, renew: () => engine.renew(), take: async ({ sequence }) => void answered.push(sequence), onError: () => undefined });
  const ended = await stream.run().then(() => undefined, (error: unknown) => error);
  await engine.close();
  return { answered, ended, counters: stream.counters };
}

test.serial("a provider that is lost: a new engine serves the same weights after five frames, which are counted as lost", async (t) => {
  const { answered, ended, counters } = await streamed(engines(10, true));
  t.is(ended, undefined);
  t.true(counters.lost >= 5 && counters.lost <= 7, `${counters.lost}`);
  t.is(counters.answered + counters.lost, 30);
  t.is(answered.at(-1), 29);
});

test.serial("a provider that stays lost: the stream ends with its error, for a supervisor to start it again", async (t) => {
  const { answered, ended } = await streamed(engines(10, false));
  t.deepEqual(answered, Array.from({ length: 10 }, (_, at) => at));
  t.true(ended instanceof NightshiftError && ended.code === "E_ENGINE");
});
