import { main } from "../../sdk/cli/main.js";

/** Runs a command as a shell would, in this process. */
export async function nightshift(...argv: string[]): Promise<{ readonly code: number; readonly out: string; readonly err: string }> {
  const said = { out: "", err: "" };
  const code = await main(argv, { out: (text) => (said.out += text), err: (text) => (said.err += text), isTerminal: false });
  return { code, ...said };
}

/** One JSON object, and nothing else. */
export const json = (text: string): Record<string, unknown> => JSON.parse(text) as Record<string, unknown>;
