import test from "ava";
import { z } from "zod";
import { issuesOf } from "../sdk/issues.js";

const frames = z.union([z.strictObject({ folder: z.string(), part: z.number().optional(), boxes: z.number().optional() }), z.strictObject({ drive: z.strictObject({ seed: z.number() }) })]);
const schema = z.object({ exemplars: z.union([z.string(), frames]), light: z.union([z.number(), z.tuple([z.number(), z.number()])]).optional() });

const told = (value: unknown): string[] => issuesOf(schema.safeParse(value).error ?? { issues: [] }).map(({ path, message }) => `${path.join(".")}: ${message}`);

test("of a union, what is told is what keeps a value from being the alternative that is nearest", (t) => {
  t.deepEqual(told({ exemplars: { folder: "day", part: "x", boxes: "y" } }), ["exemplars.part: Invalid input: expected number, received string", "exemplars.boxes: Invalid input: expected number, received string"]);
  t.deepEqual(told({ exemplars: { drive: { seed: "x" } } }), ["exemplars.drive.seed: Invalid input: expected number, received string"]);
  t.deepEqual(told({ exemplars: { drive: { seed: 1 }, part: 3 } }), ['exemplars: Unrecognized key: "part"']);
  t.regex(told({ exemplars: "day", light: [1] })[0], /^light: Too small: expected array to have/);
});

test("where it is none of them, all are named once", (t) => {
  t.deepEqual(told({ exemplars: 3 }), ["exemplars: Invalid input: expected string or object, received number"]);
  t.deepEqual(told({ exemplars: "day", light: "dim" }), ["light: Invalid input: expected number or tuple, received string"]);
});
