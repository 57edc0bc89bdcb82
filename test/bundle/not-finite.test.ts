import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import test from "ava";
import { sha256Of } from "../../sdk/bundle/files.js";
import { readBundle } from "../../sdk/bundle/read.js";
import { writeBundle } from "../../sdk/bundle/write.js";
import { writeSafetensors } from "../../sdk/graph/safetensors.js";
import { temporaryFolder, tinyContents } from "./contents.js";

test("NaN weights with a right hash are refused", async (t) => {
  const directory = join(await temporaryFolder(t), "bundle");
  await writeBundle(directory, tinyContents());
  for (const tensor of [
    { dtype: "float16", shape: [1, 2], data: Uint16Array.of(0, 0x7e00) },
    { dtype: "float32", shape: [2], data: Float32Array.of(1, -Infinity) },
  ] as const) {
    const content = writeSafetensors(new Map([["a", tensor]]));
    await writeFile(join(directory, "weights.safetensors"), content);
    const path = join(directory, "manifest.json");
    const manifest = JSON.parse(await readFile(path, "utf8")) as { files: { path: string; bytes: number; sha256: string }[] };
    for (const file of manifest.files)
      if (file.path === "weights.safetensors") Object.assign(file, { bytes: content.length, sha256: sha256Of(content) });
    await writeFile(path, JSON.stringify(manifest));
    await t.throwsAsync(() => readBundle(directory), { message: /^E_WEIGHTS_NOT_FINITE: .*element 1/ });
  }
});
