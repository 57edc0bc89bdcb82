/** Follows the reader's light or dark page. */
const plotStyle = `
  text { font: 12px system-ui, sans-serif; fill: #24292f }
  .title { font-weight: 600 } .quiet { fill: #6e7781; font-size: 11px }
  .line { stroke: #d0d7de } .before { stroke: #6e7781; stroke-dasharray: 3 3 } .spread { stroke: #4c6ef5; stroke-width: 2 }
  .mean { fill: #4c6ef5 } .seed { fill: #4c6ef5; opacity: 0.35 }
  @media (prefers-color-scheme: dark) { text { fill: #e6edf3 } .quiet { fill: #8b949e } .line { stroke: #30363d } .before { stroke: #8b949e } }`;

/** A whole picture. `title`: for readers that do not see it. `style`: besides `plotStyle`. */
export const svg = (width: number, height: number, title: string, parts: readonly string[], style = ""): string =>
  [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img">`,
    `<title>${escaped(title)}</title>`,
    `<style>${plotStyle}${style}</style>`,
    ...parts,
    "</svg>",
    "",
  ].join("\n");

/** For text in SVG. */
export const escaped = (text: string): string => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");
