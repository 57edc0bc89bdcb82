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
    before_mb = resident_mb("VmRSS")
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
            answer({"kind": "stepped", "ms": times, "results": results, "peakMb": resident_mb("VmHWM") - before_mb})
        elif request["kind"] == "save":
            tensors.write(request["path"], step.state())
            answer({"kind": "saved"})


main(sys.argv[1], int(sys.argv[2]), sys.argv[3])
