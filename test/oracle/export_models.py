"""Exports small models with random weights to ONNX, their parameters being inputs, with PyTorch's gradients of them in float64 beside.

Usage: export_models.py FOLDER PEER, where PEER is the folder of `tensors.py`. For each model FOLDER gets NAME.onnx, NAME.safetensors (`feed/<input>`, `dy`,
`gradient/<parameter>`) and, where the package onnx-ad can differentiate it, NAME.adjoint.onnx. One JSON object a model on stdout.
"""

import json
import sys
import warnings

warnings.filterwarnings("ignore")
try:
    import onnx
    import torch
    import torch.nn as nn
    import torch.nn.functional as F
except ImportError as error:
    print(json.dumps({"missing": str(error)}))
    sys.exit(0)

try:
    import onnx_ad
except ImportError:
    onnx_ad = None

folder = sys.argv[1]
sys.path.insert(0, sys.argv[2])
import tensors  # noqa: E402


class Convolutions(nn.Module):
    """Grouped, dilated, strided and transposed convolutions, normalisations, pooling and resizing."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 8, 3, 2, 1, bias=False), nn.BatchNorm2d(8), nn.SiLU())
        self.depthwise = nn.Sequential(nn.Conv2d(8, 8, 3, padding=2, dilation=2, groups=8), nn.GroupNorm(2, 8), nn.Hardswish())
        self.grouped = nn.Sequential(nn.Conv2d(8, 12, 3, 2, 1, groups=4), nn.InstanceNorm2d(12, affine=True), nn.PReLU(12))
        self.up = nn.ConvTranspose2d(12, 8, 3, 2, 1, output_padding=1)
        self.squeeze = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Conv2d(8, 4, 1), nn.LeakyReLU(0.1), nn.Conv2d(4, 8, 1), nn.Hardsigmoid())
        self.head = nn.Conv2d(16, 5, 1)

    def forward(self, x):
        a = self.depthwise(self.stem(x))
        b = self.up(self.grouped(a))
        b = b * self.squeeze(b) + F.avg_pool2d(a, 3, 1, 1, count_include_pad=False)
        small = F.interpolate(F.max_pool2d(a, 2), size=a.shape[2:], mode="bilinear", align_corners=False)
        return F.interpolate(self.head(torch.cat([b, small], 1)), scale_factor=2, mode="bilinear", align_corners=False)


class Transformer(nn.Module):
    """Embedding of places, attention, layer normalisation and a GELU, as in BERT and ViT."""

    def __init__(self):
        super().__init__()
        self.patches = nn.Conv2d(3, 16, 8, 8)
        self.place = nn.Parameter(torch.randn(1, 33, 16) * 0.1)
        self.first = nn.Parameter(torch.randn(1, 1, 16) * 0.1)
        self.blocks = nn.ModuleList([nn.ModuleList([nn.LayerNorm(16), nn.Linear(16, 48), nn.Linear(16, 16), nn.LayerNorm(16), nn.Linear(16, 32), nn.Linear(32, 16)]) for _ in range(2)])
        self.head = nn.Linear(16, 7)

    def forward(self, x):
        x = self.patches(x).flatten(2).transpose(1, 2)
        x = torch.cat([self.first, x], 1) + self.place
        for norm, qkv, out, norm2, wide, narrow in self.blocks:
            q, k, v = (part.unflatten(2, (4, 4)).transpose(1, 2) for part in qkv(norm(x)).chunk(3, 2))
            x = x + out((torch.softmax(q @ k.transpose(2, 3) / 2, -1) @ v).transpose(1, 2).flatten(2))
            x = x + narrow(F.gelu(wide(norm2(x))))
        return F.log_softmax(self.head(x[:, 0]), -1) + F.normalize(self.head(x[:, 1:]).mean(1), dim=1)


class Queries(nn.Module):
    """A decoder of queries as DETR has it: the best places by TopK, cross attention, boxes refined by an inverse sigmoid."""

    def __init__(self):
        super().__init__()
        self.backbone = nn.Sequential(nn.Conv2d(3, 16, 5, 4, 2), nn.ReLU(), nn.Conv2d(16, 16, 3, 2, 1), nn.ReLU())
        self.score, self.anchor = nn.Linear(16, 4), nn.Linear(16, 4)
        self.q, self.k, self.v = nn.Linear(16, 16), nn.Linear(16, 16), nn.Linear(16, 16)
        self.names, self.boxes = nn.Linear(16, 4), nn.Linear(16, 4)

    def forward(self, x):
        memory = self.backbone(x).flatten(2).transpose(1, 2)
        best = self.score(memory).amax(2).topk(6, 1).indices[:, :, None]
        query = memory.gather(1, best.expand(-1, -1, 16))
        reference = torch.sigmoid(self.anchor(memory).gather(1, best.expand(-1, -1, 4)))
        query = query + torch.softmax(self.q(query) @ self.k(memory).transpose(1, 2) / 4, -1) @ self.v(memory)
        inverse = torch.log(reference.clamp(min=1e-5) / (1 - reference).clamp(min=1e-5))
        return torch.cat([self.names(query), torch.sigmoid(self.boxes(query) + inverse)], 2)


class Deformable(nn.Module):
    """Deformable attention: each query looks at places of its own in a map, as in RT-DETR."""

    def __init__(self):
        super().__init__()
        self.backbone = nn.Sequential(nn.Conv2d(3, 16, 5, 4, 2), nn.GELU())
        self.queries = nn.Parameter(torch.randn(1, 6, 16) * 0.5)
        self.reference, self.offsets, self.weights = nn.Linear(16, 2), nn.Linear(16, 8), nn.Linear(16, 4)
        self.value, self.head = nn.Conv2d(16, 16, 1), nn.Linear(16, 6)

    def forward(self, x):
        places = torch.sigmoid(self.reference(self.queries))[:, :, None] + self.offsets(self.queries).unflatten(2, (4, 2)) * 0.1
        seen = F.grid_sample(self.value(self.backbone(x)), 2 * places - 1, mode="bilinear", padding_mode="zeros", align_corners=False)
        looked = (seen * torch.softmax(self.weights(self.queries), -1)[:, None]).sum(-1).transpose(1, 2)
        return self.head(self.queries + looked)


class Places(nn.Module):
    """Values written at some places and read at others, attention of channels along one axis, and averages of windows that reach beyond the end."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 8, 3, 2, 1), nn.SiLU())
        self.channels = nn.Conv1d(1, 1, 3, padding=1, bias=False)
        self.weights = nn.Linear(8, 5)
        self.register_buffer("rows", torch.tensor([3, 0, 3, 7]))
        self.register_buffer("columns", torch.tensor([1, 1, 5, 0]))

    def forward(self, x):
        y = self.stem(x)
        y = y * torch.sigmoid(self.channels(y.mean((2, 3))[:, None]))[:, 0, :, None, None]
        z = y * 1.5
        z[:, 1:3, ::2] = y[:, 3:5, 1::2] * y[:, 1:3, ::2]
        z = F.avg_pool2d(z[:, :, 1:], 2, 2, ceil_mode=True, count_include_pad=False)
        seen = z.permute(2, 3, 0, 1)[self.rows, self.columns][:, 0]
        return self.weights(seen) + self.weights(z.flatten(2).mean(2)) @ torch.linspace(0, 1, 5, dtype=x.dtype)


def models():
    """Pairs of a name and what makes the model, its input's shape and its opset."""
    yield "convolutions", Convolutions, (1, 3, 32, 48), 17
    yield "convolutions-opset11", Convolutions, (1, 3, 32, 48), 11
    yield "transformer", Transformer, (1, 3, 32, 64), 17
    yield "queries", Queries, (1, 3, 48, 64), 16
    yield "deformable", Deformable, (1, 3, 48, 64), 17
    yield "places", Places, (1, 3, 32, 24), 17
    from transformers import Dinov2Config, Dinov2Model, SegformerConfig, SegformerForSemanticSegmentation

    segformer = dict(num_labels=5, hidden_sizes=[8, 16, 16, 24], depths=[1, 1, 1, 1], num_attention_heads=[1, 2, 2, 4], decoder_hidden_size=16, attn_implementation="eager")
    yield "segformer", lambda: SegformerForSemanticSegmentation(SegformerConfig(**segformer)), (1, 3, 64, 64), 17
    dinov2 = dict(image_size=28, patch_size=14, hidden_size=24, num_hidden_layers=2, num_attention_heads=3, attn_implementation="eager")
    yield "dinov2", lambda: Dinov2Model(Dinov2Config(**dinov2)), (1, 3, 28, 28), 17
    from torchvision.models import MobileNetV3, SwinTransformer
    from torchvision.models.mobilenetv3 import InvertedResidualConfig as Block

    mobile = [Block(8, 3, 16, 8, True, "RE", 2, 1, 1.0), Block(8, 5, 24, 16, True, "HS", 2, 1, 1.0)]
    yield "mobilenetv3", lambda: MobileNetV3(mobile, 24, num_classes=6), (1, 3, 32, 48), 13
    yield "swin", lambda: SwinTransformer([4, 4], 12, [2, 2], [2, 4], [2, 2], stochastic_depth_prob=0.0, num_classes=6), (1, 3, 32, 32), 17


class Answer(nn.Module):
    """The model, answering one tensor."""

    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, x):
        y = self.model(x)
        return y if torch.is_tensor(y) else y[0]


def with_parameters_as_inputs(model, names):
    graph = model.graph
    for tensor in [tensor for tensor in graph.initializer if tensor.name in names]:
        graph.input.append(onnx.helper.make_tensor_value_info(tensor.name, tensor.data_type, tensor.dims))
        graph.initializer.remove(tensor)
    return model


def export(name, make, shape, opset):
    torch.manual_seed(3)
    model = Answer(make()).eval()
    for buffer_name, buffer in model.named_buffers():
        if "running_mean" in buffer_name:
            buffer.normal_(0, 0.1)
        if "running_var" in buffer_name:
            buffer.uniform_(0.5, 1.5)
    for parameter in model.parameters():
        # Away from the exact zeros and ones of first weights, where some gradients vanish.
        parameter.data += 0.05 * torch.randn_like(parameter)
    x = torch.randn(shape)
    path = f"{folder}/{name}.onnx"
    torch.onnx.export(model, x, path, opset_version=opset, input_names=["x"], output_names=["y"], dynamo=False, do_constant_folding=False)
    parameters = dict(model.named_parameters())
    exported = with_parameters_as_inputs(onnx.load(path), parameters)
    onnx.save(exported, path)
    present = [value.name for value in exported.graph.input if value.name in parameters]

    model, x = model.double(), x.double()
    y = model(x)
    dy = torch.randn(y.shape, dtype=y.dtype)
    found = torch.autograd.grad(y, [parameters[each] for each in present], dy, allow_unused=True)
    found = [torch.zeros_like(parameters[each]) if gradient is None else gradient for each, gradient in zip(present, found)]
    content = {"feed/x": x, "dy": dy}
    content.update({f"feed/{each}": parameters[each] for each in present})
    content.update({f"gradient/{each}": gradient for each, gradient in zip(present, found)})
    tensors.write(f"{folder}/{name}.safetensors", content)
    return {"name": name, "opset": opset, "parameters": len(present), "adjoint": adjoint(name, exported, present)}


def adjoint(name, exported, present):
    """Whether onnx-ad differentiates the model, or why it does not."""
    if onnx_ad is None:
        return "the package onnx-ad is not installed"
    try:
        onnx.save(onnx_ad.reverse(exported, inputs=present, layout="onnx"), f"{folder}/{name}.adjoint.onnx")
        return True
    except Exception as error:
        return f"{type(error).__name__}: {error}"


try:
    for each in models():
        try:
            print(json.dumps(export(*each)), flush=True)
        except Exception as error:
            print(json.dumps({"name": each[0], "failed": f"{type(error).__name__}: {error}"}), flush=True)
except ImportError as error:
    print(json.dumps({"missing": str(error)}))
