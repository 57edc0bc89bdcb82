import { closeSync, fstatSync, openSync, readSync } from "node:fs";

const headerBytes = 64;
const programHeaderBytes = 56;
const loaded = 1;

/**
 * Throws where a shared library of Linux is not whole, as `native/src/elf.rs` refuses those that the native module loads: the system's loader does not ask, it maps what
 * the header states, and the process dies of what is not there.
 */
export function refuseTruncated(path: string): void {
  const file = openSync(path, "r");
  try {
    const { size } = fstatSync(file);
    const read = (at: number, bytes: number): Buffer => {
      const buffer = Buffer.alloc(bytes);
      if (readSync(file, buffer, 0, bytes, at) < bytes) throw truncated(size, at + bytes);
      return buffer;
    };
    const header = read(0, headerBytes);
    if (header.toString("latin1", 0, 5) !== "\x7fELF\x02") throw new Error("no 64-bit ELF library");
    const programs = read(Number(header.readBigUInt64LE(32)), header.readUInt16LE(56) * programHeaderBytes);
    for (let at = 0; at < programs.length; at += programHeaderBytes) {
      const end = programs.readBigUInt64LE(at + 8) + programs.readBigUInt64LE(at + 32);
      if (programs.readUInt32LE(at) === loaded && end > size) throw truncated(size, end);
    }
  } finally {
    closeSync(file);
  }
}

const truncated = (size: number, stated: number | bigint): Error => new Error(`${size} bytes of at least ${stated}: the file is truncated`);
