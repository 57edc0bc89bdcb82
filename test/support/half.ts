import type { HalfQuantisation } from "../../sdk/bundle/index.js";
import { foldConstants } from "../../sdk/engine/constants.js";
import type { Deployable } from "../../sdk/engine/deployed.js";
import { halvable } from "../../sdk/graph/half.js";
import { inferenceGraph } from "../../sdk/network/inference.js";

/** Everything that can be in float16. */
export async function allInHalf({ network, weights }: Deployable): Promise<HalfQuantisation> {
  const graph = await foldConstants(inferenceGraph(network, weights, { frame: network, names: 16 }));
  return { precision: "float16", layers: new Set(halvable(graph).map(({ outputs }) => outputs[0].name)), calibration: { frames: 1, dataset: "test" } };
}
