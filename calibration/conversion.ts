import type { Graph } from "../sdk/graph/graph.js";
import type { Layer } from "./layers.js";

/** How far a network may be from itself in float before layers stay in float. */
export interface Tolerance {
  /** Percent of pixels that are given another name. */
  readonly pixels: number;
  /** Mean difference of the best proposals' scores. */
  readonly boxScore: number;
  /** Mean difference of their boxes' sides, pixels of the network's input; any where it is left out. */
  readonly boxSide?: number;
  /** Mean difference of the distances, percent of them. */
  readonly depth: number;
}

/** A network of which each layer can be computed in less than float32. */
export interface Conversion {
  readonly layers: readonly Layer[];
  readonly tolerated: Tolerance;
  /** The graph with these layers' tensors (`Layer.tensors`) so. */
  readonly apply: (tensors: ReadonlySet<string>) => Graph;
}

/** The tensors of some layers. */
export const tensorsIn = (layers: readonly Layer[]): Set<string> => new Set(layers.flatMap(({ tensors }) => tensors));
