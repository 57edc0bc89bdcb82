import { join } from "node:path";
import { NightshiftError } from "../../errors.js";
import { packageRoot } from "../../paths.js";

/** A program that is asked line by line. */
export interface LineProgram {
  readonly command: string;
  /** What comes before its own arguments: the script, after what the interpreter is told. */
  readonly script: readonly string[];
  /** Variables of its environment, besides this process's own. */
  readonly environment?: Readonly<Record<string, string>>;
  /** What to do where something is missing. */
  readonly remedy: string;
}

/** A script of the folder `peer`, and the Python that runs it. Throws `E_CONFIG` for what is no Python. Whether it has PyTorch is seen when it starts. */
export function peerScript(python: string, name: "train_step.py" | "operators.py"): LineProgram {
  if (!/python/.test(python))
    throw new NightshiftError("E_CONFIG", { expected: "a Python with PyTorch as peer", received: python, remedy: "Give --peer python3, or the path of another Python." });
  const folder = join(packageRoot(), "sdk", "cli", "bench", "peer");
  return { command: python, script: [join(folder, name)], remedy: `Install it: ${python} -m pip install -r ${join(folder, "requirements.txt")}` };
}
