import { readFile } from "node:fs/promises";

/** What one of Linux's files that are made as they are read says, without the line's end; undefined where it cannot be read. */
export const textIn = (path: string): Promise<string | undefined> => readFile(path, "utf8").then((text) => text.trim(), () => undefined);
