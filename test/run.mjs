/**
 * Runs the compiled tests and ends with one line: `N passed, N failed`, and `, N skipped` where there are any.
 * Arguments narrow it down: files or folders as they stand in the source, for example `npm test -- test/stream test/graph/shapes.test.ts`.
 * With `--table` it also prints what each test says of itself, `FAULT: PROMISE`, and whether that holds.
 */
import { spawn } from "node:child_process";
import { existsSync, readdirSync, statSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");

/** Compiled test files for what was asked for; all of them where nothing was. */
function testFiles(asked) {
  return (asked.length === 0 ? ["test"] : asked).flatMap((argument) => {
    const path = relative(root, resolve(argument)).replace(/^dist\//, "");
    const compiled = join(root, "dist", path.replace(/\.ts$/, ".js"));
    if (!existsSync(compiled)) throw new Error(`There is no test ${argument}`);
    if (statSync(compiled).isFile()) return [compiled];
    return readdirSync(compiled, { recursive: true })
      .filter((file) => file.endsWith(".test.js"))
      .map((file) => join(compiled, file));
  });
}

/**
 * Two files at a time, since some measure time and most machines that drive have few cores. Each file in a process of its own:
 * native libraries do not survive a thread that is ended while they run.
 */
function ava(files) {
  const program = join(root, "node_modules", "ava", "entrypoints", "cli.mjs");
  const options = ["--tap", "--no-worker-threads", "--concurrency=2", "--timeout=10m"];
  return spawn(process.execPath, ["--import", new URL("tap-reporter.mjs", import.meta.url).href, program, ...options, ...files], { cwd: root, stdio: ["ignore", "pipe", "pipe"] });
}

const isTable = process.argv.includes("--table");
const rows = [];
const counts = { passed: 0, failed: 0, skipped: 0 };
const failures = [];
/** Of tests that lacked something. */
const notices = [];
let current;

/** TAP: a line for each test; below a failed one, details between `---` and `...`. */
function readTap(line) {
  const result = /^(not )?ok \d+ - (.*?)( # (SKIP|TODO).*)?$/.exec(line);
  if (result) {
    const [, failed, title, , directive] = result;
    rows.push([title.replace(/^.* › /, ""), directive ? "skipped" : failed ? "BROKEN" : "holds"]);
    current = failed && !directive ? { title, details: [] } : undefined;
    if (directive) counts.skipped++;
    else if (failed) {
      counts.failed++;
      failures.push(current);
      console.log(`FAILED ${title}`);
    } else counts.passed++;
  } else if (/^ {2,}/.test(line) && !/^ {2}(---|\.\.\.)$/.test(line)) current?.details.push(line);
}

/** A test that lacks something passes and says so by name: it is counted as skipped. */
function readNotice(line) {
  if (line.startsWith("SKIPPED: ")) {
    counts.passed--;
    counts.skipped++;
    notices.push(line.slice("SKIPPED: ".length));
  }
  console.error(line);
}

async function ended(child) {
  // Whoever ends this run means all of it.
  for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => child.kill(signal));
  const lines = [
    [child.stdout, readTap],
    [child.stderr, readNotice],
  ].map(([input, read]) => new Promise((done) => createInterface({ input }).on("line", read).on("close", done)));
  const code = await new Promise((done) => child.on("close", (exitCode, signal) => done(exitCode ?? signal)));
  await Promise.all(lines);
  return code;
}

function printTable() {
  const told = rows.map(([title, outcome]) => {
    const [fault, promise = ""] = title.split(/: (.*)/s);
    const isSkipped = notices.some((notice) => notice.startsWith(`${title}: `) || notice.startsWith(`${title} needs `));
    return [fault, promise, isSkipped ? "skipped" : outcome];
  });
  const all = [["fault", "promise", "outcome"], ...told.sort(([a], [b]) => a.localeCompare(b))];
  const width = Math.max(...all.map(([fault]) => fault.length));
  for (const [fault, promise, outcome] of all) console.log(`${outcome.padEnd(8)} ${fault.padEnd(width)}  ${promise}`);
}

const started = performance.now();
const code = await ended(ava(testFiles(process.argv.slice(2).filter((argument) => argument !== "--table"))));
for (const { title, details } of failures) console.log(`\nFAILED ${title}\n${details.join("\n")}`);
if (code !== 0 && failures.length === 0) {
  counts.failed++;
  console.log(`The test runner itself ended with ${code}; see above.`);
}
if (isTable) printTable();
console.log(`\nTests took ${Math.round((performance.now() - started) / 1000)} s.`);
console.log(`${counts.passed} passed, ${counts.failed} failed${counts.skipped > 0 ? `, ${counts.skipped} skipped` : ""}`);
process.exitCode = counts.failed > 0 ? 1 : 0;
