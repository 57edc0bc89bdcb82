import { Chart, type Band, type Mark } from "./chart.js";
import { element, make } from "./dom.js";
import { kept, thinned } from "./kept.js";
import type { Condition, History, LossPoint, PageEvent, Point, State } from "./wire.js";

const bandColours: Record<Condition, string> = {
  clear: "#6cb6ff30",
  dusk: "#ff9e6438",
  night: "#8b7cf040",
  fog: "#a9b4c238",
  unknown: "#56607918",
};

/** What is drawn as a mark, by the kind of its event. */
const markKinds: Record<string, { readonly colour: string; readonly matters?: boolean; text(event: PageEvent): string }> = {
  trigger: { colour: "#ffc777", text: () => "trigger" },
  generation_swapped: { colour: "#5de4c7", matters: true, text: ({ details }) => (typeof details.generation === "number" ? `gen ${details.generation}` : "swap") },
  generation_shelved: { colour: "#5de4c7", text: ({ details }) => (typeof details.generation === "number" ? `gen ${details.generation} kept` : "kept") },
  generation_rejected: { colour: "#ff7a90", text: () => "rejected" },
  rolled_back: { colour: "#ff9e64", matters: true, text: () => "rolled back" },
  vocabulary_changed: { colour: "#8b96b0", text: () => "words" },
};

const lossColours = ["#e8ecf6", "#8ea2ff", "#5de4c7", "#ffc777", "#ff7a90", "#6cb6ff"];

/** The three charts and the lists they are drawn from, bounded as the server's. */
export class Charts {
  readonly #timeline = new Chart(element("timeline-chart", HTMLElement), [{ label: "frames remembered", colour: "#8ea2ff", fill: "#8ea2ff2b", digits: 0 }], ["frames"]);
  readonly #pace = new Chart(
    element("pace-chart", HTMLElement),
    [
      { label: "frames a second", colour: "#5de4c7" },
      { label: "p50 ms", colour: "#ffc777", onRight: true },
      { label: "p95 ms", colour: "#ff7a90", onRight: true },
    ],
    ["frames / s", "ms"],
  );
  #loss: Chart | undefined;
  #lossNames: readonly string[] = [];
  #points: Point[] = [];
  #losses: LossPoint[] = [];
  #marks: Mark[] = [];

  restore({ points, losses, events }: History): void {
    this.#points = [...points];
    this.#losses = [...losses];
    this.#marks = events.flatMap(marks);
    this.#drawPoints();
    this.#drawLosses();
  }

  addState({ timeMs, condition, framesRemembered, fps, latencyMs }: State): void {
    this.#points.push({ timeMs, condition, framesRemembered, fps, latencyP50Ms: latencyMs.p50, latencyP95Ms: latencyMs.p95 });
    this.#points = thinned(this.#points, kept.points);
    this.#drawPoints();
  }

  addLoss(loss: LossPoint): void {
    this.#losses = thinned([...this.#losses, loss], kept.losses);
    this.#drawLosses();
  }

  addEvent(event: PageEvent): void {
    this.#marks = [...this.#marks, ...marks(event)].slice(-kept.events);
    this.#drawPoints();
  }

  #drawPoints(): void {
    const timesMs = this.#points.map(({ timeMs }) => timeMs);
    const marked = { timesMs, marks: this.#marks };
    this.#timeline.data = { ...marked, values: [this.#points.map((each) => each.framesRemembered)], bands: bands(this.#points) };
    this.#pace.data = { ...marked, values: [this.#points.map((each) => each.fps), this.#points.map((each) => each.latencyP50Ms), this.#points.map((each) => each.latencyP95Ms)] };
  }

  #drawLosses(): void {
    const names = [...new Set(this.#losses.flatMap(({ losses }) => Object.keys(losses)))];
    const root = element("loss-chart", HTMLElement);
    if (names.length === 0) return root.replaceChildren(make("p", "Nothing was learnt yet", "empty"));
    if (!this.#loss || names.join() !== this.#lossNames.join()) {
      root.replaceChildren();
      this.#loss = new Chart(root, names.map((label, index) => ({ label, colour: lossColours[index % lossColours.length] ?? "#fff", digits: 3 })), ["loss"]);
      this.#lossNames = names;
    }
    this.#loss.data = { timesMs: this.#losses.map(({ timeMs }) => timeMs), values: names.map((name) => this.#losses.map(({ losses }) => losses[name] ?? null)) };
  }
}

function marks(event: PageEvent): Mark[] {
  const kind = markKinds[event.kind];
  return kind ? [{ timeMs: event.timeMs, colour: kind.colour, matters: kind.matters ?? false, text: kind.text(event) }] : [];
}

/** Neighbours of one condition become one band. */
function bands(points: readonly Point[]): Band[] {
  const found: { fromMs: number; toMs: number; condition: Condition }[] = [];
  for (const { timeMs, condition } of points) {
    const last = found.at(-1);
    if (last) last.toMs = timeMs;
    if (last?.condition !== condition) found.push({ fromMs: timeMs, toMs: timeMs, condition });
  }
  return found.map(({ condition, ...times }) => ({ ...times, colour: bandColours[condition] }));
}
