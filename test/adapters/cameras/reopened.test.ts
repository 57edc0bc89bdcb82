import test from "ava";
import { reopened, type ReopenedOptions } from "../../../adapters/cameras/reopened.js";
import { NightshiftError } from "../../../sdk/errors.js";
import { type Frame, nowNs } from "../../../sdk/frame.js";
import type { Camera } from "../../../sdk/stream/camera.js";

const failure = (code: "E_CAMERA" | "E_MISSING_TOOL" | "E_CONFIG"): NightshiftError => new NightshiftError(code, { expected: "frames", received: "none", remedy: "Plug it in." });
const picture: Omit<Frame, "sequence" | "captureTimeNs"> = { camera: "front", width: 1, height: 1, rgb: new Uint8Array(3) };

/** What each attempt brings: so many frames and then a failure, or an end; or a failure at once. */
type Attempt = readonly [frames: number, end?: NightshiftError] | NightshiftError;

async function run(attempts: readonly Attempt[], options: Partial<ReopenedOptions> = {}, stopAfter = Infinity) {
  const told: string[] = [];
  let opened = 0;
  const open = (): Camera => {
    const attempt = attempts[opened++];
    if (!attempt || attempt instanceof NightshiftError) throw attempt ?? new Error("opened too often");
    const [frames, end] = attempt;
    return {
      name: "front",
      live: true,
      async *frames() {
        for (let sequence = 0; sequence < frames; sequence++) yield await Promise.resolve({ ...picture, sequence, captureTimeNs: nowNs() });
        if (end) throw end;
      },
    };
  };
  const abort = new AbortController();
  const onLost = ({ code }: NightshiftError): void => {
    told.push(code);
    if (opened >= stopAfter) abort.abort();
  };
  const camera = reopened("front", open, { onLost, onBack: () => told.push("back"), firstMs: 1, mostMs: 2, ...options });
  const sequences: number[] = [];
  const error = await (async () => {
    for await (const { sequence } of camera.frames(abort.signal)) sequences.push(sequence);
  })().then(() => undefined, (reason: unknown) => reason);
  return { told, sequences, error, opened };
}

const lost = failure("E_CAMERA");

test("a camera that is lost is opened until it is back; each loss and each return is told once, and frames are counted on", async (t) => {
  const { told, sequences, error } = await run([[3, lost], lost, [0, lost], failure("E_MISSING_TOOL"), [2, lost], [1]]);
  t.deepEqual(told, ["E_CAMERA", "back", "E_CAMERA", "back"]);
  t.deepEqual(sequences, [0, 1, 2, 3, 4, 5]);
  t.is(error, undefined);
});

test("one that cannot be opened at first is an error, or waited for where that is asked", async (t) => {
  t.is((await run([[0, lost]])).error, lost);
  t.is((await run([lost])).error, lost);
  const waited = await run([lost, [0, lost], [2]], { waits: true });
  t.deepEqual([waited.told, waited.sequences, waited.error], [["E_CAMERA", "back"], [0, 1], undefined]);
});

test("what no attempt can mend ends it", async (t) => {
  const wrong = failure("E_CONFIG");
  t.is((await run([[3, lost], wrong])).error, wrong);
  const bug = new TypeError("a mistake");
  t.is((await run([[3, lost]], { onBack: () => undefined })).error instanceof Error, true);
  t.is((await run([[1, bug as unknown as NightshiftError]])).error, bug);
});

test("whoever stops does not wait for the next attempt", async (t) => {
  const { opened, error, told } = await run([[1, lost]], { firstMs: 3_600_000 }, 1);
  t.deepEqual([opened, error, told], [1, undefined, ["E_CAMERA"]]);
});
