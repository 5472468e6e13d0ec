"""A supervised step, a step of self-training and one of future self-training (FST-D).

Sources: DACS, https://arxiv.org/abs/2007.08702; Du et al., "Learning from Future" (NeurIPS
2022), https://arxiv.org/abs/2209.06993. The order of what happens is that of
`src/methods/future_self_training.ts`.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from augmentation import LabeledImages, StrongAugmentation
from networks import DropPath, SegmentationNetwork, upsample

Config = Mapping[str, Any]
Losses = dict[str, Tensor]
Mix = Callable[[LabeledImages, LabeledImages], LabeledImages]

IGNORE_INDEX = 255


@dataclass(frozen=True)
class Batch:
    source_images: Tensor  # [B, 3, H, W]
    source_labels: Tensor  # [B, H, W]
    target_images: Tensor  # [B, 3, H, W]

    def to(self, device: torch.device) -> Batch:
        return Batch(
            self.source_images.to(device),
            self.source_labels.to(device),
            self.target_images.to(device),
        )


def valid_cross_entropy(logits: Tensor, labels: Tensor) -> Tensor:
    """Averaged over the pixels that have a label."""
    return F.cross_entropy(
        upsample(logits, labels.shape[1:]), labels, ignore_index=IGNORE_INDEX
    )


def mean_cross_entropy(logits: Tensor, labels: Tensor, weights: Tensor | None) -> Tensor:
    """Averaged over all pixels, as mmsegmentation does."""
    loss = F.cross_entropy(
        upsample(logits, labels.shape[1:]),
        labels,
        ignore_index=IGNORE_INDEX,
        reduction="none",
    )
    return loss.mean() if weights is None else (loss * weights).mean()


# --- Optimizer


def parameter_groups(network: nn.Module, config: Config) -> list[dict[str, Any]]:
    """The head learns faster, norms of the encoder do not decay: DAFormer's rule."""
    groups: dict[tuple[float, float], list[nn.Parameter]] = {}
    for name, parameter in network.named_parameters():
        multiplier = config["headLrMultiplier"] if "head" in name else 1.0
        decays = "head" in name or "norm" not in name
        key = (multiplier, config["weightDecay"] if decays else 0.0)
        groups.setdefault(key, []).append(parameter)
    return [
        {"params": parameters, "lr_multiplier": multiplier, "weight_decay": decay}
        for (multiplier, decay), parameters in groups.items()
    ]


def create_optimizer(network: nn.Module, config: Config) -> torch.optim.AdamW:
    return torch.optim.AdamW(
        parameter_groups(network, config),
        lr=config["learningRate"],
        betas=tuple(config["betas"]),
        eps=config["eps"],
    )


def learning_rate_at(config: Config, iteration: int, iterations: int) -> float:
    """Polynomial decay after a linear warm-up, as mmcv's "poly"."""
    minimum, warmup = config["minLearningRate"], config["warmupIterations"]
    remaining = max(0.0, 1 - iteration / iterations) ** config["power"]
    decayed = (config["learningRate"] - minimum) * remaining + minimum
    if iteration >= warmup:
        return decayed
    return decayed * (1 - (1 - iteration / warmup) * (1 - config["warmupRatio"]))


def set_learning_rate(optimizer: torch.optim.Optimizer, learning_rate: float) -> None:
    for group in optimizer.param_groups:
        group["lr"] = learning_rate * group["lr_multiplier"]


# --- Supervised


class SupervisedTraining:
    def __init__(self, network: SegmentationNetwork, config: Config) -> None:
        self.network = network.train()
        self.optimizer_config = config["optimizer"]
        self.iterations: int = config["iterations"]
        self.optimizer = create_optimizer(network, self.optimizer_config)

    def run_iteration(self, batch: Batch, iteration: int) -> Losses:
        rate = learning_rate_at(self.optimizer_config, iteration, self.iterations)
        set_learning_rate(self.optimizer, rate)
        self.optimizer.zero_grad()
        loss = valid_cross_entropy(self.network(batch.source_images), batch.source_labels)
        loss.backward()
        self.optimizer.step()
        return {"supervised": loss.detach()}


# --- Self-training, with or without virtual steps


class SelfTraining:
    """θ is the student, φ the teacher, θ′ the future student; K = 0 looks nowhere ahead.

    φ ← ema(φ, θ); θ′, m′ ← θ, m; K times: θ′ ← step(θ′), φ ← ema(φ, θ′); θ ← step(θ)
    """

    def __init__(
        self, network: SegmentationNetwork, config: Config, mix: Mix | None = None
    ) -> None:
        method = config["method"]
        look_ahead = method["lookAhead"]
        assert_supported(method)
        self.optimizer_config = config["optimizer"]
        self.iterations: int = config["iterations"]
        self.depth: int = look_ahead["depth"] if look_ahead is not None else 0
        self.ema_decay: float = method["teacher"]["emaDecay"]
        self.threshold: float = method["pseudoLabel"]["threshold"]
        mixing = method["mixing"]
        self.mix = mix or StrongAugmentation(
            mixing["colorJitterStrength"],
            mixing["colorJitterProbability"],
            mixing["blurProbability"],
        )
        self.student = network.train()
        self.optimizer = create_optimizer(self.student, self.optimizer_config)
        self.teacher = copy.deepcopy(network).train().requires_grad_(False)
        for module in self.teacher.modules():  # batch statistics, but no dropout
            if isinstance(module, (DropPath, nn.Dropout2d)):
                module.eval()
        self.future: SegmentationNetwork | None = None
        if self.depth > 0:
            self.future = copy.deepcopy(network).train()
            self.future_optimizer = create_optimizer(self.future, self.optimizer_config)

    def run_iteration(self, batch: Batch, iteration: int) -> Losses:
        rate = learning_rate_at(self.optimizer_config, iteration, self.iterations)
        decay = min(1 - 1 / (iteration + 1), self.ema_decay)
        self.enter_teacher(self.student, decay)
        if self.future is not None:
            copy_network(self.future, self.student)
            copy_moments(self.future_optimizer, self.optimizer)
            for _ in range(self.depth):
                self.gradient_step(self.future, self.future_optimizer, batch, rate)
                self.enter_teacher(self.future, decay)
        return self.gradient_step(self.student, self.optimizer, batch, rate)

    @torch.no_grad()
    def enter_teacher(self, student: nn.Module, decay: float) -> None:
        """φ ← decay · φ + (1 − decay) · θ for parameters; buffers stay."""
        # All at once, as torch.optim.swa_utils does: few launches on a GPU.
        torch._foreach_lerp_(
            list(self.teacher.parameters()), list(student.parameters()), 1 - decay
        )

    def gradient_step(
        self,
        network: SegmentationNetwork,
        optimizer: torch.optim.Optimizer,
        batch: Batch,
        learning_rate: float,
    ) -> Losses:
        set_learning_rate(optimizer, learning_rate)
        optimizer.zero_grad()
        source_loss = mean_cross_entropy(
            network(batch.source_images), batch.source_labels, None
        )
        source_loss.backward()
        with torch.no_grad():
            target = self.pseudo_label(batch.target_images)
            ones = torch.ones_like(target.pixel_weights)
            source = LabeledImages(batch.source_images, batch.source_labels, ones)
            mixed = self.mix(source, target)
        mixed_loss = mean_cross_entropy(
            network(mixed.images), mixed.labels, mixed.pixel_weights
        )
        mixed_loss.backward()
        optimizer.step()
        return {"source": source_loss.detach(), "mixed": mixed_loss.detach()}

    def pseudo_label(self, images: Tensor) -> LabeledImages:
        """Every pixel's class; all have the share of confident ones as their weight."""
        logits = upsample(self.teacher(images), images.shape[2:])
        confidence, labels = logits.softmax(dim=1).max(dim=1)
        share = (confidence >= self.threshold).float().mean()
        return LabeledImages(images, labels, share.expand(labels.shape).clone())


def assert_supported(method: Config) -> None:
    """Refuses settings that this file has no code for."""
    look_ahead = method["lookAhead"] or {}
    expected = {
        "width": 1,
        "agreement": None,
        "optimizerState": "restore",
        "buffers": "restore",
        "emaStep": "iteration",
        "emaTiming": "before",
        "firstIteration": "lookahead",
        "reuse": False,
        "shareDropout": False,
    }
    for key, value in expected.items():
        if look_ahead.get(key, value) != value:
            raise ValueError(f'Cannot train with "lookAhead.{key}": it must be {value}')
    rows = method["pseudoLabel"]["ignoreTop"] + method["pseudoLabel"]["ignoreBottom"]
    if rows > 0 or method["featureDistance"] is not None:
        raise ValueError("Cannot train with ignored rows or a feature distance")
    if method["mixing"]["classesFrom"] != "image":
        raise ValueError('Cannot mix classes of the batch: "classesFrom" must be "image"')


@torch.no_grad()
def copy_network(target: nn.Module, source: nn.Module) -> None:
    """Copies parameters and buffers."""
    torch._foreach_copy_(list(target.parameters()), list(source.parameters()))
    torch._foreach_copy_(list(target.buffers()), list(source.buffers()))


@torch.no_grad()
def copy_moments(target: torch.optim.Optimizer, source: torch.optim.Optimizer) -> None:
    """Copies moments and counts of steps; before the first step there are none."""
    targets: list[Tensor] = []
    sources: list[Tensor] = []
    for to_group, group in zip(target.param_groups, source.param_groups, strict=True):
        for to, origin in zip(to_group["params"], group["params"], strict=True):
            if origin not in source.state:
                target.state.pop(to, None)
                continue
            for key, value in source.state[origin].items():
                targets.append(target.state[to].setdefault(key, torch.empty_like(value)))
                sources.append(value)
    if sources:
        torch._foreach_copy_(targets, sources)
