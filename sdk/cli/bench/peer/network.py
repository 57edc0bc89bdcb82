"""The network, in PyTorch eager. Sizes come from the same configuration as Nightshift's own."""

import math
from types import SimpleNamespace

import torch
import torch.nn.functional as F

HIDDEN = -1e4
STRIDES = (8, 16, 32)


def normalise(frames):
    """uint8 [N, H, W, 3] to floats [N, 3, H, W]."""
    return ((frames.to(torch.get_default_dtype()) - 110) * (1 / 62)).permute(0, 3, 1, 2).contiguous()


def unit(x):
    return x / torch.sqrt(x.square().sum(-1, keepdim=True) + 1e-6)


def tokens(x):
    return x.flatten(2).transpose(1, 2)


def image_encoder(layers, image, config):
    x = layers.conv_norm_relu("encoder.stem", image, 2, 1)
    stages = []
    for stage, depth in enumerate(config.depths):
        x = layers.conv_norm(f"encoder.stage{stage}.down", x, 2, 1)
        for i in range(depth):
            name = f"encoder.stage{stage}.block{i}"
            x = x + layers.conv_norm(f"{name}.reduce", layers.conv_norm_relu(f"{name}.expand", layers.filter_bank(x, 1 + i % 2)))
        stages.append(x)
    return stages


def pixel_decoder(layers, stages):
    def lateral(i):
        return layers.conv_norm(f"decoder.pixel.lateral{i}", stages[i])

    def up(x, like):
        return F.interpolate(x, like.shape[2:], mode="bilinear", align_corners=False)

    def smooth(name, x):
        return x + layers.conv_norm_relu(name, layers.filter_bank(x))

    context = layers.conv("decoder.pixel.context", stages[3].mean((2, 3), keepdim=True))
    p32 = F.relu(lateral(3) + context)
    p16 = smooth("decoder.pixel.smooth2", F.relu(lateral(2) + up(p32, stages[2])))
    p8 = smooth("decoder.pixel.smooth1", F.relu(lateral(1) + up(p16, stages[1])))
    p4 = F.relu(lateral(0) + up(p8, stages[0]))
    return layers.conv_norm("decoder.pixel.concepts", layers.filter_bank(p4)), [p8, p16, p32]


def language(layers, text, bias, used, last, config):
    k = used.shape[1]
    categories = text[:, 2:]
    category = layers.linear("decoder.language.category", categories)
    inner = layers.linear("decoder.language.hidden", categories)

    def task(i):
        hint = layers.linear("decoder.language.task", text[:, i : i + 1])
        return category + layers.linear("decoder.language.mix", F.gelu(inner + hint))

    names = torch.cat([task(0), task(1)], 1)
    patches = tokens(last)
    seen = bias.new_zeros(bias.shape[0], patches.shape[1])
    key_bias = torch.cat([bias, bias, seen], 1)[:, None, None]
    normal = layers.layer_norm("decoder.language.norm", names)
    output, attended = layers.attention("decoder.language.fusion", normal, torch.cat([names, patches], 1), config.heads, key_bias)
    both = names + output
    on_patches = attended.mean(1)[:, :k, 2 * k :]
    return both[:, :k], both[:, k:], (on_patches * used[:, :, None]).mean(1)


def places(config, like):
    centres, strides = [], []
    for stride in STRIDES:
        for y in range(config.height // stride):
            for x in range(config.width // stride):
                centres.append(((x + 0.5) * stride, (y + 0.5) * stride))
                strides.append(stride)
    return like.new_tensor(centres)[None], like.new_tensor(strides)[None, :, None]


def proposals(layers, levels, config):
    towers = [layers.conv_norm_relu(f"decoder.region.tower{i}", layers.filter_bank(level)) for i, level in enumerate(levels)]
    features = torch.cat([tokens(layers.conv(f"decoder.region.feature{i}", x)) for i, x in enumerate(towers)], 1)
    distances = torch.cat([tokens(layers.conv(f"decoder.region.box{i}", x)) for i, x in enumerate(towers)], 1)
    centres, strides = config.places
    reach = torch.exp(distances.clamp(-3, 4)) * (strides * 2)
    boxes = torch.cat([centres - reach[..., :2], centres + reach[..., 2:]], -1)
    return features, boxes


def box_code(boxes, config):
    scaled = boxes / boxes.new_tensor([config.width, config.height, config.width, config.height])
    return torch.cat([wave(scaled * (f * math.pi)) for f in (1, 2, 4, 8) for wave in (torch.sin, torch.cos)], -1)


def proposal_decoder(layers, masks, regions, bias, levels, config):
    k = masks.shape[1]
    memory = torch.cat([tokens(x) + layers[f"decoder.unified.place{i}"] for i, x in enumerate(levels[1:])], 1)
    key_bias = torch.cat([bias, bias.new_zeros(regions.shape[:2])], 1)[:, None, None]
    queries = torch.cat([masks + layers["decoder.unified.mask"], regions + layers["decoder.unified.region"]], 1)
    for i in range(config.decoderLayers):
        name = f"decoder.unified.layer{i}"
        own = layers.layer_norm(f"{name}.norm0", queries)
        queries = queries + layers.attention(f"{name}.self", own, own, config.heads, key_bias)[0]
        queries = queries + layers.attention(f"{name}.cross", layers.layer_norm(f"{name}.norm1", queries), memory, config.heads)[0]
        wide = F.relu(layers.linear(f"{name}.wide", layers.layer_norm(f"{name}.norm2", queries)))
        queries = queries + layers.linear(f"{name}.narrow", wide)
    normal = layers.layer_norm("decoder.unified.norm", queries)
    return normal[:, :k], normal[:, k:]


def refine_boxes(reference, deltas):
    low, high = reference[..., :2], reference[..., 2:]
    size = high - low
    centre = (low + high) * 0.5 + deltas[..., :2] * size
    half = size * torch.exp(deltas[..., 2:].clamp(-2, 2)) * 0.5
    return torch.cat([centre - half, centre + half], -1)


def network(layers, image, text, used, config):
    """Masks, proposals and regions for float32 images [N, 3, H, W]; shapes as in Nightshift's network."""
    concepts, levels = pixel_decoder(layers, image_encoder(layers, image, config))
    bias = (1 - used) * HIDDEN
    segmentation, detection, attention = language(layers, text, bias, used, levels[2], config)
    features, boxes = proposals(layers, levels, config)

    def detection_logits(x):
        length = torch.sqrt(x.square().sum(-1, keepdim=True) + 1e-6)
        cosine = torch.matmul(x, unit(detection).transpose(1, 2)) / (length / torch.exp(layers["decoder.region.logScale"]))
        return cosine + layers["decoder.region.offset"] + bias[:, None]

    proposal_logits = detection_logits(features)
    best = proposal_logits.detach().amax(2).topk(config.regions, 1).indices[:, :, None]

    def pick(x):
        return torch.gather(x.detach(), 1, best.expand(-1, -1, x.shape[2]))

    reference = pick(boxes)
    content = layers.linear("decoder.region.content", pick(features))
    queries = content + layers.linear("decoder.region.place", box_code(reference, config))
    masks, regions = proposal_decoder(layers, segmentation, queries, bias, levels, config)
    mask_queries = unit(segmentation + layers.linear("decoder.mask.refine", masks))
    flat = concepts.flatten(2)
    length = torch.sqrt(flat.square().sum(1, keepdim=True) + 1e-6)
    cosine = torch.matmul(mask_queries, flat) / (length / torch.exp(layers["decoder.mask.logScale"]))
    region_features = content + layers.linear("decoder.region.refine", regions)
    return SimpleNamespace(
        concepts=concepts,
        mask_queries=mask_queries,
        detection=detection,
        regions=region_features,
        mask_logits=(cosine + bias[:, :, None]).unflatten(2, concepts.shape[2:]),
        boxes=boxes,
        proposal_logits=proposal_logits,
        region_logits=detection_logits(region_features),
        region_boxes=refine_boxes(reference, layers.linear("decoder.region.delta", regions)),
        attention=attention,
    )
