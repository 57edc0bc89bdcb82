"""The layers that the network is made of, on parameters by name."""

import math

import torch
import torch.nn.functional as F

EPSILON = 1e-5
BANK = [
    ([0, 0, 0, 0, 1, 0, 0, 0, 0], 1),
    ([1, 2, 1, 2, 4, 2, 1, 2, 1], 16),
    ([-1, 0, 1, -2, 0, 2, -1, 0, 1], 4),
    ([-1, -2, -1, 0, 0, 0, 1, 2, 1], 4),
    ([1, 1, 1, 1, 1, 1, 1, 1, 1], 9),
    ([0, 1, 2, -1, 0, 1, -2, -1, 0], 4),
    ([2, 1, 0, 1, 0, -1, 0, -1, -2], 4),
    ([-1, -1, -1, -1, 8, -1, -1, -1, -1], 8),
]


class Layers:
    """Layers by name. `batch`: normalise by the batch's statistics and keep a running average; otherwise by the kept ones."""

    def __init__(self, parameters, batch=False, momentum=0.05):
        self.parameters = parameters
        self.batch = batch
        self.momentum = momentum
        self.kernels = {}

    def __getitem__(self, name):
        return self.parameters[name]

    def conv(self, name, x):
        return F.conv2d(x, self[f"{name}.weight"], self[f"{name}.bias"])

    def conv_norm(self, name, x, stride=1, padding=0):
        weight, scale, bias, mean, variance = (self[f"{name}.{part}"] for part in ("weight", "scale", "bias", "mean", "variance"))
        if self.batch:
            y = F.conv2d(x, weight, None, stride, padding)
            return F.batch_norm(y, mean, variance, scale, bias, True, self.momentum, EPSILON)
        # Folded into the weights: one pass over the activations less than a normalisation of its own.
        factor = scale / torch.sqrt(variance + EPSILON)
        return F.conv2d(x, weight * factor[:, None, None, None], bias - mean * factor, stride, padding)

    def conv_norm_relu(self, name, x, stride=1, padding=0):
        return F.relu(self.conv_norm(name, x, stride, padding))

    def filter_bank(self, x, dilation=1):
        channels = x.shape[1]
        if channels not in self.kernels:
            bank = torch.tensor([[v / by for v in taps] for taps, by in BANK], dtype=torch.float32).view(len(BANK), 1, 3, 3).to(x.dtype)
            self.kernels[channels] = bank.repeat(math.ceil(channels / len(BANK)), 1, 1, 1)[:channels].contiguous()
        return F.conv2d(x, self.kernels[channels], None, 1, dilation, dilation, channels)

    def linear(self, name, x):
        return torch.matmul(x, self[f"{name}.weight"]) + self[f"{name}.bias"]

    def layer_norm(self, name, x):
        return F.layer_norm(x, x.shape[-1:], self[f"{name}.scale"], self[f"{name}.bias"], EPSILON)

    def attention(self, name, queries, keys, heads, bias=None):
        """Multi-head attention; answers with the attended values and the map [N, heads, Q, S]."""
        n, q, d = queries.shape

        def split(x):
            return x.view(n, -1, heads, d // heads).transpose(1, 2)

        query, key, value = (split(self.linear(f"{name}.{part}", x)) for part, x in (("query", queries), ("key", keys), ("value", keys)))
        scores = torch.matmul(query, key.transpose(-1, -2)) / math.sqrt(d / heads)
        attended = F.softmax(scores if bias is None else scores + bias, -1)
        joined = torch.matmul(attended, value).transpose(1, 2).reshape(n, q, d)
        return self.linear(f"{name}.output", joined), attended
