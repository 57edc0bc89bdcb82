import type { Random } from "../../sdk/random.js";

/** Numbers at which sizes and offsets go wrong. */
const edges = [0, 1, -1, 2, 3, 4, 7, 8, 16, 31, 32, 127, 128, 255, 256, 4095, 4096, 32767, 65535, 65536, 2 ** 24, 2 ** 31 - 1, -(2 ** 31), 2 ** 32, 2 ** 40, Number.MAX_SAFE_INTEGER];
const fractions = [0.5, -0.5, NaN, Infinity, -Infinity, 1e-300, 1e308];
const texts = ["", "..", "../x", "/", "\0", "__proto__", "constructor", "toString", "a".repeat(300), "\u{1f600}", "\\", "null", "1e999"];

export const chosen = <T>(random: Random, list: readonly T[]): T => list[random.below(list.length)];

/** Other bytes of about the same kind; `others` are spliced in. */
export function mutateBytes(bytes: Uint8Array, random: Random, others: readonly Uint8Array[]): Uint8Array {
  let out = Buffer.from(bytes);
  for (let times = 1 + random.below(4); times > 0; times--) {
    const at = random.below(out.length + 1);
    const length = Math.min(out.length - at, 1 + random.below(random.chance(0.8) ? 8 : 64));
    switch (random.below(7)) {
      case 0:
        if (at < out.length) out[at] = out[at] ^ (1 << random.below(8));
        break;
      case 1:
        if (at < out.length) out[at] = chosen(random, [0, 1, 2, 8, 0x7f, 0x80, 0xff, 0x22, 0x7b, random.below(256)]);
        break;
      case 2:
        out = Buffer.concat([out.subarray(0, at), out.subarray(at + length)]);
        break;
      case 3:
        out = Buffer.concat([out.subarray(0, at + length), out.subarray(at)]);
        break;
      case 4:
        out = Buffer.concat([out.subarray(0, at), Buffer.from(String(chosen(random, edges))), out.subarray(at + length)]);
        break;
      case 5: {
        const number = Buffer.alloc(8);
        number.writeBigInt64LE(BigInt(Math.trunc(chosen(random, edges))));
        number.copy(out, at, 0, chosen(random, [1, 2, 4, 8]));
        break;
      }
      case 6: {
        const other = Buffer.from(chosen(random, [bytes, ...others]));
        const from = random.below(other.length + 1);
        out = Buffer.concat([out.subarray(0, at), other.subarray(from, from + 1 + random.below(64)), out.subarray(at + length)]);
      }
    }
  }
  return new Uint8Array(out);
}

type Place = readonly [Record<string, unknown> | unknown[], string | number];

/** Changes some places of a tree of objects and lists, which is how a message stays a message: numbers, texts, lists and what hangs below them. `words` are texts that mean something there. */
export function mutateTree(root: object, random: Random, words: readonly string[] = []): void {
  for (let times = 1 + random.below(3); times > 0; times--) {
    const places: Place[] = [];
    const walk = (node: unknown): void => {
      if (typeof node !== "object" || node === null || node instanceof Uint8Array) return;
      for (const [key, child] of Object.entries(node)) {
        if (key.startsWith("$")) continue;
        places.push([node as Record<string, unknown>, key]);
        walk(child);
      }
    };
    walk(root);
    if (places.length === 0) return;
    const [holder, key] = chosen(random, places);
    const values = holder as Record<string | number, unknown>;
    values[key] = changed(values[key], random, places, words);
  }
}

function changed(value: unknown, random: Random, places: readonly Place[], words: readonly string[]): unknown {
  if (random.chance(0.15)) {
    // Another place's value of the same kind: names that refer to each other matter more than names that nobody knows.
    const like = places.map(([holder, key]) => (holder as Record<string | number, unknown>)[key]).filter((other) => typeof other === typeof value && Array.isArray(other) === Array.isArray(value));
    return structuredCloned(chosen(random, like));
  }
  if (typeof value === "number") return random.chance(0.2) ? chosen(random, fractions) : random.chance(0.3) ? value + random.below(5) - 2 : chosen(random, edges);
  if (typeof value === "bigint") return random.chance(0.3) ? value + BigInt(random.below(5) - 2) : BigInt(Math.trunc(chosen(random, edges)));
  if (typeof value === "boolean") return !value;
  if (typeof value === "string" && words.length > 0 && random.chance(0.4)) return chosen(random, words);
  if (typeof value === "string") return random.chance(0.3) ? chosen(random, texts) : new TextDecoder().decode(mutateBytes(new TextEncoder().encode(value), random, []));
  if (value instanceof Uint8Array) return mutateBytes(value, random, []);
  if (Array.isArray(value)) {
    const list: unknown[] = [...(value as unknown[])];
    const at = random.below(list.length + 1);
    if (random.chance(0.4)) list.splice(at, 1);
    else if (list.length > 0) list.splice(at, 0, structuredCloned(chosen(random, list)));
    return list;
  }
  return random.chance(0.5) ? undefined : value;
}

/** Messages of Protocol Buffers keep their prototype. */
function structuredCloned(value: unknown): unknown {
  if (typeof value !== "object" || value === null || value instanceof Uint8Array) return value;
  if (Array.isArray(value)) return value.map(structuredCloned);
  const copy = Object.create(Object.getPrototypeOf(value) as object) as Record<string, unknown>;
  for (const [key, child] of Object.entries(value)) copy[key] = structuredCloned(child);
  return copy;
}
