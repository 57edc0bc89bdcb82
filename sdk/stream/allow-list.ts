import { NightshiftError } from "../errors.js";
import { isCurveKey } from "./curve.js";

/** What a key may be for: readers receive streams, controllers use the control socket. Neither may do the other's. */
export const roles = ["reader", "controller"] as const;

export type Role = (typeof roles)[number];

/** One line of the list. */
export interface Allowed {
  readonly role: Role;
  readonly key: string;
  /** Whose it is. */
  readonly name: string;
}

const isRole = (text: string): text is Role => (roles as readonly string[]).includes(text);

/**
 * Reads who may connect: a line each of role, public key and name, `#` before remarks. A key with both roles has two lines.
 * Throws `E_KEY` with the line that means nothing. `path` names the list in the error.
 */
export function parseAllowed(text: string, path: string): Allowed[] {
  return text.split("\n").flatMap((line, at) => {
    const [role = "", key = "", name = "", ...rest] = line.trim().split(/\s+/);
    if (role === "" || role.startsWith("#")) return [];
    if (isRole(role) && isCurveKey(key) && name !== "" && rest.length === 0) return [{ role, key, name }];
    throw new NightshiftError("E_KEY", {
      expected: `a role (${roles.join(" or ")}), a public key of 40 characters and a name in ${path}`,
      // Not what the line says: it may be a secret in the wrong place.
      received: `line ${at + 1}, which is something else`,
      remedy: "Correct the line, or write the list with `nightshift keys allow` and `revoke`.",
    });
  });
}

/** The text of a list that is empty yet. */
export const emptyAllowed = "# role  public key  name\n";

/** A list's text without some entries and with another at the end; remarks stay where they are. Throws as `parseAllowed`, also where nobody could read the new entry. */
export function editAllowed(text: string, path: string, isGone: (entry: Allowed) => boolean, added?: Allowed): string {
  parseAllowed(text, path);
  const kept = text.split("\n").filter((line) => !parseAllowed(line, path).some(isGone));
  // The last line may lack its end, and be the only one.
  const lines = [kept.join("\n").trimEnd(), ...(added ? [`${added.role} ${added.key} ${added.name}`] : [])].filter((line) => line !== "");
  const edited = lines.map((line) => `${line}\n`).join("");
  parseAllowed(edited, path);
  return edited;
}
