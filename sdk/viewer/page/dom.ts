/** The element of this id. The page's HTML holds every one that is asked for. */
export function element<T extends HTMLElement>(id: string, type: new () => T): T {
  const found = document.getElementById(id);
  if (!(found instanceof type)) throw new Error(`The page lacks #${id}`);
  return found;
}

export function setText(id: string, text: string): void {
  const found = element(id, HTMLElement);
  if (found.textContent !== text) found.textContent = text;
}

/** Text only: nothing that comes from the stream is ever read as HTML. */
export function make(tag: string, text = "", className = ""): HTMLElement {
  const made = document.createElement(tag);
  made.textContent = text;
  made.className = className;
  return made;
}

/** A spot of one colour. A canvas, as the page's policy allows no style attributes. */
export function swatch(colour: string): HTMLCanvasElement {
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = 1;
  const context = canvas.getContext("2d");
  if (context) context.fillStyle = colour;
  context?.fillRect(0, 0, 1, 1);
  return canvas;
}

export const clock = (timeMs: number): string => new Date(timeMs).toLocaleTimeString([], { hour12: false });

/** At most `digits` behind the point, without trailing zeros. */
export const round = (value: number, digits = 1): string => String(Number(value.toFixed(digits)));
