import { InvalidArgumentError } from "commander";
import type { FrameSize } from "../engine/model.js";
import { isTrainable, type Trainable, trainableForms } from "../network/trainable.js";

/** For commander: a whole number of at least `least`. */
export const wholeNumber =
  (least: number) =>
  (text: string): number => {
    const value = Number(text);
    // An empty text, as a variable of a shell that is not set leaves it, is none.
    if (text.trim() !== "" && Number.isInteger(value) && value >= least) return value;
    throw new InvalidArgumentError(`Expected a whole number of at least ${least}.`);
  };

/** For commander: a port, or 0. */
export function port(text: string): number {
  const value = wholeNumber(0)(text);
  if (value <= 65_535) return value;
  throw new InvalidArgumentError("Expected a port, 0 to 65535.");
}

/** For commander: a number of at least `least`. */
export const number =
  (least: number) =>
  (text: string): number => {
    const value = Number(text);
    if (text.trim() !== "" && Number.isFinite(value) && value >= least) return value;
    throw new InvalidArgumentError(`Expected a number of at least ${least}.`);
  };

/** For commander: a number above 0. */
export function positive(text: string): number {
  const value = number(0)(text);
  if (value > 0) return value;
  throw new InvalidArgumentError("Expected a number above 0.");
}

/** For commander: a share, 0 to 1. */
export function share(text: string): number {
  const value = number(0)(text);
  if (value <= 1) return value;
  throw new InvalidArgumentError("Expected a share, 0 to 1.");
}

/** For commander: which parameters learn. */
export function trains(text: string): Trainable {
  if (isTrainable(text)) return text;
  throw new InvalidArgumentError(`Expected ${trainableForms}.`);
}

/** For commander: names separated by commas. Whether they make a vocabulary is checked where they are used. */
export const names = (text: string): string[] => text.split(",").map((name) => name.trim());

/** For commander: NAME=WORD pairs separated by commas. */
export function words(text: string): ReadonlyMap<string, string> {
  const pairs = text.split(",").map((pair) => pair.split("=").map((part) => part.trim()));
  if (pairs.every((pair) => pair.length === 2 && pair.every((part) => part !== ""))) return new Map(pairs as [string, string][]);
  throw new InvalidArgumentError("Expected NAME=WORD, separated by commas.");
}

/** For commander: sizes such as 1280x720, separated by commas. */
export function frameSizes(text: string): readonly FrameSize[] {
  return text.split(",").map((size) => {
    const [, width, height] = /^(\d{2,5})x(\d{2,5})$/.exec(size.trim()) ?? [];
    if (width === undefined || height === undefined) throw new InvalidArgumentError("Expected sizes such as 1280x720, separated by commas.");
    return { width: Number(width), height: Number(height) };
  });
}

/** For commander: an option that may be given again and again. */
export const repeated = (text: string, before: readonly string[] = []): readonly string[] => [...before, text];

/** What `--text-encoder` says wherever names are encoded. */
export const textEncoder = ["--text-encoder <folder>", "the CLIP text tower that the bundle was trained with, for names that it does not hold; the bundled text encoder by default"] as const;

/** What `--trust` says wherever a bundle is read. */
export const trust = ["--trust <file>", "a public key: the bundle must be signed by it (`nightshift sign`); may be given again", repeated] as const;

/** For commander: AXIS=EXTENT pairs separated by commas. */
export function pins(text: string): Readonly<Record<string, number>> {
  const pairs = text.split(",").map((pair) => /^\s*([^=]*[^=\s])\s*=\s*([1-9]\d*)\s*$/.exec(pair));
  if (pairs.every((pair) => pair !== null)) return Object.fromEntries(pairs.map(([, axis, extent]) => [axis, Number(extent)]));
  throw new InvalidArgumentError("Expected AXIS=EXTENT, separated by commas, for example height=512,width=1024.");
}
