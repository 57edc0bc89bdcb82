/**
 * `npm run build:native`: compiles the crate, leaves the module beside this file, and rewrites index.d.ts from it; with `--check` it fails where
 * that differs from what is committed. Other arguments go to cargo by way of napi, for example `--target aarch64-unknown-linux-gnu`.
 */
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const typings = join(here, "index.d.ts");
const isCheck = process.argv.includes("--check");

if (spawnSync("cargo", ["--version"]).status !== 0) fail("The native module is written in Rust, and cargo was not found. Install Rust (https://rustup.rs), then run this again.");
const before = readFileSync(typings, "utf8");
const napi = join(dirname(createRequire(import.meta.url).resolve("@napi-rs/cli/package.json")), "dist", "cli.js");
const options = ["--platform", "--release", "--no-js", "--cwd", here, "--output-dir", ".", "--dts", "index.d.ts"];
const others = process.argv.slice(2).filter((argument) => argument !== "--check");
const { status } = spawnSync(process.execPath, [napi, "build", ...options, ...others, "--", "--locked"], { stdio: ["ignore", 2, 2] });
if (status !== 0) fail("The native module does not build; see above.");
if (isCheck && readFileSync(typings, "utf8") !== before) fail("native/index.d.ts was not what the crate says of itself. It has been written anew: commit it.");

function fail(message) {
  console.error(`nightshift: ${message}`);
  process.exit(1);
}
