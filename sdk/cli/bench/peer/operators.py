"""Runs single operators in PyTorch, forward and backward, as its parent asks: one JSON object a line in, one a line out.

Usage: operators.py THREADS PRECISION. A case is a safetensors file of `input_0`, ..., and of `dy_0`, ... for each output of floats; its description says
the operator, its attributes, and which inputs a gradient is wanted for. PRECISION float64 computes in float64, float32 as the cases come.
"""

import json
import sys
import time

try:
    import torch
    import tensors
    from onnx_operators import apply
except ImportError as error:
    print(json.dumps({"kind": "missing", "what": str(error)}), flush=True)
    sys.exit(1)


class Case:
    def __init__(self, path):
        loaded, metadata = tensors.read(path)
        description = json.loads(metadata["description"])
        self.operator, self.attributes, self.wrt = (description[key] for key in ("operator", "attributes", "wrt"))
        loaded = {name: t.to(torch.get_default_dtype()) if t.is_floating_point() else t for name, t in loaded.items()}
        self.inputs = [loaded[f"input_{i}"] for i in range(description["inputs"])]
        for i in self.wrt:
            self.inputs[i].requires_grad_()
        self.outputs = self.forward()
        self.taught = [i for i, y in enumerate(self.outputs) if y.requires_grad and f"dy_{i}" in loaded]
        self.dys = [loaded[f"dy_{i}"] for i in self.taught]

    def forward(self):
        return apply(self.operator, self.inputs, self.attributes)

    def backward(self):
        return torch.autograd.grad([self.outputs[i] for i in self.taught], [self.inputs[i] for i in self.wrt], self.dys, retain_graph=True)

    def results(self):
        named = {f"output_{i}": y for i, y in enumerate(self.outputs)}
        if self.taught:
            named.update({f"gradient_{i}": dx for i, dx in zip(self.wrt, self.backward())})
        return named

    def is_view(self):
        """Of either direction, whether it answers numbers that it was given, seen in another way."""
        return {"forward": seen_in(self.outputs, self.inputs), "backward": bool(self.taught) and seen_in(self.backward(), self.dys)}


def seen_in(answers, given):
    def memory(x):
        # The name since PyTorch 2, and the one before.
        return getattr(x, "untyped_storage", x.storage)().data_ptr()

    return all(memory(y) in {memory(x) for x in given} for y in answers)


def size(x):
    return x.detach().double().square().sum().sqrt().item()


def main(threads, precision):
    torch.set_num_threads(threads)
    torch.set_default_dtype(getattr(torch, precision))
    torch.set_flush_denormal(True)
    case = None
    answer({"kind": "ready", "version": f"PyTorch {torch.__version__}"})
    for line in sys.stdin:
        request = json.loads(line)
        if request["kind"] == "load":
            case = Case(request["path"])
            answer({"kind": "loaded", "sizes": {name: size(x) for name, x in case.results().items()}, "isView": case.is_view()})
        elif request["kind"] == "run":
            run, times = case.backward if request["backward"] else case.forward, []
            for _ in range(request["count"]):
                start = time.perf_counter()
                run()
                times.append((time.perf_counter() - start) * 1000)
            answer({"kind": "ran", "ms": times})
        elif request["kind"] == "save":
            tensors.write(request["path"], case.results())
            answer({"kind": "saved"})


def answer(message):
    print(json.dumps(message), flush=True)


main(int(sys.argv[1]), sys.argv[2])
