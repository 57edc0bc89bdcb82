import test from "ava";
import { suppressed } from "../../sdk/engine/suppression.js";
import { evaluate } from "../../sdk/engine/reference/index.js";
import type { ScoredBox } from "../../sdk/frame.js";
import { Graph } from "../../sdk/graph/graph.js";
import { float32, int64 } from "../../sdk/graph/tensor.js";
import { surest } from "../../sdk/network/suppression.js";
import { Random } from "../../sdk/random.js";

test("suppression in the graph keeps the boxes that greedy suppression keeps, in each image", (t) => {
  const random = new Random(5);
  const [images, count] = [3, 24];
  let taken = 0;
  for (let round = 0; round < 20; round++) {
    // Crowded, so that boxes push each other out in chains.
    const frames = Array.from({ length: images }, () =>
      Array.from({ length: count }, (_, at): ScoredBox => {
        const [x1, y1] = [random.uniform() * 24, random.uniform() * 12];
        return { label: String(random.below(2)), score: 1 - at / count, x1, y1, x2: x1 + 40 + random.uniform() * 20, y2: y1 + 30 + random.uniform() * 10 };
      }),
    );
    const graph = new Graph("suppression");
    const boxes = graph.constant(float32([images, count, 4], frames.flat().flatMap(({ x1, y1, x2, y2 }) => [x1, y1, x2, y2])));
    const labels = graph.constant(int64([images, count], frames.flat().map(({ label }) => Number(label))));
    graph.output("stays", surest(boxes, labels));
    const stays = evaluate(graph, {}).get("stays")!;
    t.deepEqual(stays.shape, [images, count, 1]);
    const expected = frames.map((all) => suppressed(all));
    taken += images * count - expected.flat().length;
    t.deepEqual(frames.map((all, image) => all.filter((_, at) => stays.data[image * count + at] === 1)), expected);
  }
  t.true(taken > 0);
});
