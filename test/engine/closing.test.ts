import test from "ava";
import type { Engine } from "../../sdk/engine/engine.js";
import { SwappableEngine } from "../../sdk/engine/hot-swap.js";
import type { LoadedModel, Model } from "../../sdk/engine/model.js";
import { NightshiftError } from "../../sdk/errors.js";

const model: Model = { kind: "bundle", directory: "/nowhere" };
const loaded: LoadedModel = { generation: 0, network: { width: 4, height: 2 }, vocabulary: ["road"] };

/** Loads at once, or builds until it is closed. */
class BuildingEngine implements Engine {
  loaded: LoadedModel | undefined;
  closed = 0;
  #giveUp: (error: NightshiftError) => void = () => undefined;

  constructor(private readonly builds: boolean) {}

  load(): Promise<LoadedModel> {
    return this.builds ? new Promise((_, reject) => (this.#giveUp = reject)) : Promise.resolve(loaded);
  }
  setVocabulary(): Promise<LoadedModel> {
    return Promise.resolve(loaded);
  }
  infer(): Promise<never> {
    return Promise.reject(new Error("no frame is shown"));
  }
  unload(): Promise<void> {
    return Promise.resolve();
  }
  close(): Promise<void> {
    this.closed++;
    this.#giveUp(new NightshiftError("E_CANCELLED", { expected: "an engine", received: "a request to cancel its build", remedy: "Build it again." }));
    return Promise.resolve();
  }
}

test("closing gives up what is being built, begins nothing that waits, and closes every engine", async (t) => {
  const made: BuildingEngine[] = [];
  const engine = new SwappableEngine(() => {
    const next = new BuildingEngine(made.length > 0);
    made.push(next);
    return next;
  });
  await engine.load(model);
  const changes = [engine.swap(model), engine.swap(model)].map((change) => t.throwsAsync(change, { instanceOf: NightshiftError }));
  await new Promise((done) => setImmediate(done));
  await engine.close();
  t.deepEqual((await Promise.all(changes)).map((error) => error?.code), ["E_CANCELLED", "E_CLOSED"]);
  t.is(made.length, 2, "the change that waited made none");
  t.true(made.every(({ closed }) => closed > 0));
});
