import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import test, { type ExecutionContext } from "ava";
import { CgroupTree, delegation } from "../../../sdk/adaptation/trainer/cgroup.js";
import { delegated, type Files, PretendedMachine } from "./pretended-machine.js";

const own = "system.slice/nightshift.service";

async function asked(t: ExecutionContext, cgroups: Files = {}, proc: Files = {}) {
  const { roots } = await PretendedMachine.make(t, { proc: { ...delegated.proc, ...proc }, cgroups: { ...delegated.cgroups, ...cgroups } });
  return { answer: await delegation(roots), directory: join(roots.cgroups, own), roots };
}

async function refused(t: ExecutionContext, cgroups: Files, proc: Files = {}): Promise<string> {
  const { answer } = await asked(t, cgroups, proc);
  return "missing" in answer ? answer.missing : "not refused";
}

test("a group that was delegated may be divided, and asking changes nothing", async (t) => {
  const { answer, directory } = await asked(t, { [`${own}/cgroup.procs`]: `${process.pid}\n77\n78` }, { "77/stat": `77 (a) b (c) S ${process.pid} 1 1`, "78/stat": "78 (systemd-notify) S 77 1 1" });
  t.deepEqual(answer, { directory, controllers: ["memory", "cpu", "io"] });
  t.deepEqual((await readdir(directory)).sort(), ["cgroup.controllers", "cgroup.procs", "cgroup.subtree_control", "nightshift-stream"]);
});

test("what is in the way is told: no cgroup v2, rights, a controller, processes of others", async (t) => {
  t.regex(await refused(t, {}, { "self/cgroup": "4:memory:/a\n0::/" }), /\/cgroup\.procs is not writable: nobody delegated/);
  t.regex(await refused(t, {}, { "self/cgroup": "4:memory:/a" }), /^no cgroup v2 at /);
  t.regex(await refused(t, { [`${own}/cgroup.controllers`]: "cpu pids" }), /^memory is not shared out to /);
  t.regex(await refused(t, { [`${own}/cgroup.procs`]: `${process.pid}\n99` }, { "99/stat": "99 (bash) S 1 99 99" }), /^process 99, which is not ours, is in /);
  t.regex(await refused(t, { [`${own}/cgroup.procs`]: "0" }), /^process 0, which is not ours/);
  const { roots } = await PretendedMachine.make(t, { proc: delegated.proc });
  t.regex(((await delegation(roots)) as { missing: string }).missing, /^no cgroup v2 at /, "version 1, or none");
});

test("divided, this process and its children are in a leaf, and a training in another with its limits", async (t) => {
  const { answer, directory } = await asked(t, { [`${own}/cgroup.procs`]: `${process.pid}\n77` }, { "77/stat": `77 (ffmpeg) S ${process.pid} 1 1` });
  if ("missing" in answer) return t.fail(answer.missing);
  const tree = await CgroupTree.divide(answer);
  if ("missing" in tree) return t.fail(tree.missing);
  t.deepEqual([tree.holds, tree.lacks], [["memory.max", "cpu.weight", "io.weight"], ["memory.swap.max"]]);
  const text = async (file: string): Promise<string> => (await readFile(join(directory, file), "utf8")).trim();
  // Written one after the other: plain files keep the last.
  t.deepEqual([await text("nightshift-stream/cgroup.procs"), await text("cgroup.subtree_control")], ["77", "+io"]);
  const leaf = await tree.confine(1234, 700);
  t.deepEqual(await Promise.all(["memory.max", "cpu.weight", "io.weight", "cgroup.procs"].map((file) => text(`trainer-1234/${file}`))), [String(700 * 2 ** 20), "1", "1", "1234"]);
  t.false(await leaf.ranOut());
});

test("whoever is in such a leaf already divides the group above it", async (t) => {
  const { answer, directory } = await asked(t, { [`${own}/cgroup.procs`]: "" }, { "self/cgroup": `0::/${own}/nightshift-stream` });
  t.deepEqual(answer, { directory, controllers: ["memory", "cpu", "io"] });
});

test("a kernel without limits of memory in it, and an end for want of memory", async (t) => {
  const { roots } = await PretendedMachine.make(t, { proc: delegated.proc, cgroups: { ...delegated.cgroups, "g/cgroup.procs": "", "g/cgroup.subtree_control": "" } });
  const bare = await CgroupTree.divide({ directory: join(roots.cgroups, "g"), controllers: ["memory"] });
  t.regex("missing" in bare ? bare.missing : "", /has no memory\.max/);
  const machine = await PretendedMachine.make(t, { ...delegated, cgroups: { ...delegated.cgroups, [`${own}/trainer-5/memory.events`]: "low 0\nmax 12\noom 1\noom_kill 1" } });
  const given = await delegation(machine.roots);
  const tree = "missing" in given ? given : await CgroupTree.divide(given);
  if ("missing" in tree) return t.fail(tree.missing);
  t.true(await (await tree.confine(5, 700)).ranOut());
  t.false(await (await tree.confine(6, 700)).ranOut());
});
