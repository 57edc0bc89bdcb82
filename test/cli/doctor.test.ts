import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import test from "ava";
import { asked } from "../../sdk/cli/doctor/accelerator.js";
import { budget } from "../../sdk/cli/doctor/budget.js";
import type { Finding } from "../../sdk/cli/doctor/finding.js";
import { int8With } from "../../sdk/cli/doctor/machine.js";
import { NightshiftError } from "../../sdk/errors.js";
import { delegated, powerMonitor, PretendedMachine, thermalZone } from "../adaptation/trainer/pretended-machine.js";
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
  for (const what of ["memory", "cgroup to learn in", "idle I/O priority", "temperature", "power", "ffmpeg", "GStreamer", "page", "browser", "native part", "TensorRT", "CUDA driver"]) t.truthy(of(what), what);
  const how = of("native part")?.state === "ok" ? /^asked: / : /^by file, as there is no native part to ask: /;
  for (const what of ["TensorRT", "CUDA driver"]) t.regex(of(what)?.found ?? "", how, "it says which of both it did");
  t.regex(of("ONNX Runtime")?.found ?? "", /^\d+\.\d+\.\d+, providers .*cpu/);
  for (const { state, found, remedy, without, what } of findings) {
    t.not(found, "", what);
    t.is(state === "ok", remedy === undefined, what);
    t.is(state === "not needed", without !== undefined, what);
  }
});

test.serial("what is no folder in LD_LIBRARY_PATH is passed over", async (t) => {
  const file = join(await temporaryFolder(t), "file");
  await writeFile(file, "no folder");
  const before = process.env["LD_LIBRARY_PATH"];
  t.teardown(() => (before === undefined ? delete process.env["LD_LIBRARY_PATH"] : (process.env["LD_LIBRARY_PATH"] = before)));
  process.env["LD_LIBRARY_PATH"] = file;
  t.truthy((await examined("--state", await temporaryFolder(t))).of("TensorRT"));
});

test("it tells what holds a trainer to its budget here", async (t) => {
  const sys = { ...thermalZone(0, "tj-thermal", 61.5), ...powerMonitor(1, [["VDD_IN", 5000, 1500]]) };
  const there = await budget((await PretendedMachine.make(t, { ...delegated, sys })).roots)();
  const of = (findings: readonly Finding[], what: string): Finding | undefined => findings.find((finding) => finding.what === what);
  t.like(of(there, "temperature"), { state: "ok", found: "61.5 °C, the hottest of 1 thermal zones" });
  t.like(of(there, "power"), { state: "ok", found: "7.5 W, VDD_IN" });
  t.regex(of(there, "cgroup to learn in")?.found ?? "", /nightshift\.service may be divided: memory, cpu, io$/);
  const none = await budget((await PretendedMachine.make(t)).roots)();
  for (const what of ["cgroup to learn in", "temperature", "power"]) t.is(of(none, what)?.state, "not needed", what);
  t.regex(of(none, "cgroup to learn in")?.remedy ?? "", /Delegate=/);
});

test("with the native part, TensorRT and CUDA are asked themselves", (t) => {
  const device = { name: "Orin", computeCapability: "8.7", multiprocessors: 8, memoryBytes: 8e9, cuda: "12.6" };
  const missing = new NightshiftError("E_GPU", { expected: "a CUDA device", received: "no driver", remedy: "Install it." });
  const library = { version: "10.3.0", headers: "10.3.0", path: "/usr/lib/libnvinfer.so.10" };
  const all = asked({ module: { present: "/native" }, tensorRt: { present: library }, devices: { present: [device] } });
  t.like(all?.tensorRt[0], { state: "ok", found: "asked: 10.3.0 with its ONNX parser, /usr/lib/libnvinfer.so.10" });
  t.like(all?.cuda[0], { state: "ok", found: "asked: CUDA 12.6; Orin, compute capability 8.7, 8 multiprocessors" });
  t.like(asked({ module: { present: "/native" }, tensorRt: { missing }, devices: { missing } })?.cuda[0], { state: "not needed", found: "asked: no driver", remedy: "Install it." });
  t.is(asked({ module: { missing }, tensorRt: { missing }, devices: { missing } }), undefined);
});

test("without VNNI int8 is exact on x86, and slower; elsewhere it may answer otherwise", (t) => {
  for (const set of ["VNNI", "AMX int8", "dot product"]) t.like(int8With(["AVX2", set], "x64"), { state: "ok", found: "its sums are exact" });
  const x86 = int8With(["AVX2", "AVX-512"], "x64");
  t.like(x86, { state: "not needed", without: "int8 as fast as elsewhere" });
  t.regex(x86.found, /^its sums are exact; /);
  t.notRegex(x86.remedy ?? "", /E_GOLDEN/);
  t.like(int8With([], "arm64"), { state: "not needed", without: "int8 as fast and exact as elsewhere" });
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
