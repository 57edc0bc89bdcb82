"""Training steps: losses, backward pass, clipping, stock AdamW, and the teacher that follows."""

import math
from types import SimpleNamespace

import torch
import torch.nn.functional as F

from alignment import hierarchical_alignment, proposed
from layers import Layers
from losses import detection_loss, dice_loss, one_hot, segmentation_loss, surest
from network import network, normalise

PATCH = 32


class Step:
    """What the kinds of step share: parameters, optimiser, teacher."""

    def __init__(self, weights, trains, scalars, config):
        self.config, self.scalars = config, scalars
        self.weights = weights
        self.trained = {name: weights[name].requires_grad_() for name in trains}
        self.teacher = {name: weight.detach().clone() for name, weight in self.trained.items()}
        groups = {}
        for name, weight in self.trained.items():
            # Vectors are not decayed, matrices are.
            decay = scalars["decay"] if weight.numel() != max(weight.shape) else 0
            rate = scalars["rateEncoder" if name.startswith("encoder.") else "rateDecoder"]
            groups.setdefault((rate, decay), []).append(weight)
        self.optimiser = torch.optim.AdamW([{"params": group, "lr": rate, "weight_decay": decay} for (rate, decay), group in groups.items()])

    def __call__(self, batch):
        self.optimiser.zero_grad(set_to_none=True)
        results = self.losses(batch)
        results["loss"].backward()
        trained = list(self.trained.values())
        results["gradientNorm"] = torch.nn.utils.clip_grad_norm_(trained, self.scalars["clip"])
        self.optimiser.step()
        with torch.no_grad():
            for teacher, student in zip(self.teacher.values(), trained):
                teacher.lerp_(student, 1 - self.scalars["alpha"])
        return {name: value.item() for name, value in results.items()}

    def state(self):
        """The weights, and the moving averages of their gradients, by name."""
        first = {f"first/{name}": self.optimiser.state[weight]["exp_avg"] for name, weight in self.trained.items()}
        return {**{f"student/{name}": weight for name, weight in self.trained.items()}, **first}


class SupervisedStep(Step):
    def losses(self, batch):
        scalars = self.scalars
        layers = Layers(self.weights, True, scalars["momentum"])
        # Prompts learn from the texts' gradient.
        text = batch["text"].detach().requires_grad_()
        out = network(layers, normalise(batch["frames"]), text, batch["used"], self.config)
        target, weight = one_hot(batch["labels"], out.mask_logits.shape[1]), batch["hasMask"].view(-1, 1, 1, 1)
        cross_entropy, log_p = segmentation_loss(out.mask_logits, target, weight)
        dice = dice_loss(log_p, target, weight)
        proposals, regions = detection_loss(out, batch, self.config)
        loss = cross_entropy * scalars["weightCrossEntropy"] + dice * scalars["weightDice"] + (proposals + regions) * scalars["weightDetection"]
        return {"loss": loss, "crossEntropy": cross_entropy, "dice": dice, "proposals": proposals, "regions": regions}


class LmcStep(Step):
    """Adaptation against the EMA teacher, on labelled source images and on masked and whole target images."""

    def kept_patches(self, attention, noise):
        scores = torch.log(attention + 1e-9) * self.scalars["guidance"] + noise
        # Half and up, where Python rounds half to even.
        count = max(1, math.floor(self.config.maskRatio * scores.shape[1] + 0.5))
        grid = torch.ones_like(scores).scatter_(1, scores.topk(count, 1).indices, 0)
        grid = grid.view(-1, 1, self.config.height // PATCH, self.config.width // PATCH)
        return F.interpolate(grid, scale_factor=PATCH, mode="nearest")

    def pseudo_boxes(self, taught, count):
        """The teacher's surest regions, one an object, as labelled boxes."""
        scores, best = torch.sigmoid(taught.region_logits.amax(2)).topk(count, 1)
        names = taught.region_logits.argmax(2).gather(1, best)
        boxes = taught.region_boxes.gather(1, best[:, :, None].expand(-1, -1, 4))
        sure = (scores >= self.scalars["boxConfidence"]) & surest(boxes, names)
        labels = names.masked_fill(~sure, -1)
        return {"boxes": boxes, "boxLabels": labels, "hasBoxes": (scores * sure).sum(1) / (sure.sum(1) + 1e-3)}

    def losses(self, batch):
        scalars, config = self.scalars, self.config
        image, view = normalise(batch["targets"]), normalise(batch["views"])
        text, used = batch["targetText"], batch["targetUsed"]
        with torch.no_grad():
            taught = network(Layers({**self.weights, **self.teacher}), image, text, used, config)
            taught_log_p = F.log_softmax(taught.mask_logits, 1)
            quality = torch.exp(taught_log_p.amax(1, keepdim=True))
            target = one_hot(taught.mask_logits.argmax(1), taught.mask_logits.shape[1])
            kept = self.kept_patches(taught.attention, batch["noise"])
            boxes = self.pseudo_boxes(taught, min(batch["boxes"].shape[1], config.regions))

        student = Layers(self.weights)
        on_source = network(student, normalise(batch["frames"]), batch["text"], batch["used"], config)
        on_target = network(student, torch.cat([view * kept, image]), torch.cat([text, text]), torch.cat([used, used]), config)

        labels, weight = one_hot(batch["labels"], on_source.mask_logits.shape[1]), batch["hasMask"].view(-1, 1, 1, 1)
        cross_entropy, log_p = segmentation_loss(on_source.mask_logits, labels, weight)
        proposals, regions = detection_loss(on_source, batch, config)
        supervised = cross_entropy + dice_loss(log_p, labels, weight) + proposals + regions
        masked, whole = on_target.mask_logits.chunk(2)
        images = masked.shape[0]
        on_masked = SimpleNamespace(**{name: value[:images] for name, value in vars(on_target).items()})
        lmc = segmentation_loss(masked, target, quality)[0] + sum(detection_loss(on_masked, boxes, config)) * scalars["weightLmcBoxes"]
        self_training = segmentation_loss(whole, target, quality)[0]
        everything, unmasked = slice(None), slice(images, None)
        log_p = F.log_softmax(whole, 1)
        entropy, soft = (-(p * log_p).sum(1).mean() for p in (log_p.exp(), taught_log_p.exp()))
        pairs = zip(proposed(on_source, batch["used"], student, everything), proposed(on_target, used, student, unmasked))
        align = sum(hierarchical_alignment(source, aligned) for source, aligned in pairs)
        loss = supervised * scalars["weightSupervised"] + lmc * scalars["weightLmc"] + self_training * scalars["weightSelfTraining"]
        loss = loss + align * scalars["weightAlign"] + entropy * scalars["weightEntropy"] + soft * scalars["weightSoft"]
        return {"loss": loss, "supervised": supervised, "lmc": lmc, "selfTraining": self_training, "align": align, "entropy": entropy, "soft": soft}


STEPS = {"supervised": SupervisedStep, "lmc": LmcStep}
