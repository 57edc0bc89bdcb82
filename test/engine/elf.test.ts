import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import test from "ava";
import { refuseTruncated } from "../../sdk/engine/elf.js";
import { temporaryFolder } from "../bundle/contents.js";

/** A library of one loaded part that ends at `end`. */
function library(end: number): Buffer {
  const bytes = Buffer.alloc(200);
  bytes.write("\x7fELF\x02", "latin1");
  bytes[32] = 64;
  bytes[56] = 2;
  // Not a part that is loaded, whatever size it states.
  bytes[64] = 6;
  bytes.writeBigUInt64LE(2n ** 60n, 64 + 32);
  bytes[120] = 1;
  bytes.writeBigUInt64LE(BigInt(end), 120 + 32);
  return bytes;
}

test("whole libraries pass and others are told apart", async (t) => {
  const path = join(await temporaryFolder(t), "library.so");
  const check = async (bytes: Uint8Array): Promise<string> => {
    await writeFile(path, bytes);
    try {
      refuseTruncated(path);
      return "whole";
    } catch (error) {
      return error instanceof Error ? error.message : "";
    }
  };
  t.is(await check(library(200)), "whole");
  t.is(await check(library(201)), "200 bytes of at least 201: the file is truncated");
  t.is(await check(library(200).subarray(0, 150)), "150 bytes of at least 176: the file is truncated");
  t.is(await check(library(200).subarray(0, 63)), "63 bytes of at least 64: the file is truncated");
  t.is(await check(new Uint8Array()), "0 bytes of at least 64: the file is truncated");
  t.is(await check(Buffer.alloc(100, "#")), "no 64-bit ELF library");
});
