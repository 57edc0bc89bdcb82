import { join } from "node:path";
import { NightshiftError } from "../../errors.js";
import { packageRoot } from "../../paths.js";
import type { LineProgram } from "./line-process.js";

/** A script of the folder `peer`, and the Python that runs it. Throws `E_CONFIG` for what is no Python. Whether it has PyTorch is seen when it starts. */
export function peerScript(python: string, name: "train_step.py" | "operators.py"): LineProgram {
  if (!/python/.test(python))
    throw new NightshiftError("E_CONFIG", { expected: "a Python with PyTorch as peer", received: python, remedy: "Give --peer python3, or the path of another Python." });
  const folder = join(packageRoot(), "sdk", "cli", "bench", "peer");
  return { command: python, script: [join(folder, name)], remedy: `Install it: ${python} -m pip install -r ${join(folder, "requirements.txt")}` };
}
