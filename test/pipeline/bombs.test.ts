import { symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { crc32, deflateSync } from "node:zlib";
import { create, toBinary } from "@bufbuild/protobuf";
import test from "ava";
import { FolderCamera } from "../../adapters/cameras/folder.js";
import { readImage, readMask } from "../../adapters/datasets/image-file.js";
import { ModelProtoSchema, TensorProto_DataLocation } from "../../sdk/graph/onnx/onnx_pb.js";
import { inspectModel } from "../../sdk/pipeline/inspect-model.js";
import { temporaryFolder } from "../bundle/contents.js";

/** A PNG of a few hundred bytes that says that it has so many pixels. */
function claiming(width: number, height: number): Uint8Array {
  const chunk = (type: string, data: Buffer): Buffer => {
    const [body, frame] = [Buffer.concat([Buffer.from(type), data]), Buffer.alloc(8)];
    frame.writeUInt32BE(data.length);
    frame.writeUInt32BE(crc32(body), 4);
    return Buffer.concat([frame.subarray(0, 4), body, frame.subarray(4)]);
  };
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width);
  header.writeUInt32BE(height, 4);
  header[8] = 8;
  return Buffer.concat([Buffer.from("\x89PNG\r\n\x1a\n", "latin1"), chunk("IHDR", header), chunk("IDAT", deflateSync(Buffer.alloc(100_000))), chunk("IEND", Buffer.alloc(0))]);
}

test("a small picture that unfolds to gigabytes is refused before it is decoded", async (t) => {
  const folder = await temporaryFolder(t);
  const path = join(folder, "bomb.png");
  await writeFile(path, claiming(30_000, 30_000));
  await t.throwsAsync(readImage(path), { code: "E_IMAGE", message: /pixel limit/ });
  await t.throwsAsync(readMask(path), { code: "E_IMAGE" });
  const camera = new FolderCamera(folder, { fps: 0 });
  await t.throwsAsync(camera.frames(new AbortController().signal).next(), { code: "E_IMAGE", message: /pixel limit/ });
});

test("a model reads no files but those beside it", async (t) => {
  const folder = await temporaryFolder(t);
  const [path, secret] = [join(folder, "model.onnx"), join(await temporaryFolder(t), "secret")];
  await writeFile(secret, Buffer.alloc(4));
  await symlink(secret, join(folder, "link"));
  const pointTo = async (location: string): Promise<void> => {
    const externalData = [{ key: "location", value: location }];
    const initializer = [{ name: "w", dims: [1n], dataType: 1, dataLocation: TensorProto_DataLocation.EXTERNAL, externalData }];
    const graph = { name: "g", node: [{ opType: "Relu", input: ["w"], output: ["y"] }], initializer, output: [{ name: "y" }] };
    await writeFile(path, toBinary(ModelProtoSchema, create(ModelProtoSchema, { irVersion: 8n, opsetImport: [{ domain: "", version: 17n }], graph })));
  };
  const refusedFor = async (location: string): Promise<string> => {
    await pointTo(location);
    return (await t.throwsAsync(inspectModel(path), { code: "E_GRAPH_FORMAT" }, location)).message;
  };
  t.regex(await refusedFor("link"), /a link to/);
  for (const location of ["none", secret, `../${secret}`, "..", "a/../../b", ""]) await refusedFor(location);
  await writeFile(join(folder, "weights"), Buffer.alloc(4));
  await pointTo("weights");
  t.is((await inspectModel(path)).operators.Relu, 1);
});
