import { Charts } from "./charts.js";
import { Connection } from "./connection.js";
import { Controls } from "./controls.js";
import { Palette } from "./palette.js";
import { Stage } from "./stage.js";
import { showLink, showProgress, showState } from "./status.js";
import { Verdicts } from "./verdicts.js";
import type { ToPage } from "./wire.js";

const stage = new Stage(new Palette());
const charts = new Charts();
const verdicts = new Verdicts();
const connection = new Connection({ message: receive, frame: (frame) => stage.show(frame), link });
const controls = new Controls((message) => connection.send(message));

function link(state: "live" | "gone"): void {
  showLink(state);
  if (state === "live") controls.chooseAgain();
}

function receive(message: ToPage): void {
  switch (message.type) {
    case "history": {
      const lastLoss = message.history.losses.at(-1);
      charts.restore(message.history);
      verdicts.restore(message.history);
      if (lastLoss) showProgress(lastLoss);
      break;
    }
    case "state":
      showState(message.state);
      controls.update(message.state);
      charts.addState(message.state);
      break;
    case "loss":
      charts.addLoss(message.loss);
      showProgress(message.loss);
      break;
    case "event":
      charts.addEvent(message.event);
      verdicts.add(message.event);
      break;
    case "done":
    case "refused":
      controls.answered(message);
  }
}
