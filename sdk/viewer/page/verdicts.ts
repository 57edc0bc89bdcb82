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

/** What the judge goes by, in the order in which it matters: the name, where the numbers are among an event's details, digits, unit. */
const shown: readonly { readonly name: string; readonly paths: readonly string[]; readonly digits: number; readonly unit: string }[] = [
  { name: "target score", paths: ["numbers.targetScore.before", "numbers.targetScore.after"], digits: 1, unit: "" },
  { name: "exemplars", paths: ["numbers.before.exemplars.miou", "numbers.after.exemplars.miou"], digits: 1, unit: " mIoU" },
  { name: "in these colours", paths: ["numbers.before.restyled.miou", "numbers.after.restyled.miou"], digits: 1, unit: " mIoU" },
  { name: "boxes on exemplars", paths: ["numbers.before.exemplars.boxes.ap50", "numbers.after.exemplars.boxes.ap50"], digits: 1, unit: " AP50" },
  { name: "boxes in these colours", paths: ["numbers.before.restyled.boxes.ap50", "numbers.after.restyled.boxes.ap50"], digits: 1, unit: " AP50" },
  { name: "worst class lost", paths: ["numbers.worstClass.loss"], digits: 1, unit: " points" },
  { name: "shares moved", paths: ["numbers.shift"], digits: 2, unit: "" },
  { name: "a frame takes", paths: ["numbers.before.latencyMs", "numbers.after.latencyMs"], digits: 0, unit: " ms" },
  { name: "learnt for", paths: ["steps"], digits: 0, unit: " steps" },
  { name: "in", paths: ["seconds"], digits: 0, unit: " s" },
];

function figures(details: Readonly<Record<string, unknown>>): [string, string][] {
  return shown.flatMap(({ name, paths, digits, unit }): [string, string][] => {
    const values = paths.map((path) => numberAt(details, path)).filter((value) => value !== undefined);
    return values.length === paths.length ? [[name, values.map((value) => value.toFixed(digits)).join(" → ") + unit]] : [];
  });
}

function numberAt(details: unknown, path: string): number | undefined {
  let value = details;
  for (const key of path.split(".")) value = typeof value === "object" && value !== null ? Reflect.get(value, key) : undefined;
  return typeof value === "number" && Number.isFinite(value) ? value : undefined;
}
