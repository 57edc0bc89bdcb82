import { element, make, setText, swatch } from "./dom.js";
import type { DrawableFrame } from "./frame-message.js";
import { css, type Palette } from "./palette.js";
import type { FrameHead, WireBox } from "./wire.js";

/** The live picture with the answer drawn over it, and its legend. */
export class Stage {
  readonly #canvas = element("picture", HTMLCanvasElement);
  readonly #legend = element("legend", HTMLUListElement);
  readonly #opacity = element("opacity", HTMLInputElement);
  readonly #boxes = element("show-boxes", HTMLInputElement);
  readonly #labels = element("show-labels", HTMLInputElement);
  readonly #overlay = document.createElement("canvas");
  #last: DrawableFrame | undefined;
  #legendOf = "";

  constructor(private readonly palette: Palette) {
    this.#opacity.addEventListener("input", () => {
      setText("opacity-value", `${this.#opacity.value} %`);
      this.#redraw();
    });
    for (const input of [this.#boxes, this.#labels]) input.addEventListener("change", () => this.#redraw());
    new ResizeObserver(() => this.#redraw()).observe(this.#canvas);
  }

  show(frame: DrawableFrame): void {
    this.#last?.picture.close();
    this.#last = frame;
    const { head } = frame;
    this.#paintMask(frame);
    this.#redraw();
    element("waiting", HTMLElement).hidden = true;
    element("caption", HTMLElement).hidden = false;
    setText("caption", `${head.camera} · frame ${head.sequence} · generation ${head.generation} · ${Math.round(head.latencyMs)} ms`);
    element("invalid", HTMLElement).hidden = head.valid;
    setText("invalid", `Not valid: ${head.invalidReasons.join(", ")}`);
  }

  #paintMask({ head, mask }: DrawableFrame): void {
    const { width, height, vocabulary } = head;
    const colours = vocabulary.map((name) => this.palette.colour(name));
    const seen = new Set<number>();
    const image = new ImageData(width, height);
    for (const [pixel, category] of mask.entries()) {
      const colour = colours[category];
      if (!colour) continue;
      seen.add(category);
      image.data.set(colour, pixel * 4);
      image.data[pixel * 4 + 3] = 255;
    }
    this.#overlay.width = width;
    this.#overlay.height = height;
    this.#overlay.getContext("2d")?.putImageData(image, 0, 0);
    this.#drawLegend(head, seen);
  }

  #drawLegend({ vocabulary, boxes }: FrameHead, seen: ReadonlySet<number>): void {
    const key = JSON.stringify(vocabulary);
    if (key !== this.#legendOf) this.#legend.replaceChildren(...vocabulary.map((name) => this.#legendEntry(name)));
    this.#legendOf = key;
    const boxed = new Set(boxes.map(({ label }) => label));
    for (const [index, entry] of [...this.#legend.children].entries())
      entry.classList.toggle("absent", !seen.has(index) && !boxed.has(vocabulary[index] ?? ""));
  }

  #legendEntry(name: string): HTMLElement {
    const entry = make("li", name);
    entry.prepend(swatch(css(this.palette.colour(name))));
    return entry;
  }

  #redraw(): void {
    const context = this.#canvas.getContext("2d");
    if (!this.#last || !context) return;
    const { head, picture } = this.#last;
    const width = Math.round(Math.max(1, this.#canvas.clientWidth) * devicePixelRatio);
    const height = Math.round((width * head.cameraHeight) / head.cameraWidth);
    // Setting the size clears the canvas and makes the layout anew.
    if (this.#canvas.width !== width || this.#canvas.height !== height) Object.assign(this.#canvas, { width, height });
    context.globalAlpha = 1;
    context.imageSmoothingQuality = "high";
    context.drawImage(picture, 0, 0, width, height);
    context.globalAlpha = Number(this.#opacity.value) / 100;
    context.drawImage(this.#overlay, 0, 0, width, height);
    context.globalAlpha = 1;
    if (this.#boxes.checked) for (const box of [...head.boxes].reverse()) this.#drawBox(context, box, width / head.cameraWidth);
  }

  #drawBox(context: CanvasRenderingContext2D, { x1, y1, x2, y2, label, score }: WireBox, scale: number): void {
    const colour = css(this.palette.colour(label));
    const unit = devicePixelRatio;
    context.lineWidth = 2 * unit;
    context.strokeStyle = colour;
    context.beginPath();
    context.roundRect(x1 * scale, y1 * scale, (x2 - x1) * scale, (y2 - y1) * scale, 3 * unit);
    context.stroke();
    if (!this.#labels.checked) return;
    const text = `${label} ${Math.round(score * 100)}`;
    context.font = `600 ${11 * unit}px system-ui, sans-serif`;
    const textWidth = context.measureText(text).width + 8 * unit;
    const left = Math.max(0, Math.min(x1 * scale - unit, this.#canvas.width - textWidth));
    const top = Math.max(0, y1 * scale - 16 * unit);
    context.fillStyle = colour;
    context.beginPath();
    context.roundRect(left, top, textWidth, 16 * unit, 4 * unit);
    context.fill();
    context.fillStyle = "#0b0e16";
    context.fillText(text, left + 4 * unit, top + 12 * unit);
  }
}
