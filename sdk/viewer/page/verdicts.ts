import { clock, element, make } from "./dom.js";
import type { History, PageEvent } from "./wire.js";

const mostShown = 60;

/** What the judge decided, with its numbers, and the log of everything. The newest is on top. */
export class Verdicts {
  readonly #verdicts = element("verdicts", HTMLOListElement);
  readonly #events = element("events", HTMLOListElement);

  restore({ events }: History): void {
    this.#verdicts.replaceChildren(make("li", "The judge has not been asked yet", "empty"));
    this.#events.replaceChildren(make("li", "Nothing yet", "empty"));
    for (const event of events) this.add(event);
  }

  add(event: PageEvent): void {
    const line = make("li");
    line.append(make("time", clock(event.timeMs)), make("span", event.text));
    put(this.#events, line);
    if (event.kind === "verdict") put(this.#verdicts, verdict(event));
  }
}

function put(list: HTMLElement, entry: HTMLElement): void {
  list.querySelector(".empty")?.remove();
  list.prepend(entry);
  while (list.children.length > mostShown) list.lastElementChild?.remove();
}

function verdict({ timeMs, text, details }: PageEvent): HTMLElement {
  const isAccepted = details.accepted === true;
  const entry = make("li", "", `verdict${isAccepted ? " accepted" : ""}`);
  const heading = make("div", "", "heading");
  heading.append(make("b", isAccepted ? "Accepted" : "Rejected"), make("time", clock(timeMs)));
  entry.append(heading, make("p", text));
  const numbers = make("div", "", "numbers");
  for (const [name, value] of figures(details)) {
    const figure = make("span", `${name} `);
    figure.append(make("b", value));
    numbers.append(figure);
  }
  if (numbers.childElementCount > 0) entry.append(numbers);
  return entry;
}

/** Every number, two levels deep, under the words of its name. */
function figures(details: Readonly<Record<string, unknown>>, prefix = ""): [string, string][] {
  return Object.entries(details).flatMap(([key, value]): [string, string][] => {
    const name = `${prefix}${key.replace(/([a-z])([A-Z])/g, "$1 $2").toLowerCase()}`;
    if (typeof value === "number" && Number.isFinite(value)) return [[name, String(Number(value.toPrecision(4)))]];
    if (typeof value === "object" && value !== null && !Array.isArray(value) && prefix === "") return figures({ ...value }, `${name} `);
    return [];
  });
}
