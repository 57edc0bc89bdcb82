"""Losses of segmentation and detection."""

import torch
import torch.nn.functional as F

LARGE = 1e6
# Boxes of one name that share more than this are one object.
MOST_OVERLAP = 0.6


def one_hot(index, names):
    """Label maps [N, H, W] to [N, K, H, W]; pixels of no name are all zero."""
    return (index[:, None] == torch.arange(names).view(1, names, 1, 1)).to(torch.get_default_dtype())


def segmentation_loss(logits, target, weight):
    """Cross-entropy and dice. `target` one-hot [N, K, H, W], `weight` broadcast to [N, 1, H, W]."""
    log_p = F.log_softmax(logits, 1)
    with torch.no_grad():
        count = target.sum((2, 3), keepdim=True)
        share = count / (count.sum(1, keepdim=True) + 1)
        balanced = target / torch.sqrt(share + 0.01) * (weight > 0)
    return -(balanced * weight * log_p).sum() / (balanced.sum() + 1e-3), log_p


def dice_loss(log_p, target, weight):
    truth = target * weight
    p = torch.exp(log_p) * truth.sum(1, keepdim=True)
    area = truth.sum((2, 3))
    score = (2 * (p * target).sum((2, 3)) + 1) / (p.sum((2, 3)) + area + 1)
    present = (area > 0.5).to(torch.get_default_dtype())
    return ((1 - score) * present).sum() / (present.sum() + 1e-3)


def focal(logits, target):
    p = torch.sigmoid(logits)
    positive = target * 0.25 * (1 - p).square() * F.softplus(-logits)
    return positive + (1 - target) * 0.75 * p.square() * F.softplus(logits)


def area(low, high):
    return (high - low).clamp(min=0).prod(-1, keepdim=True)


def common(a, b):
    """Areas of what boxes share and of what they cover together."""
    a_low, a_high, b_low, b_high = a[..., :2], a[..., 2:], b[..., :2], b[..., 2:]
    shared = area(torch.maximum(a_low, b_low), torch.minimum(a_high, b_high))
    return shared, area(a_low, a_high) + area(b_low, b_high) - shared


def generalised_iou(a, b):
    shared, union = common(a, b)
    union = union + 1e-6
    hull = area(torch.minimum(a[..., :2], b[..., :2]), torch.maximum(a[..., 2:], b[..., 2:])) + 1e-6
    return shared / union - (hull - union) / hull


def surest(boxes, names):
    """Greedy suppression: which boxes [N, R, 4], the surest first, share too much with none of their name that stays."""
    shared, union = common(boxes[:, :, None], boxes[:, None])
    rival = (shared / (union + 1e-12)).squeeze(3) > MOST_OVERLAP
    rival = rival & (names[:, :, None] == names[:, None])
    stays = torch.ones(names.shape, dtype=torch.bool)
    for at in range(names.shape[1]):
        stays[:, at] = ~(rival[:, :at, at] & stays[:, :at]).any(1)
    return stays


def box_loss(boxes, truth, config):
    l1 = (boxes - truth).abs().sum(-1, keepdim=True)
    return (1 - generalised_iou(boxes, truth)) * 2 + l1 * (5 / (config.width + config.height))


def place_assignment(boxes, valid, config):
    """The box that each dense place answers for: [N, G, P]."""
    centres, strides = config.places
    strides = strides.view(1, 1, -1)
    inside = torch.ones((), dtype=torch.bool)
    for axis in (0, 1):
        low, high = boxes[..., axis, None], boxes[..., axis + 2, None]
        reach = torch.minimum((high - low) * 0.25 + strides * 0.25, strides * 1.5)
        inside = inside & ((centres[:, None, :, axis] - (low + high) * 0.5).abs() < reach + strides * 0.35)
    sides = boxes[..., 2:] - boxes[..., :2]
    size = sides.amax(-1, keepdim=True)
    lowest = strides * 2.5 * (strides >= 8.5)
    highest = strides * 7 + LARGE * (strides > 31.5)
    candidate = (inside & (lowest <= size) & (size <= highest)).to(torch.get_default_dtype()) * valid
    area = sides.prod(-1, keepdim=True) + (1 - candidate) * LARGE
    return candidate * F.one_hot(area.argmin(1), area.shape[1]).transpose(1, 2)


def class_targets(assignment, labels):
    return torch.matmul(assignment.transpose(1, 2), labels).clamp(0, 1)


def detection_loss(out, batch, config):
    """Losses of the dense proposals and of the refined regions."""
    index, truth = batch["boxLabels"], batch["boxes"]
    names, image = out.region_logits.shape[2], batch["hasBoxes"][:, None, None]
    labels = (index[:, :, None] == torch.arange(names)).to(torch.get_default_dtype())
    valid = (index >= 0).to(torch.get_default_dtype())[:, :, None] * (image > 0)

    with torch.no_grad():
        assignment = place_assignment(truth, valid, config)
        wanted = class_targets(assignment, labels)
        matched = torch.matmul(assignment.transpose(1, 2), truth)
        positive = assignment.sum(1)[:, :, None]
    count = assignment.sum() + 1
    dense = (focal(out.proposal_logits, wanted) * image).sum() / count
    dense = dense + (box_loss(out.boxes, matched, config) * positive * image).sum() / count

    with torch.no_grad():
        p = torch.matmul(labels, torch.sigmoid(out.region_logits).transpose(1, 2))
        cost = box_loss(out.region_boxes[:, None], truth[:, :, None], config)[..., 0] - 0.5 * torch.log(p + 1e-4)
        assignment = F.one_hot(cost.argmin(2), config.regions).to(torch.get_default_dtype()) * valid
        wanted = class_targets(assignment, labels)
    count = assignment.sum() + 1
    refined = (focal(out.region_logits, wanted) * image).sum() / count
    refined = refined + (box_loss(torch.matmul(assignment, out.region_boxes), truth, config) * valid * image).sum() / count
    return dense, refined
