/** With NVIDIA's real libraries: `npm run test:tensorrt` fetches them first. No file of `npm test`. */
import { createReadStream, createWriteStream } from "node:fs";
import { copyFile, mkdir, stat, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import test from "ava";
import { awaitNative, loadNative, loadTensorRt, nativeStatus } from "../../sdk/engine/native.js";
import { writeOnnx } from "../../sdk/graph/onnx/write.js";
import { inferenceGraph } from "../../sdk/network/inference.js";
import { packageRoot } from "../../sdk/paths.js";
import { temporaryFolder, tinyNetwork } from "../bundle/contents.js";
import { weightsOf } from "../engine/models.js";
import { absent } from "../support/absent.js";
import { json, nightshift } from "../support/command.js";

const folderOf = (major: number): string => join(packageRoot(), ".cache", "tensorrt", String(major));
const shimFor = (major: number): string => join(loadNative().folder, `libnightshift_tensorrt_${major}.so`);
const isThere = (path: string): Promise<boolean> => stat(path).then(() => true, () => false);
const devices = nativeStatus(folderOf(11)).devices;

for (const [major, version] of [[11, /^11\.2\./], [10, /^10\.15\./]] as const) {
  test.serial(`TensorRT ${major} loads and tells its version`, async (t) => {
    if (!(await isThere(shimFor(major)))) return absent(t, `no headers of TensorRT ${major} to build its shim with; name them in TENSORRT_INCLUDE`);
    const tensorRt = loadTensorRt(folderOf(major));
    t.regex(tensorRt.version, version);
    t.true(tensorRt.headers.startsWith(`${major}.`));
    t.true(tensorRt.path.startsWith(folderOf(major)));
  });

  test.serial(`TensorRT ${major} without a device: a build says that there is none`, async (t) => {
    if ("present" in devices) return absent(t, "there is a GPU");
    if (!(await isThere(shimFor(major)))) return absent(t, `no headers of TensorRT ${major} to build its shim with; name them in TENSORRT_INCLUDE`);
    const { native } = loadNative();
    const model = writeOnnx(inferenceGraph(tinyNetwork, weightsOf(1), { frame: { width: 80, height: 48 }, names: 16, target: "tensorrt" }));
    const tensorRt = loadTensorRt(folderOf(major));
    const error = await t.throwsAsync(() => awaitNative(() => tensorRt.build(model, {}, () => undefined, new native.Cancellation())), { message: /^E_GPU/ });
    t.regex(error?.message ?? "", /CUDA error 35/);
    await t.throwsAsync(() => awaitNative(() => tensorRt.open(new Uint8Array(10))), { message: /^E_GPU/ });
  });
}

test.serial("the command says that there is no device", async (t) => {
  if ("present" in devices) return absent(t, "there is a GPU");
  const { code, out } = await nightshift("build", "--target", "tensorrt", "--libraries", folderOf(11), "--json");
  t.is(code, 1);
  t.like(json(out), { error: { code: "E_GPU" } });
});

test.serial("a missing library, or half of the two, is said to be missing", async (t) => {
  const empty = await temporaryFolder(t);
  t.throws(() => loadTensorRt(empty), { message: /^E_TENSORRT_MISSING: expected libnvinfer\.so\.11/ });
  await symlink(join(folderOf(11), "libnvinfer.so.11"), join(empty, "libnvinfer.so.11"));
  t.throws(() => loadTensorRt(empty), { message: /^E_TENSORRT_MISSING: expected .*libnvonnxparser\.so\.11/ });
});

test.serial("a library of another major version is refused before anything is asked of it", async (t) => {
  const folder = await temporaryFolder(t);
  for (const library of ["libnvinfer.so", "libnvonnxparser.so"]) await symlink(join(folderOf(10), `${library}.10`), join(folder, `${library}.11`));
  t.throws(() => loadTensorRt(folder), { message: /^E_TENSORRT_VERSION: .*received TensorRT 10\.15/ });
});

test.serial("a library whose shim is another's, or missing, is refused", async (t) => {
  const { native } = loadNative();
  const folder = await temporaryFolder(t);
  await copyFile(shimFor(11), join(folder, "libnightshift_tensorrt_11.so"));
  t.throws(() => loadTensorRt(folderOf(10), { native, folder }), { message: /^E_TENSORRT_VERSION: expected TensorRT 11\.x; received TensorRT 10\.15/ });
  await copyFile(shimFor(11), join(folder, "libnightshift_tensorrt_10.so"));
  t.throws(() => loadTensorRt(folderOf(10), { native, folder }), { message: /^E_TENSORRT_VERSION: expected TensorRT 11\.x, for which .*received TensorRT 10\.15/ });
});

test.serial("truncated libraries are refused, and the process lives", async (t) => {
  const folder = await temporaryFolder(t);
  for (const [at, share] of [0, 0.001, 0.5].entries()) {
    const place = join(folder, String(at));
    await mkdir(place);
    await truncated(join(folderOf(11), "libnvinfer.so.11"), join(place, "libnvinfer.so.11"), share);
    t.throws(() => loadTensorRt(place), { message: /^E_TENSORRT_MISSING: .*(truncated|header)/ }, String(share));
  }
  await symlink(join(folderOf(11), "libnvinfer.so.11"), join(folder, "libnvinfer.so.11"));
  await truncated(join(folderOf(11), "libnvonnxparser.so.11"), join(folder, "libnvonnxparser.so.11"), 0.5);
  t.throws(() => loadTensorRt(folder), { message: /^E_TENSORRT_MISSING: .*libnvonnxparser.*truncated/ });
});

test.serial("a truncated shim is refused, and the process lives", async (t) => {
  const { native } = loadNative();
  const folder = await temporaryFolder(t);
  await truncated(shimFor(11), join(folder, "libnightshift_tensorrt_11.so"), 0.5);
  t.throws(() => loadTensorRt(folderOf(11), { native, folder }), { message: /^E_TENSORRT_VERSION: expected Nightshift's shim .*truncated.*build:tensorrt/ });
});

/** The first part of a file. */
async function truncated(from: string, to: string, share: number): Promise<void> {
  const bytes = Math.floor((await stat(from)).size * share);
  await (bytes === 0 ? writeFile(to, "") : pipeline(createReadStream(from, { end: bytes - 1 }), createWriteStream(to)));
}
