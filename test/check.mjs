/** Everything that must hold before a change goes in, one line a step; what a step said is shown where it fails. */
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const modules = join(root, "node_modules");
const folders = ["sdk", "adapters", "calibration", "samples", "test"].filter((folder) => existsSync(join(root, folder)));

const steps = [
  ["types", join(modules, "typescript", "bin", "tsc"), "-p", "tsconfig.json", "--noEmit"],
  ["types of the page", join(modules, "typescript", "bin", "tsc"), "-p", "sdk/viewer/page/tsconfig.json", "--noEmit"],
  ["lint", join(modules, "eslint", "bin", "eslint.js"), "--config", ".config/eslint.config.mjs", "--max-warnings=0", "--no-error-on-unmatched-pattern", ...folders.map((folder) => `${folder}/**/*.ts`)],
  ["imports", join(modules, "dependency-cruiser", "bin", "dependency-cruise.mjs"), "--config", ".config/dependencies.cjs", ...folders],
  ["tests", join(root, "test", "run.mjs")],
];

const manifest = ["--manifest-path", join(root, "native", "Cargo.toml"), "--locked"];
const nativeSteps = [
  ["native module and its typings", process.execPath, join(root, "native", "build.mjs"), "--check"],
  ["native lint", "cargo", "clippy", "--quiet", "--all-targets", ...manifest, "--", "-D", "warnings"],
  ["native tests", "cargo", "test", "--quiet", ...manifest],
];

const deny = (...options) => spawnSync("cargo", ["deny", ...manifest, ...options], { cwd: root, encoding: "utf8" });

/** What the native module is built from: licences, sources and doubles by `native/deny.toml`, and known weaknesses where their database can be fetched. */
function dependenciesOfNative() {
  const name = "native dependencies";
  if (deny("--version").status !== 0) return [{ name, word: "skip  ", note: "there is no cargo-deny" }];
  const check = (what, ...options) => {
    const { status, stderr } = deny("check", ...options);
    return status === 0 ? { name, word: "ok    ", note: what } : { name, word: "FAILED", note: `${what}\n${stderr.trimEnd()}`, isFailure: true };
  };
  const hasDatabase = deny("fetch", "db").status === 0;
  return [
    check("licences, sources, doubles", "licenses", "sources", "bans"),
    hasDatabase ? check("known weaknesses", "advisories") : { name, word: "skip  ", note: "the database of known weaknesses cannot be fetched" },
  ];
}

/** Known weaknesses in what users install. A registry that cannot be asked says nothing about them, so that is told and does not fail the check. */
function audit() {
  const { stdout } = spawnSync("npm", ["audit", "--omit=dev", "--json"], { cwd: root, encoding: "utf8", shell: process.platform === "win32" });
  let report;
  try {
    report = JSON.parse(stdout);
  } catch {
    // Told below, as another answer is.
  }
  const counts = report?.metadata?.vulnerabilities;
  if (!counts) return { name: "audit", word: "skip  ", note: `the registry answers no audit (${report?.message ?? "no answer"})` };
  const { moderate = 0, high = 0, critical = 0 } = counts;
  if (moderate + high + critical === 0) return { name: "audit", word: "ok    ", note: "no known weakness" };
  return { name: "audit", word: "FAILED", note: `${critical} critical, ${high} high, ${moderate} moderate: see npm audit`, isFailure: true };
}

let failed = 0;
const hasCargo = spawnSync("cargo", ["--version"]).status === 0;
if (!hasCargo) console.log("skip   native module: there is no cargo");
// The module first: tests look for it.
for (const [name, command, ...options] of [...(hasCargo ? nativeSteps : []), ...steps.map(([step, ...rest]) => [step, process.execPath, ...rest])]) {
  const started = performance.now();
  const { status, stdout, stderr } = spawnSync(command, options, { cwd: root, encoding: "utf8", maxBuffer: 1 << 28 });
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  const note = name === "tests" ? `: ${stdout.trimEnd().split("\n").at(-1)}` : "";
  console.log(`${status === 0 ? "ok    " : "FAILED"} ${name} (${seconds} s)${note}`);
  if (status === 0) continue;
  failed++;
  console.log(`${stdout}${stderr}`.trimEnd().replaceAll(/^/gm, "    "));
}
for (const { name, word, note, isFailure = false } of [...(hasCargo ? dependenciesOfNative() : []), audit()]) {
  if (isFailure) failed++;
  console.log(`${word} ${name}: ${note}`.replaceAll("\n", "\n    "));
}
process.exitCode = failed > 0 ? 1 : 0;
