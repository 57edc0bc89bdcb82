import { NightshiftError } from "../errors.js";
import type { Attributes, Operator } from "./attributes.js";
import { inferenceRules } from "./shapes.js";
import { sizeOf, type DType, type Shape, type Tensor } from "./tensor.js";

/** Elements of one tensor: a gigabyte and more of numbers is a file that lies about its shapes. */
const mostElements = 2 ** 30;

/** A tensor in a graph that is being built: its type and shape are known, its numbers are not. */
export class Value {
  constructor(
    readonly graph: Graph,
    readonly name: string,
    readonly dtype: DType,
    readonly shape: Shape,
  ) {}

  get rank(): number {
    return this.shape.length;
  }

  get size(): number {
    return sizeOf(this.shape);
  }

  toString(): string {
    return `${this.name}: ${this.dtype}[${this.shape.join(", ")}]`;
  }
}

/** An operator applied to values. */
export interface Node<K extends Operator = Operator> {
  readonly operator: K;
  readonly attributes: Attributes[K];
  readonly inputs: readonly Value[];
  readonly outputs: readonly Value[];
}

export const isOperator = <K extends Operator>(node: Node, operator: K): node is Node & Node<K> => node.operator === operator;

/**
 * An ONNX graph as a value: inputs, constants and nodes in the order they were added, which is a topological order.
 * Shapes are inferred while it is built, so a mistake throws `E_GRAPH_SHAPE` from the line that made it.
 */
export class Graph {
  readonly inputs: Value[] = [];
  readonly outputs: { name: string; value: Value }[] = [];
  readonly nodes: Node[] = [];
  readonly constants = new Map<Value, Tensor>();
  /** The numbers of `scalar` as they were meant, for engines that compute in float64. */
  readonly exactScalars = new Map<Value, number>();
  readonly #names = new Set<string>();
  readonly #producers = new Map<Value, Node>();
  readonly #scalars = new Map<string, Value>();
  readonly #stopped = new Set<Value>();
  #scope = "";
  /** Counted within each scope, so that what one scope holds does not rename what others do. */
  readonly #counters = new Map<string, number>();

  /** `reserved`: names that values which are given none do not take, as those that are given one later will have them. */
  constructor(
    readonly name: string,
    private readonly reserved: ReadonlySet<string> = new Set(),
  ) {}

  input(name: string, dtype: DType, shape: Shape): Value {
    const value = this.#value(name, dtype, shape);
    this.inputs.push(value);
    return value;
  }

  constant(tensor: Tensor, name?: string): Value {
    if (tensor.data.length !== sizeOf(tensor.shape))
      throw new NightshiftError("E_GRAPH_SHAPE", {
        expected: `${sizeOf(tensor.shape)} elements for shape [${tensor.shape.join(", ")}]`,
        received: `${tensor.data.length} elements`,
        remedy: "Give the constant the shape of its data.",
      });
    const value = this.#value(name ?? this.#fresh("constant"), tensor.dtype, tensor.shape);
    this.constants.set(value, tensor);
    return value;
  }

  /** A float32 scalar constant, shared between its uses within a scope: names in one must not depend on what another holds. */
  scalar(value: number): Value {
    const key = `${this.#scope}${Object.is(value, -0) ? "-0" : value}`;
    let found = this.#scalars.get(key);
    if (!found) {
      found = this.constant({ dtype: "float32", shape: [], data: Float32Array.of(value) });
      this.#scalars.set(key, found);
      this.exactScalars.set(found, value);
    }
    return found;
  }

  output(name: string, value: Value): void {
    const shadowed = this.#names.has(name) && value.name !== name;
    if (shadowed || this.outputs.some((o) => o.name === name))
      throw new NightshiftError("E_GRAPH_SHAPE", {
        expected: "output names that differ from each other and from inputs",
        received: `${JSON.stringify(name)} twice`,
        remedy: "Rename one of the outputs.",
      });
    this.#names.add(name);
    this.outputs.push({ name, value });
  }

  /**
   * Applies an operator; most callers use the functions of `ops.ts` instead.
   * `names`: of the outputs, where they are to have names of their own.
   */
  node<K extends Operator>(operator: K, inputs: readonly Value[], attributes: Attributes[K], names: readonly string[] = []): readonly Value[] {
    for (const input of inputs)
      if (input.graph !== this)
        throw new NightshiftError("E_GRAPH_SHAPE", {
          expected: `values of graph ${this.name}`,
          received: `${input} of graph ${input.graph.name}`,
          remedy: "Build each graph from its own values.",
        });
    const types = inferenceRules[operator](inputs, attributes);
    const outputs = types.map((type, i) => this.#value(names[i] || this.#fresh(operator), type.dtype, type.shape));
    const node: Node<K> = { operator, attributes, inputs, outputs };
    this.nodes.push(node);
    for (const output of outputs) this.#producers.set(output, node);
    return outputs;
  }

  /** The node that computes a value; undefined for inputs and constants. */
  producer(value: Value): Node | undefined {
    return this.#producers.get(value);
  }

  /** Marks a value through which no gradient flows back. */
  stop(value: Value): void {
    this.#stopped.add(value);
  }

  isStopped(value: Value): boolean {
    return this.#stopped.has(value);
  }

  /** Names made inside `build` start with `name/`. */
  scope<T>(name: string, build: () => T): T {
    const outer = this.#scope;
    this.#scope = `${outer}${name}/`;
    try {
      return build();
    } finally {
      this.#scope = outer;
    }
  }

  #fresh(stem: string): string {
    for (;;) {
      const count = this.#counters.get(this.#scope) ?? 0;
      this.#counters.set(this.#scope, count + 1);
      const name = `${this.#scope}${stem}_${count}`;
      if (!this.#names.has(name) && !this.reserved.has(name)) return name;
    }
  }

  #value(name: string, dtype: DType, shape: Shape): Value {
    if (this.#names.has(name))
      throw new NightshiftError("E_GRAPH_SHAPE", {
        expected: `names that differ in graph ${this.name}`,
        received: `${JSON.stringify(name)} twice`,
        remedy: "Rename one of the values.",
      });
    if (!shape.every((extent) => Number.isSafeInteger(extent) && extent >= 0) || sizeOf(shape) > mostElements)
      throw new NightshiftError("E_GRAPH_SHAPE", {
        expected: `whole extents, and at most ${mostElements} elements in a tensor`,
        received: `${name} [${shape.join(", ")}]`,
        remedy: "Check the shapes that the model states.",
      });
    this.#names.add(name);
    return new Value(this, name, dtype, shape);
  }
}

/** The nodes that take each value, each once, in order. */
export function consumersOf(nodes: readonly Node[]): ReadonlyMap<Value, readonly Node[]> {
  const consumers = new Map<Value, Node[]>();
  for (const node of nodes)
    for (const input of new Set(node.inputs)) {
      const known = consumers.get(input);
      if (known) known.push(node);
      else consumers.set(input, [node]);
    }
  return consumers;
}
