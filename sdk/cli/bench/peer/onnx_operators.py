"""The operators of Nightshift's graphs in PyTorch, by name: each takes its input tensors and its attributes, as `sdk/graph/attributes.ts` has them."""

import torch
import torch.nn.functional as F

DTYPES = {
    "float32": torch.float32, "float64": torch.float64, "float16": torch.float16, "int32": torch.int32,
    "int64": torch.int64, "uint8": torch.uint8, "int8": torch.int8, "bool": torch.bool,
}


def divide(a, b):
    return a / b if a.is_floating_point() else torch.div(a, b, rounding_mode="trunc")


def cast(x, to):
    dtype = DTYPES[to]
    # In float64 everything is: what the graph calls float32 is a declaration.
    return x.to(torch.get_default_dtype() if dtype in (torch.float32, torch.float64) else dtype)


def padded(x, pads, value):
    """Pads as [begins, ends] of the last axes, as ONNX has them; PyTorch counts from the last axis on, both sides of each."""
    axes = len(pads) // 2
    ordered = [pads[axis + side * axes] for axis in reversed(range(axes)) for side in (0, 1)]
    return F.pad(x, ordered, value=value)


def sliced(x, starts, ends, axes, steps):
    for start, end, axis, step in zip(starts, ends, axes, steps):
        extent = x.shape[axis]
        if step > 0:
            x = x[(slice(None),) * (axis % x.dim()) + (slice(start, end, step),)]
        else:
            index = list(range(extent))[start : None if end < -extent else end : step]
            x = x.index_select(axis, torch.tensor(index))
    return x


def reduction(function):
    return lambda x, a: function(x[0], tuple(a["axes"]), a["keepdims"])


def square_sum(x, axes, keepdims):
    return x.square().sum(axes, keepdims)


def wrapped(index, extent):
    return torch.where(index < 0, index + extent, index).long()


def gather(x, a):
    data, index = x
    axis, shape = a["axis"] % data.dim(), index.shape
    picked = data.index_select(axis, wrapped(index, data.shape[axis]).flatten())
    return picked.reshape(*data.shape[:axis], *shape, *data.shape[axis + 1 :])


def gather_elements(x, a):
    data, index = x
    return torch.gather(data, a["axis"], wrapped(index, data.shape[a["axis"]]))


def scatter_elements(x, a):
    data, index, updates = x
    index = wrapped(index, data.shape[a["axis"]])
    return data.scatter_add(a["axis"], index, updates) if a["reduction"] == "add" else data.scatter(a["axis"], index, updates)


def one_hot(x, a):
    index = torch.where(x[0] < 0, x[0] + a["depth"], x[0])
    axis = a["axis"] % (index.dim() + 1)
    places = torch.arange(a["depth"]).view(-1, *[1] * (index.dim() - axis))
    return cast(index.unsqueeze(axis) == places, "float32")


def depth_to_space(x, a):
    n, c, h, w = x[0].shape
    b = a["blocksize"]
    if a["mode"] == "CRD":
        return F.pixel_shuffle(x[0], b)
    return x[0].view(n, b, b, c // b**2, h, w).permute(0, 3, 4, 1, 5, 2).reshape(n, c // b**2, h * b, w * b)


def space_to_depth(x, a):
    n, c, h, w = x[0].shape
    b = a["blocksize"]
    return x[0].view(n, c, h // b, b, w // b, b).permute(0, 3, 5, 1, 2, 4).reshape(n, c * b * b, h // b, w // b)


def resize(x, a):
    (x,) = x
    sizes = a["sizes"]
    if a["mode"] == "nearest":
        for axis, size in enumerate(sizes):
            if size != x.shape[axis]:
                x = x.index_select(axis, (torch.arange(size) * x.shape[axis]) // size)
        return x
    if a["alignment"] == "asymmetric":
        for axis, size in enumerate(sizes):
            if size != x.shape[axis]:
                extent = x.shape[axis]
                place = (torch.arange(size, dtype=torch.float64) * extent / size).clamp(max=extent - 1)
                low = place.floor().long()
                share = (place - low).to(x.dtype).view(-1, *[1] * (x.dim() - axis - 1))
                x = x.index_select(axis, low) * (1 - share) + x.index_select(axis, (low + 1).clamp(max=extent - 1)) * share
        return x
    flat = x if x.dim() == 4 else x[None, None]
    sized = F.interpolate(flat, sizes[-2:], mode="bilinear", align_corners=a["alignment"] == "align_corners", antialias=a["antialias"])
    return sized if x.dim() == 4 else sized[0, 0]


def conv(x, a):
    data, weight, *bias = x
    top, left, bottom, right = a["pads"]
    own = (top, left) if (top, left) == (bottom, right) else 0
    data = data if own else F.pad(data, (left, right, top, bottom))
    return F.conv2d(data, weight, bias[0] if bias else None, a["strides"], own, a["dilations"], a["group"])


def conv_transpose(x, a):
    data, weight, *bias = x
    pads, extra = a["pads"], a["outputPadding"]
    plain = lambda padding, more: F.conv_transpose2d(data, weight, bias[0] if bias else None, a["strides"], padding, more, a["group"], a["dilations"])
    if pads[:2] == pads[2:] and all(more < max(pair) for more, pair in zip(extra, zip(a["strides"], a["dilations"]))):
        return plain(pads[:2], extra)
    # PyTorch pads both sides alike: what is cropped beyond that is cropped here.
    whole = plain(0, 0)
    if any(extra):
        rest = bias[0].view(-1, 1, 1) if bias else 0
        whole = F.pad(whole - rest, (0, extra[1], 0, extra[0])) + rest
    return whole[..., pads[0] : whole.shape[2] - pads[2], pads[1] : whole.shape[3] - pads[3]]


def average_pool(x, a):
    top, left, bottom, right = a["pads"]
    # Pads count, as in all of Nightshift's graphs.
    data = F.pad(x[0], (left, right, top, bottom)) if any(a["pads"]) else x[0]
    return F.avg_pool2d(data, a["kernel"], a["strides"])


def max_pool(x, a):
    top, left, bottom, right = a["pads"]
    data = F.pad(x[0], (left, right, top, bottom), value=float("-inf")) if any(a["pads"]) else x[0]
    return F.max_pool2d(data, a["kernel"], a["strides"])


def gemm(x, a):
    left, right, *bias = x
    product = a["alpha"] * torch.matmul(left.T if a["transA"] else left, right.T if a["transB"] else right)
    return product + a["beta"] * bias[0] if bias else product


def batch_norm(x, a):
    data, scale, bias, mean, variance = (each if i == 0 else each.view(-1, *[1] * (x[0].dim() - 2)) for i, each in enumerate(x))
    if any(each.requires_grad for each in (mean, variance)):
        return (data - mean) / torch.sqrt(variance + a["epsilon"]) * scale + bias
    return F.batch_norm(x[0], x[3], x[4], x[1], x[2], False, 0.0, a["epsilon"])


def layer_norm(x, a):
    data, scale, *bias = x
    return F.layer_norm(data, data.shape[a["axis"] % data.dim() :], scale, bias[0] if bias else None, a["epsilon"])


def dequantize(x, a):
    data, scale, *zero = x
    shape = [-1 if axis == a["axis"] else 1 for axis in range(data.dim())] if scale.dim() else []
    centred = data.to(scale.dtype) - (zero[0].to(scale.dtype).view(shape) if zero else 0)
    return centred * scale.view(shape)


def quantize(x, a):
    data, scale, *zero = x
    shape = [-1 if axis == a["axis"] else 1 for axis in range(data.dim())] if scale.dim() else []
    kind = zero[0].dtype if zero else torch.uint8
    moved = torch.round(data / scale.view(shape)) + (zero[0].to(data.dtype).view(shape) if zero else 0)
    return moved.clamp(torch.iinfo(kind).min, torch.iinfo(kind).max).to(kind)


def unsqueezed(x, a):
    rank = x[0].dim() + len(a["axes"])
    for axis in sorted(axis % rank for axis in a["axes"]):
        x = [x[0].unsqueeze(axis)]
    return x[0]


def top_k(x, a):
    return torch.topk(x[0], a["k"], a["axis"], a["largest"])


def prelu(x, a):
    data, slope = x
    return torch.where(data < 0, data * slope, data)


OPERATORS = {
    "Add": lambda x, a: x[0] + x[1],
    "Sub": lambda x, a: x[0] - x[1],
    "Mul": lambda x, a: x[0] * x[1],
    "Div": lambda x, a: divide(*x),
    "Pow": lambda x, a: torch.pow(*x),
    "Max": lambda x, a: torch.maximum(*x),
    "Min": lambda x, a: torch.minimum(*x),
    "Neg": lambda x, a: -x[0],
    "Abs": lambda x, a: x[0].abs(),
    "Sign": lambda x, a: x[0].sign(),
    "Exp": lambda x, a: x[0].exp(),
    "Log": lambda x, a: x[0].log(),
    "Sqrt": lambda x, a: x[0].sqrt(),
    "Reciprocal": lambda x, a: x[0].reciprocal(),
    "Erf": lambda x, a: torch.erf(x[0]),
    "Sin": lambda x, a: x[0].sin(),
    "Cos": lambda x, a: x[0].cos(),
    "Sigmoid": lambda x, a: torch.sigmoid(x[0]),
    "Tanh": lambda x, a: torch.tanh(x[0]),
    "Relu": lambda x, a: F.relu(x[0]),
    "LeakyRelu": lambda x, a: torch.where(x[0] < 0, x[0] * a["alpha"], x[0]) if a["alpha"] < 0 else F.leaky_relu(x[0], a["alpha"]),
    "PRelu": prelu,
    "Gelu": lambda x, a: F.gelu(x[0], approximate=a["approximate"]),
    "HardSwish": lambda x, a: F.hardswish(x[0]),
    "Softplus": lambda x, a: F.softplus(x[0], threshold=float("inf")) if x[0].dtype == torch.float64 else F.softplus(x[0]),
    "Floor": lambda x, a: x[0].floor(),
    "Round": lambda x, a: x[0].round(),
    "Clip": lambda x, a: x[0].clamp(a["min"], a["max"]),
    "Identity": lambda x, a: x[0],
    "Cast": lambda x, a: cast(x[0], a["to"]),
    "Equal": lambda x, a: x[0] == x[1],
    "Greater": lambda x, a: x[0] > x[1],
    "GreaterOrEqual": lambda x, a: x[0] >= x[1],
    "Less": lambda x, a: x[0] < x[1],
    "LessOrEqual": lambda x, a: x[0] <= x[1],
    "And": lambda x, a: x[0] & x[1],
    "Or": lambda x, a: x[0] | x[1],
    "Not": lambda x, a: ~x[0],
    "Where": lambda x, a: torch.where(*x),
    "Reshape": lambda x, a: x[0].reshape(a["shape"]),
    "Transpose": lambda x, a: x[0].permute(a["perm"]),
    "Concat": lambda x, a: torch.cat(x, a["axis"]),
    "Split": lambda x, a: torch.split(x[0], a["split"], a["axis"]),
    "Slice": lambda x, a: sliced(x[0], **a),
    "Pad": lambda x, a: padded(x[0], a["pads"], a["value"]),
    "Expand": lambda x, a: x[0].expand(torch.broadcast_shapes(x[0].shape, a["shape"])),
    "Unsqueeze": unsqueezed,
    "Squeeze": lambda x, a: x[0].squeeze(tuple(a["axes"])),
    "Tile": lambda x, a: x[0].repeat(a["repeats"]),
    "Gather": gather,
    "GatherElements": gather_elements,
    "ScatterElements": scatter_elements,
    "OneHot": one_hot,
    "DepthToSpace": depth_to_space,
    "SpaceToDepth": space_to_depth,
    "Resize": resize,
    "ReduceSum": reduction(torch.sum),
    "ReduceMean": reduction(torch.mean),
    "ReduceMax": reduction(torch.amax),
    "ReduceMin": reduction(torch.amin),
    "ReduceSumSquare": reduction(square_sum),
    "ArgMax": lambda x, a: x[0].argmax(a["axis"], a["keepdims"]),
    "ArgMin": lambda x, a: x[0].argmin(a["axis"], a["keepdims"]),
    "TopK": top_k,
    "Softmax": lambda x, a: F.softmax(x[0], a["axis"]),
    "LogSoftmax": lambda x, a: F.log_softmax(x[0], a["axis"]),
    "MatMul": lambda x, a: torch.matmul(*x),
    "Gemm": gemm,
    "Conv": conv,
    "ConvTranspose": conv_transpose,
    "AveragePool": average_pool,
    "MaxPool": max_pool,
    "GlobalAveragePool": lambda x, a: x[0].mean((2, 3), keepdim=True),
    "BatchNormalization": batch_norm,
    "LayerNormalization": layer_norm,
    "QuantizeLinear": quantize,
    "DequantizeLinear": dequantize,
}


def apply(operator, inputs, attributes):
    """A tuple of outputs."""
    answer = OPERATORS[operator](inputs, attributes)
    return tuple(answer) if isinstance(answer, (tuple, list)) else (answer,)
