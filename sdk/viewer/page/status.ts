import { element, round, setText } from "./dom.js";
import type { LossPoint, State } from "./wire.js";

/** The figures of the moment. */
export function showState(state: State): void {
  setText("source", `${state.source} · ${state.bundle} · ${state.address}`);
  setText("condition", state.condition);
  element("condition", HTMLElement).dataset.condition = state.condition;
  setText("generation", `generation ${state.generation}`);
  setText("fps", round(state.fps));
  setText("p50", round(state.latencyMs.p50, 0));
  setText("p95", round(state.latencyMs.p95, 0));
  setText("answered", state.answered.toLocaleString("en"));
  setText("dropped", state.dropped.toLocaleString("en"));
  setText("lost", state.lost.toLocaleString("en"));
  element("lost", HTMLElement).classList.toggle("bad", state.lost !== 0);
  setText("adaptation", state.paused ? `${state.adaptation}, paused` : state.adaptation);
  setText("pause", state.paused ? "Resume" : "Pause");
}

/** How far the trainer is. */
export function showProgress({ step, steps, losses }: LossPoint): void {
  const bar = element("progress", HTMLProgressElement);
  bar.max = Math.max(1, steps);
  bar.value = step;
  const [name, value] = Object.entries(losses)[0] ?? [];
  setText("progress-text", `Step ${step}${steps ? ` of ${steps}` : ""}${value === undefined ? "" : ` · ${name} ${value.toFixed(3)}`}`);
}

export function showLink(state: "live" | "gone"): void {
  setText("link", state === "live" ? "live" : "connection lost");
  element("link", HTMLElement).dataset.state = state;
}
