import { existsSync } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import { dirname, join, relative, resolve } from "node:path";
import test from "ava";
import { packageRoot } from "../sdk/paths.js";

test("declarations of the package refer to nothing that it does not hold", async (t) => {
  const root = packageRoot();
  const { files, imports } = JSON.parse(await readFile(join(root, "package.json"), "utf8")) as { files: readonly string[]; imports: Readonly<Record<string, { readonly types: string }>> };
  const holds = (path: string): boolean => existsSync(path) && files.some((each) => `${relative(root, path)}/`.startsWith(`${each}/`));
  const missing: string[] = [];
  for (const folder of files.filter((each) => each.startsWith("dist/") && each !== "dist/page"))
    for (const file of (await readdir(join(root, folder), { recursive: true })).filter((each) => each.endsWith(".d.ts"))) {
      const path = join(root, folder, file);
      for (const [, to = ""] of (await readFile(path, "utf8")).matchAll(/(?:from |import\()"([.#][^"]*)"/g)) {
        const target = to.startsWith("#") ? join(root, imports[to]?.types ?? "nowhere") : resolve(dirname(path), to).replace(/\.js$/, ".d.ts");
        if (!holds(target)) missing.push(`${relative(root, path)}: ${to}`);
      }
    }
  t.deepEqual(missing, []);
});
