"""Runs Nightshift's training step in PyTorch eager, as its parent asks: one JSON object a line in, one a line out.

Usage: train_step.py PROBLEM THREADS PRECISION, where PROBLEM is a safetensors file of weights, a batch and the step's description.
PRECISION float64 computes everything in float64, float32 as the problem comes.
"""

import json
import sys
import time

try:
    import torch
    import tensors
    from steps import STEPS
except ImportError as error:
    print(json.dumps({"kind": "missing", "what": str(error)}), flush=True)
    sys.exit(1)

from types import SimpleNamespace

from network import places


def resident_mb(field):
    """VmRSS or VmHWM of this process. The peak of getrusage would include the parent's, from before exec."""
    with open("/proc/self/status", encoding="ascii") as file:
        return next(int(line.split()[1]) / 1024 for line in file if line.startswith(f"{field}:"))


class Peak:
    """The most that this process held since this was made, above what it held then; what is done aside does not count."""

    def __init__(self):
        self.before_mb = resident_mb("VmRSS")
        self.most_mb = 0

    def mb(self):
        return max(self.most_mb, resident_mb("VmHWM")) - self.before_mb

    def aside(self, work):
        self.most_mb = max(self.most_mb, resident_mb("VmHWM"))
        work()
        # VmHWM begins anew (proc_pid_clear_refs(5)).
        with open("/proc/self/clear_refs", "w", encoding="ascii") as file:
            file.write("5")


def load(path):
    loaded, metadata = tensors.read(path)
    loaded = {name: t.to(torch.get_default_dtype()) if t.is_floating_point() else t for name, t in loaded.items()}
    description = json.loads(metadata["description"])
    config = SimpleNamespace(**description["network"], maskRatio=description["maskRatio"])
    weights = {name.removeprefix("weights/"): t for name, t in loaded.items() if name.startswith("weights/")}
    batch = {name.removeprefix("batch/"): t for name, t in loaded.items() if name.startswith("batch/")}
    config.places = places(config, batch["text"])
    return STEPS[description["step"]](weights, description["trains"], description["scalars"], config), batch


def answer(message):
    print(json.dumps(message), flush=True)


def load_code():
    """Has PyTorch import what it imports when first used: code is not the step's memory."""
    parameter = torch.nn.Parameter(torch.ones(1))
    optimizer = torch.optim.AdamW([parameter])
    parameter.square().sum().backward()
    optimizer.step()


def main(problem, threads, precision):
    torch.set_num_threads(threads)
    torch.set_default_dtype(getattr(torch, precision))
    torch.set_flush_denormal(True)
    load_code()
    peak = Peak()
    step, batch = load(problem)
    answer({"kind": "ready", "version": f"PyTorch {torch.__version__}"})
    for line in sys.stdin:
        request = json.loads(line)
        if request["kind"] == "steps":
            times, results = [], {}
            for _ in range(request["count"]):
                start = time.perf_counter()
                results = step(batch)
                times.append((time.perf_counter() - start) * 1000)
            answer({"kind": "stepped", "ms": times, "results": results, "peakMb": peak.mb()})
        elif request["kind"] == "save":
            peak.aside(lambda: tensors.write(request["path"], step.state()))
            answer({"kind": "saved"})


main(sys.argv[1], int(sys.argv[2]), sys.argv[3])
