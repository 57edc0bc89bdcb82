import { Command } from "commander";
import { defaultStateDirectory } from "../bundle/generations.js";
import { cuda, native, tensorRt } from "./doctor/accelerator.js";
import { budget } from "./doctor/budget.js";
import type { Check, Finding } from "./doctor/finding.js";
import { memories, processor, stateFolder } from "./doctor/machine.js";
import { node, onnxRuntime, zeroMq } from "./doctor/runtime.js";
import { defaultBundle, ffmpeg, gstreamer, page } from "./doctor/tools.js";
import { type Io, result, ToldFailure } from "./io.js";

interface Options {
  readonly state: string;
  readonly json: boolean;
}

export const doctorCommand = (io: Io): Command =>
  new Command("doctor")
    .description("Tell what this machine can run, and why not: runtimes, processor, memory, tools, GPU, the default bundle. Code 1 where something is missing that is needed.")
    .option("--state <folder>", "where what is learnt is to be kept", defaultStateDirectory())
    .option("--json", "print JSON alone on stdout", false)
    .addHelpText("after", "\nPrints ready, and findings: what, state (ok, missing, not needed), found, without (what does not work), remedy.")
    .action(async ({ state, json }: Options) => {
      const findings = await examined(state);
      const ready = findings.every((finding) => finding.state !== "missing");
      result(io, json, { ready, findings }, [...findings.flatMap(lines), ready ? "Ready." : "Not ready: see what is missing."]);
      if (!ready) throw new ToldFailure();
    });

async function examined(state: string): Promise<readonly Finding[]> {
  const checks: readonly Check[] = [node, onnxRuntime, zeroMq, processor, memories, budget(), stateFolder(state), defaultBundle, page, ffmpeg, gstreamer, native, tensorRt, cuda];
  const findings: Finding[] = [];
  for (const check of checks) findings.push(...(await check()));
  return findings;
}

const lines = ({ state, what, found, without, remedy }: Finding): string[] => [
  `${state.padEnd("not needed".length)}  ${what}: ${found}`,
  ...(without ? [`${" ".repeat(12)}only for ${without}`] : []),
  ...(remedy ? [`${" ".repeat(12)}${remedy}`] : []),
];
