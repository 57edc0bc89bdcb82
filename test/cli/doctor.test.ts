import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import test from "ava";
import type { Finding } from "../../sdk/cli/doctor/finding.js";
import { temporaryFolder } from "../bundle/contents.js";
import { json, nightshift } from "../support/command.js";

const examined = async (...argv: string[]): Promise<{ code: number; ready: boolean; findings: readonly Finding[]; of: (what: string) => Finding | undefined }> => {
  const { code, out } = await nightshift("doctor", ...argv, "--json");
  const { ready, findings } = json(out) as { ready: boolean; findings: readonly Finding[] };
  return { code, ready, findings, of: (what) => findings.find((finding) => finding.what === what) };
};

test("doctor tells what is there, and what to do about what is not", async (t) => {
  const { code, ready, findings, of } = await examined("--state", await temporaryFolder(t));
  t.is(code, ready ? 0 : 1);
  for (const what of ["Node", "ONNX Runtime", "ZeroMQ", "processor", "state folder", "default bundle"]) t.is(of(what)?.state, "ok", what);
  for (const what of ["memory", "ffmpeg", "GStreamer", "page", "browser", "native part", "TensorRT", "TensorRT's ONNX parser", "CUDA driver"]) t.truthy(of(what), what);
  t.regex(of("ONNX Runtime")?.found ?? "", /^\d+\.\d+\.\d+, providers .*cpu/);
  for (const { state, found, remedy, without, what } of findings) {
    t.not(found, "", what);
    t.is(state === "ok", remedy === undefined, what);
    t.is(state === "not needed", without !== undefined, what);
  }
});

test("something missing that is needed is code 1, and nothing but the report is said", async (t) => {
  const file = join(await temporaryFolder(t), "file");
  await writeFile(file, "no folder");
  const { code, ready, of } = await examined("--state", join(file, "state"));
  t.is(code, 1);
  t.false(ready);
  t.like(of("state folder"), { state: "missing" });
  const { out, err } = await nightshift("doctor", "--state", join(file, "state"));
  t.is(err, "");
  t.regex(out, /^missing +state folder: /m);
  t.regex(out, /^Not ready/m);
});
