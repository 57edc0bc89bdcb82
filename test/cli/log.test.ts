import test from "ava";
import { main } from "../../sdk/cli/main.js";
import { json, nightshift } from "../support/command.js";
import { tinyBundle } from "../support/tiny-bundle.js";

interface Line {
  readonly level: string;
  readonly time: string;
  readonly event: string;
  readonly msg: string;
  readonly details?: Readonly<Record<string, unknown>>;
  readonly code?: string;
}

const bundle = await tinyBundle();
test.after.always(() => bundle.remove());

const run = ["run", "--bundle", bundle.directory, "--headless", "--port", "0", "--no-adaptation", "--log", "json", "--json"];
const lines = (text: string): Line[] => text.trimEnd().split("\n").map((line) => JSON.parse(line) as Line);

test("with --log json each line on stderr is JSON: where the stream is found, and its events by their names", async (t) => {
  const { code, err } = await nightshift(...run, "--frames", "30", "--fps", "0");
  t.is(code, 0);
  const told = lines(err);
  for (const { level, time, msg } of told) t.true(["info", "warn", "error"].includes(level) && !Number.isNaN(Date.parse(time)) && msg.length > 0);
  t.like(told.find(({ event }) => event === "started"), { details: { viewer: undefined } });
  t.like(told.find(({ event }) => event === "stream_ended"), { level: "info", details: { framesIn: 30, lost: 0 } });
});

for (const [what, option, wanted] of [["a stream", "--source", "E_CAMERA"], ["a start without a configuration", "--config", "E_CONFIG"]] as const)
  test(`what ends ${what} is its log's last line, with the error's code`, async (t) => {
    let [out, err] = ["", ""];
    const code = await main([...run, option, "/nowhere"], { out: (text) => (out += text), err: (text) => (err += text), isTerminal: false });
    t.is(code, 1);
    t.like(lines(err).at(-1), { level: "fatal", event: "fatal", code: wanted });
    t.like(json(out), { error: { code: wanted } });
  });
