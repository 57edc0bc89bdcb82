import type { z } from "zod";

type Issue = z.core.$ZodIssue;

/** What a schema has against a value, each with what came where that is known (`reportInput`). Of a union it is told what keeps the value from being the alternative that it comes nearest to. */
export const issuesOf = ({ issues }: Pick<z.core.$ZodError, "issues">): Issue[] => issues.flatMap(nearest).map((issue) => ({ ...issue, message: withInput(issue) }));

function withInput({ code, message, ...issue }: Issue): string {
  const { input } = issue;
  if (isPlain(input)) {
    const isTold = message.includes("received");
    // The type alone does not tell who wrote `no` in YAML 1.2, which is a text.
    return isTold && !message.endsWith(typeof input) ? message : `${message}${isTold ? "" : ", received"} ${JSON.stringify(input)}`;
  }
  // Zod says itself that it received nothing, but of a choice.
  return code === "invalid_value" && "input" in issue && input === undefined ? `${message}, received nothing` : message;
}

function nearest(issue: Issue): Issue[] {
  if (issue.code !== "invalid_union" || issue.errors.length === 0) return [issue];
  const alternatives = issue.errors.map((issues) => issues.flatMap(nearest));
  const ofItsKind = alternatives.filter((issues) => !issues.some(isOfAnotherKind));
  // Strict objects that have no key in common miss one each and do not know the others'.
  const [closest] = ofItsKind.toSorted((a, b) => mistakenKeys(a) - mistakenKeys(b));
  const told = closest ?? [eitherOf(alternatives.flatMap((issues) => issues.filter(isOfAnotherKind)))];
  return told.map((each) => ({ ...each, path: [...issue.path, ...each.path] }));
}

const isOfAnotherKind = (issue: Issue): issue is z.core.$ZodIssueInvalidType => issue.code === "invalid_type" && issue.path.length === 0;

const mistakenKeys = (issues: readonly Issue[]): number => new Set(issues.flatMap((issue) => (issue.code === "unrecognized_keys" ? issue.keys : [issue.path[0]]))).size;

function eitherOf(issues: readonly z.core.$ZodIssueInvalidType[]): Issue {
  const [first] = issues;
  const expected = [...new Set(issues.map((issue) => issue.expected))].join(" or ");
  return { ...first, expected, message: first.message.replace(first.expected, expected) };
}

const isPlain = (value: unknown): boolean => ["string", "number", "boolean"].includes(typeof value);
