#!/usr/bin/env node
/** The `nightshift` command: sees to it that the project is ready, then hands over to the compiled `main`. */
import { setUpOrExplain } from "./setup.mjs";

if (!setUpOrExplain()) {
  process.exitCode = 1;
} else {
  const { main } = await import("../../dist/sdk/cli/main.js");
  process.exitCode = await main(process.argv.slice(2));
}
