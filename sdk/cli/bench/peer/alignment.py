"""Hierarchical alignment of proposals with names, within and between two domains."""

from types import SimpleNamespace

import torch
import torch.nn.functional as F

from network import HIDDEN, unit


def weighted_mean(x, weight):
    return (x * weight).sum() / (weight.sum() + 1e-3)


def alignment(names, proposals):
    """Between the names of one domain and the proposals of one domain, both directions."""
    k = names.names.shape[1]
    quality = proposals.quality.detach().flatten()
    t = unit(names.names) * names.scale.detach()
    product = torch.matmul(t, unit(proposals.proposals).flatten(0, 1).transpose(0, 1))
    logits = product + ((1 - names.used) * HIDDEN)[:, :, None]
    own = F.one_hot(logits.detach().argmax(1), k).transpose(1, 2)
    pairs = own * quality * names.used[:, :, None]
    among = product + ((1 - proposals.there) * HIDDEN).flatten()
    return -weighted_mean(F.log_softmax(logits, 1), pairs) - weighted_mean(F.log_softmax(among, 2), pairs)


def hierarchical_alignment(source, target):
    return 0.25 * sum(alignment(a, b) for a in (source, target) for b in (source, target))


def proposed(out, used, layers, images):
    """The mask and the region proposals of some of a batch's images."""
    masks = F.softmax(out.mask_logits[images].detach(), 1).flatten(2)
    covered = masks.sum(2)
    confidence = masks.square().sum(2) / (covered + 1e-3)
    return [
        SimpleNamespace(
            proposals=torch.matmul(masks, out.concepts[images].flatten(2).transpose(1, 2)) / (covered[:, :, None] + 1e-3),
            quality=confidence * (covered / (covered + 32)) * used,
            there=used,
            names=out.mask_queries[images],
            used=used,
            scale=torch.exp(layers["decoder.mask.logScale"]),
        ),
        SimpleNamespace(
            proposals=out.regions[images],
            quality=torch.sigmoid(out.region_logits[images].amax(2)),
            there=torch.ones_like(out.region_logits[images, :, 0]),
            names=out.detection[images],
            used=used,
            scale=torch.exp(layers["decoder.region.logScale"]),
        ),
    ]
