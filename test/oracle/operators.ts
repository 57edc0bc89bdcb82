import { differentiable, forwardGraph, gradientGraph, type OperatorCase, outputTypes } from "../../sdk/cli/bench/operator-case.js";
import { OperatorPeer } from "../../sdk/cli/bench/operator-peer.js";
import { evaluate } from "../../sdk/engine/reference/index.js";
import type { Operator } from "../../sdk/graph/attributes.js";
import { sizeOf, type Tensor } from "../../sdk/graph/tensor.js";
import { allCases, type Case } from "../graph/cases.js";
import { distance, weights } from "./distance.js";
import type { Finding } from "./main.js";

/** Differences of outputs and gradients that count as rounding: both compute in float64, PyTorch with constants of its own. */
const tolerance = 1e-6;

/** Cases on which PyTorch means something else. */
const others: Readonly<Record<string, string>> = {
  "TopK: ties": "which of equal ones comes first is open in PyTorch",
  "Resize: linear, smaller with antialias": "beyond the border PyTorch leaves out, ONNX repeats (see DECISIONS.md)",
  "Resize: antialias, one axis larger": "beyond the border PyTorch leaves out, ONNX repeats (see DECISIONS.md)",
  "Resize: channels last, with antialias": "PyTorch resizes the last two axes",
  "Resize: bytes, channels last, with antialias": "PyTorch resizes the last two axes",
};

/** The case as both are given it: gradients for what the operator has them for. */
function asked(operator: Operator, { inputs, attributes, unsupported }: Case): OperatorCase {
  const wrt = unsupported ? [] : differentiable(operator, attributes, inputs.map(({ dtype, shape }) => ({ shape, dtype: dtype === "float64" ? "float32" : dtype }))).filter((at) => inputs[at]?.dtype === "float64");
  const dys = outputTypes(operator, attributes, inputs).map(({ dtype, shape }): Tensor | undefined => (dtype === "float32" && wrt.length > 0 ? { dtype: "float64", shape, data: weights(sizeOf(shape)) } : undefined));
  return { operator, attributes, inputs, wrt: dys.some(Boolean) ? wrt : [], dys };
}

/** Every operator on every case of the tests: what it answers, and its gradients, beside PyTorch's. */
export async function checkOperators(python: string, folder: string): Promise<Finding[]> {
  const peer = await OperatorPeer.start(python, { threads: 1, precision: "float64", folder });
  const findings: Finding[] = [];
  try {
    for (const { operator, given } of allCases) {
      const what = `${operator}: ${given.about}`;
      if (others[what]) {
        findings.push({ what, skipped: others[what] });
        continue;
      }
      const wanted = asked(operator, given);
      await peer.load(wanted);
      const theirs = await peer.results();
      const feeds = { ...Object.fromEntries(wanted.inputs.map((tensor, at) => [`input_${at}`, tensor])), ...Object.fromEntries(wanted.dys.flatMap((tensor, at) => (tensor ? [[`dy_${at}`, tensor]] : []))) };
      const ours = evaluate(wanted.wrt.length > 0 ? gradientGraph(wanted) : forwardGraph(wanted), feeds);
      let worst = 0;
      for (const [name, { data }] of ours) worst = Math.max(worst, distance(data, numbers(theirs.get(name)), 1e-3));
      findings.push({ what, compared: ours.size, worst, failed: !(worst <= tolerance) });
    }
    return findings;
  } finally {
    await peer.close();
  }
}

const numbers = (tensor: Tensor | undefined): ArrayLike<number | bigint> => tensor?.data ?? [];
