import { spawnSync } from "node:child_process";
import { cpSync, existsSync, lstatSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import test, { type ExecutionContext } from "ava";
import { packageRoot } from "../sdk/paths.js";

const lock = { lockfileVersion: 3, packages: { "": {}, "node_modules/a": { version: "1.2.3" }, "node_modules/typescript": { version: "5.9.3", dev: true } } };
const installed = { packages: { "node_modules/a": { version: "1.2.3" }, "node_modules/typescript": { version: "5.9.3", dev: true } } };

interface Project {
  readonly folder: string;
  readonly write: (path: string, text: string) => void;
  readonly has: (path: string) => boolean;
  readonly setUp: (...nodeOptions: string[]) => { status: number | null; said: string; stdout: string };
}

/** A project of one source file around the real setup program, the real compiler, and an npm that only writes down what it was asked. */
function project(t: ExecutionContext): Project {
  const folder = mkdtempSync(join(tmpdir(), "nightshift-setup-"));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  const write = (path: string, text: string): void => {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  };
  for (const file of ["setup.mjs", "nightshift.mjs"]) cpSync(join(packageRoot(), "sdk/cli", file), join(folder, "sdk/cli", file), { recursive: true });
  write("package.json", '{ "type": "module" }');
  write("package-lock.json", JSON.stringify(lock));
  write("node_modules/.package-lock.json", JSON.stringify(installed));
  symlinkSync(join(packageRoot(), "node_modules/typescript"), join(folder, "node_modules/typescript"));
  const compilerOptions = { rootDir: ".", outDir: "dist", module: "nodenext", incremental: true, tsBuildInfoFile: "dist/.tsbuildinfo", lib: ["es2015"], strict: true, types: [] };
  write("tsconfig.json", JSON.stringify({ compilerOptions, include: ["sdk/**/*.ts"] }));
  write("sdk/cli/main.ts", "export const main = async (argv: string[]): Promise<number> => argv.length;\n");
  write("npm-cli.js", 'import { writeFileSync } from "node:fs"; writeFileSync("asked.txt", process.argv.slice(2).join(" "));');
  const env = { ...process.env, npm_execpath: join(folder, "npm-cli.js") };
  return {
    folder,
    write: (path, text) => write(path, text),
    has: (path) => existsSync(join(folder, path)),
    setUp: (...nodeOptions) => {
      const { status, stdout, stderr } = spawnSync(process.execPath, [...nodeOptions, join(folder, "sdk/cli/setup.mjs")], { env, encoding: "utf8" });
      return { status, said: stderr, stdout };
    },
  };
}

test("compiles once, then finds nothing to do, quietly and within three seconds", (t) => {
  const { folder, has, setUp } = project(t);
  const first = setUp();
  t.is(first.status, 0, first.said);
  t.true(first.said.includes("Compiling"));
  t.true(has("dist/sdk/cli/main.js"));
  t.true(lstatSync(join(folder, "node_modules/.bin/nightshift")).isSymbolicLink());
  const started = performance.now();
  t.deepEqual(setUp(), { status: 0, said: "", stdout: "" });
  t.true(performance.now() - started < 3000);
});

test("a changed source is compiled, and what a removed one left is removed", (t) => {
  const { folder, write, has, setUp } = project(t);
  write("sdk/old.ts", "export const old = 1;\n");
  setUp();
  t.true(has("dist/sdk/old.js"));
  rmSync(join(folder, "sdk/old.ts"));
  write("sdk/new.ts", "export const fresh = 2;\n");
  t.is(setUp().status, 0);
  t.false(has("dist/sdk/old.js"));
  t.true(has("dist/sdk/new.js"));
});

test("errors of types are shown, and stay errors until they are corrected", (t) => {
  const { write, setUp } = project(t);
  write("sdk/wrong.ts", "export const wrong: number = 'text';\n");
  for (let attempt = 0; attempt < 2; attempt++) {
    const { status, said, stdout } = setUp();
    t.deepEqual([status, stdout], [1, ""]);
    t.true(said.includes("TS2322"));
  }
  write("sdk/wrong.ts", "export const wrong: number = 3;\n");
  t.is(setUp().status, 0);
});

test("packages that are missing, or present in another version, are installed", (t) => {
  const { folder, write, setUp } = project(t);
  write("node_modules/.package-lock.json", JSON.stringify({ packages: { ...installed.packages, "node_modules/a": { version: "1.0.0" } } }));
  const { status, said } = setUp();
  t.is(readFileSync(join(folder, "asked.txt"), "utf8"), "ci --include=dev --loglevel=error");
  // The npm above installs nothing, which is noticed.
  t.is(status, 1);
  t.true(said.includes("npm left out a."), said);
});

test("installed without development packages it runs what is compiled, and installs them where something must be", (t) => {
  const { folder, write, has, setUp } = project(t);
  setUp();
  write("node_modules/.package-lock.json", JSON.stringify({ packages: { "node_modules/a": { version: "1.2.3" } } }));
  rmSync(join(folder, "node_modules/typescript"));
  t.deepEqual(setUp(), { status: 0, said: "", stdout: "" });
  write("sdk/later.ts", "export const later = 1;\n");
  t.is(setUp().status, 1);
  t.true(has("asked.txt"));
});

test("an older Node is told which one is needed", (t) => {
  const pretend = 'data:text/javascript,Object.defineProperty(process,"versions",{value:{...process.versions,node:"20.18.3"}})';
  const { status, said } = project(t).setUp("--import", pretend);
  t.is(status, 1);
  t.regex(said, /needs Node 20\.19 or newer; this is Node 20\.18\.3/);
});

test("the command is ready at once, hands its arguments to main, and ends with its answer", (t) => {
  const { folder, setUp } = project(t);
  setUp();
  const { status, stdout } = spawnSync(join(folder, "node_modules/.bin/nightshift"), ["one", "two"], { encoding: "utf8" });
  t.deepEqual([status, stdout], [2, ""]);
});

test("the package holds every file that the page is made of", (t) => {
  const { files } = JSON.parse(readFileSync(join(packageRoot(), "package.json"), "utf8")) as { files: string[] };
  const table = [...readFileSync(join(packageRoot(), "sdk/viewer/files.ts"), "utf8").matchAll(/"((?:dist|sdk)\/[^"]+)"/g)].map(([, path]) => path ?? "");
  t.true(table.length > 10);
  t.deepEqual(table.filter((path) => !files.some((folder) => path.startsWith(`${folder}/`))), []);
});
