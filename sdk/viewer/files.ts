import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { NightshiftError, reasonOf } from "../errors.js";
import { packageRoot } from "../paths.js";

export interface PageFile {
  readonly type: string;
  readonly bytes: Buffer;
}

const types = { html: "text/html; charset=utf-8", css: "text/css; charset=utf-8", js: "text/javascript; charset=utf-8", svg: "image/svg+xml" } as const;

/** Every file of the page: its URL, its place below the package's root (or in the package uplot), its type. Nothing else is served. */
const table = [
  ["/", "sdk/viewer/page/index.html", "html"],
  ["/style.css", "sdk/viewer/page/style.css", "css"],
  ["/icon.svg", "sdk/viewer/page/icon.svg", "svg"],
  ["/main.js", "dist/page/main.js", "js"],
  ["/connection.js", "dist/page/connection.js", "js"],
  ["/controls.js", "dist/page/controls.js", "js"],
  ["/charts.js", "dist/page/charts.js", "js"],
  ["/chart.js", "dist/page/chart.js", "js"],
  ["/dom.js", "dist/page/dom.js", "js"],
  ["/frame-message.js", "dist/page/frame-message.js", "js"],
  ["/kept.js", "dist/page/kept.js", "js"],
  ["/palette.js", "dist/page/palette.js", "js"],
  ["/stage.js", "dist/page/stage.js", "js"],
  ["/status.js", "dist/page/status.js", "js"],
  ["/verdicts.js", "dist/page/verdicts.js", "js"],
  ["/uplot.js", "uplot/uPlot.esm.js", "js"],
  ["/uplot.css", "uplot/uPlot.min.css", "css"],
] as const;

/** Reads the page's files, by URL. Throws `E_CONFIG` where one is missing. */
export async function pageFiles(): Promise<ReadonlyMap<string, PageFile>> {
  const root = packageRoot();
  const place = (path: string) => (path.startsWith("uplot/") ? join(uplotFolder(), path.slice("uplot/".length)) : join(root, path));
  const entries = table.map(async ([url, path, type]): Promise<[string, PageFile]> => {
    try {
      return [url, { type: types[type], bytes: await readFile(place(path)) }];
    } catch (cause) {
      throw new NightshiftError("E_CONFIG", {
        expected: `the page's file ${path}`,
        received: reasonOf(cause),
        remedy: "Run `npm run setup`, which builds the page, or start without it.",
        cause,
      });
    }
  });
  return new Map(await Promise.all(entries));
}

/** Where npm put it, which need not be below this package. */
const uplotFolder = (): string => dirname(createRequire(import.meta.url).resolve("uplot"));
