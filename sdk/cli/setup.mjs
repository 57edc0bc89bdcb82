/**
 * Makes a fresh clone ready to run: installs the packages that package-lock.json names, compiles TypeScript, and links the `nightshift` command.
 * What is already done is recognised within a few dozen milliseconds. Plain JavaScript without packages, since it runs before there are any.
 * Everything it says goes to stderr: stdout belongs to the command that follows.
 */
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, readlinkSync, realpathSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join, relative, sep } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..", "..");
const oldestNode = [20, 19];

/** What is compiled: the program, and the viewer's page, which runs in a browser. */
const projects = [
  { config: "tsconfig.json", sources: ".", output: "dist" },
  { config: "sdk/viewer/page/tsconfig.json", sources: "sdk/viewer/page", output: "dist/page" },
];

/** A reason to stop that the reader can act on. */
class SetupError extends Error {}

/** Throws an error whose message says what to do where the project cannot be made ready. */
export function setUp() {
  checkNode();
  // Installed as a package, it comes compiled, and whoever installed it looks after its packages.
  if (!existsSync(join(root, "package-lock.json"))) return;
  const missing = missingPackages();
  const isStale = fingerprint() !== compiledFingerprint();
  if (missing.needed.length > 0 || (isStale && missing.dev.length > 0)) install([...missing.needed, ...missing.dev]);
  if (isStale) compile();
  linkCommand();
}

function checkNode() {
  const [major, minor] = process.versions.node.split(".").map(Number);
  if (major > oldestNode[0] || (major === oldestNode[0] && minor >= oldestNode[1])) return;
  throw new SetupError(`Nightshift needs Node ${oldestNode.join(".")} or newer; this is Node ${process.versions.node}. Get one from https://nodejs.org.`);
}

/** Packages of the lock file that npm did not record as installed in that version. Optional ones are for other platforms, or not needed. */
function missingPackages() {
  const wanted = JSON.parse(readFileSync(join(root, "package-lock.json"), "utf8")).packages;
  const record = join(root, "node_modules", ".package-lock.json");
  const present = existsSync(record) ? JSON.parse(readFileSync(record, "utf8")).packages : {};
  const missing = { needed: [], dev: [] };
  for (const [path, { version, dev, optional, devOptional, peer }] of Object.entries(wanted)) {
    if (path === "" || optional || devOptional || peer || present[path]?.version === version) continue;
    missing[dev ? "dev" : "needed"].push(path.replace(/^.*node_modules\//, ""));
  }
  return missing;
}

function install(missing) {
  say(`Installing packages (${missing.length} missing or out of date, ${missing[0]} the first); this takes a minute.`);
  // The npm that started this, where one did; development packages also where the environment says "production", since the compiler is one.
  const npm = process.env.npm_execpath?.endsWith("npm-cli.js") ? [process.execPath, process.env.npm_execpath] : ["npm"];
  run([...npm, "ci", "--include=dev", "--loglevel=error"], "npm could not install the packages. See its message above; it needs the npm registry, once.");
  const still = missingPackages();
  if (still.needed.length + still.dev.length > 0)
    throw new SetupError(`npm left out ${[...still.needed, ...still.dev].join(", ")}. Remove node_modules and run this again.`);
}

function compile() {
  const compiler = join(root, "node_modules", "typescript", "bin", "tsc");
  if (!existsSync(compiler))
    throw new SetupError("The TypeScript compiler is missing: packages were installed without the development ones. Run: npm ci --include=dev");
  say("Compiling TypeScript.");
  const compiled = fingerprint();
  removeOrphans();
  for (const { config } of projects)
    if (existsSync(join(root, config))) run([process.execPath, compiler, "-p", config], "TypeScript found the errors above.");
  writeFileSync(join(root, "dist", ".compiled"), compiled);
}

/** Changes whenever a source file does, appears or goes. */
function fingerprint() {
  const hash = createHash("sha256");
  for (const path of [...projects.map(({ config }) => config), "package-lock.json", ...sources()]) {
    if (!existsSync(join(root, path))) continue;
    const { size, mtimeMs } = statSync(join(root, path));
    hash.update(`${path} ${size} ${mtimeMs}\n`);
  }
  return hash.digest("hex");
}

function compiledFingerprint() {
  const path = join(root, "dist", ".compiled");
  return existsSync(path) ? readFileSync(path, "utf8") : undefined;
}

function sources() {
  return ["sdk", "adapters", "calibration", "samples", "test"].flatMap((folder) => filesIn(folder, ".ts"));
}

/** Removes compiled files whose source is gone: a removed test would go on running. */
function removeOrphans() {
  const known = new Set(sources());
  for (const path of filesIn("dist", ".js")) {
    const { sources: from, output } = projects.findLast((project) => path.startsWith(join(project.output, sep)));
    if (known.has(join(from, relative(output, path)).replace(/\.js$/, ".ts"))) continue;
    for (const suffix of [".js", ".js.map", ".d.ts"]) rmSync(join(root, path.replace(/\.js$/, suffix)), { force: true });
  }
  // Incremental compilation believes its own record: files that were put aside by hand come back only without it.
  for (const { output } of projects)
    if (filesIn(output, ".js").length === 0) rmSync(join(root, output, ".tsbuildinfo"), { force: true });
}

/** Paths relative to the root, in a stable order. */
function filesIn(folder, suffix) {
  const path = join(root, folder);
  if (!existsSync(path)) return [];
  return readdirSync(path, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith(suffix))
    .map((entry) => relative(root, join(entry.parentPath ?? entry.path, entry.name)))
    .sort();
}

/** `npx nightshift` finds commands here; npm links those of dependencies, not a project's own. */
function linkCommand() {
  if (sep === "\\") return;
  const link = join(root, "node_modules", ".bin", "nightshift");
  const launcher = join(root, "sdk", "cli", "nightshift.mjs");
  const target = relative(dirname(link), launcher);
  if (readLink(link) === target) return;
  mkdirSync(dirname(link), { recursive: true });
  rmSync(link, { force: true });
  symlinkSync(target, link);
  chmodSync(launcher, 0o755);
}

function readLink(path) {
  try {
    return readlinkSync(path);
  } catch {
    // No link yet, or a file in its place: both are replaced.
    return undefined;
  }
}

function run([command, ...args], failure) {
  const { status, error } = spawnSync(command, args, { cwd: root, stdio: ["ignore", 2, 2] });
  if (error) throw new SetupError(`${command} could not be started (${error.message}). Install Node with npm.`);
  if (status !== 0) throw new SetupError(failure);
}

function say(message) {
  process.stderr.write(`nightshift: ${message}\n`);
}

/** As `setUp`, but tells what is wrong and answers with whether all is well. */
export function setUpOrExplain() {
  try {
    setUp();
    return true;
  } catch (error) {
    if (!(error instanceof SetupError)) throw error;
    say(error.message);
    return false;
  }
}

if (process.argv[1] && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) process.exitCode = setUpOrExplain() ? 0 : 1;
