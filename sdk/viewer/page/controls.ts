import { element, setText } from "./dom.js";
import type { FromPage, State, ToPage } from "./wire.js";

const mostWords = 64;

/** What the reader can do: words, adapt, pause, roll back. */
export class Controls {
  readonly #words = element("vocabulary", HTMLTextAreaElement);
  readonly #camera = element("camera", HTMLSelectElement);
  readonly #notice = element("notice", HTMLElement);
  #isPaused = false;
  #isEdited = false;

  constructor(private readonly send: (message: FromPage) => void) {
    this.#words.addEventListener("input", () => {
      this.#isEdited = true;
      this.#count();
    });
    element("vocabulary-form", HTMLFormElement).addEventListener("submit", (event) => {
      event.preventDefault();
      send({ type: "setVocabulary", names: this.#names });
    });
    this.#camera.addEventListener("change", () => this.chooseAgain());
    element("adapt", HTMLButtonElement).addEventListener("click", () => send({ type: "adaptNow" }));
    element("pause", HTMLButtonElement).addEventListener("click", () => send({ type: this.#isPaused ? "resume" : "pause" }));
    element("roll-back", HTMLButtonElement).addEventListener("click", () => send({ type: "rollBack" }));
  }

  /** A line that is new knows nothing of the choice. */
  chooseAgain(): void {
    if (this.#camera.value !== "") this.send({ type: "camera", name: this.#camera.value });
  }

  /** Words that the reader is typing are left alone. */
  update({ paused, vocabulary, cameras }: State): void {
    this.#isPaused = paused;
    this.#offer(cameras);
    if (this.#isEdited || document.activeElement === this.#words) return;
    const text = vocabulary.join(", ");
    if (this.#words.value !== text) this.#words.value = text;
    this.#count();
  }

  #offer(cameras: readonly string[]): void {
    element("camera-choice", HTMLElement).hidden = cameras.length < 2;
    // Those of a server that was started anew may be others, as many.
    if (cameras.join() !== [...this.#camera.options].map(({ value }) => value).join()) this.#camera.replaceChildren(...cameras.map((name) => new Option(name, name)));
  }

  answered(message: Extract<ToPage, { type: "done" | "refused" }>): void {
    if (message.type === "done" && message.what === "setVocabulary") this.#isEdited = false;
    this.#notice.hidden = false;
    this.#notice.classList.toggle("bad", message.type === "refused");
    this.#notice.textContent = message.type === "refused" ? `${message.code}: ${message.text}` : (doneTexts[message.what] ?? "Done.");
  }

  get #names(): string[] {
    return this.#words.value.split(/[,\n]/).map((name) => name.trim()).filter((name) => name !== "");
  }

  #count(): void {
    const { length } = this.#names;
    setText("word-count", `${length} of at most ${mostWords} names, separated by commas`);
    element("word-count", HTMLElement).classList.toggle("bad", length < 1 || length > mostWords);
  }
}

const doneTexts: Readonly<Record<string, string>> = {
  setVocabulary: "The network answers in these words from now on.",
  adaptNow: "An adaptation was asked for.",
  pause: "No adaptation will start by itself until you resume.",
  resume: "Adaptations may start again.",
  rollBack: "The previous generation was asked back.",
};
