"""The strong augmentation of self-training: ClassMix, then color jitter, then blur.

Source: Tranheden et al., "DACS" (WACV 2021), https://arxiv.org/abs/2007.08702; the same
formulas as `src/augment`.
"""

from __future__ import annotations

import math
import random
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

# The mean and deviation of ImageNet, with which images were normalized.
MEAN = torch.tensor([123.675, 116.28, 103.53]).view(3, 1, 1)
STD = torch.tensor([58.395, 57.12, 57.375]).view(3, 1, 1)
MIN_SIGMA, MAX_SIGMA = 0.15, 1.15


@dataclass(frozen=True)
class LabeledImages:
    """Normalized images, their labels and the weights of their pixels."""

    images: Tensor  # [B, 3, H, W]
    labels: Tensor  # [B, H, W]
    pixel_weights: Tensor  # [B, H, W]


def draw_class_mask(labels: Tensor) -> Tensor:
    """Marks the pixels of half of the classes of each image. [B, H, W]"""
    masks: list[Tensor] = []
    for label in labels:
        classes = torch.unique(label)
        order = torch.randperm(len(classes), device=classes.device)
        chosen = classes[order[: math.ceil(len(classes) / 2)]]
        masks.append(torch.isin(label, chosen))
    return torch.stack(masks)


def paste_source(mask: Tensor, source: LabeledImages, target: LabeledImages) -> LabeledImages:
    """Source pixels where the mask is true, those of the target elsewhere."""
    return LabeledImages(
        images=torch.where(mask[:, None], source.images, target.images),
        labels=torch.where(mask, source.labels, target.labels),
        pixel_weights=torch.where(mask, source.pixel_weights, target.pixel_weights),
    )


@dataclass(frozen=True)
class JitterFactors:
    brightness: float
    contrast: float
    saturation: float
    hue: float
    order: tuple[int, ...]  # of brightness, contrast, saturation, hue


def draw_color_jitter(strength: float) -> JitterFactors:
    def change() -> float:
        return random.uniform(-strength, strength)

    return JitterFactors(
        1 + change(), 1 + change(), 1 + change(), change(), tuple(random.sample(range(4), 4))
    )


def color_jitter(image: Tensor, factors: JitterFactors) -> Tensor:
    """Jitters the colors of one normalized image. [3, H, W]"""
    mean, std = MEAN.to(image.device), STD.to(image.device)
    rgb = (image * std + mean) / 255
    for kind in factors.order:
        if kind == 0:
            rgb = (rgb + (factors.brightness - 1)).clamp(0, 1)
        elif kind == 1:
            rgb = (rgb * factors.contrast).clamp(0, 1)
        else:
            hue, saturation, value = rgb_to_hsv(rgb)
            if kind == 2:
                saturation = (saturation * factors.saturation).clamp(0, 1)
            else:
                hue = hue + factors.hue
            rgb = hsv_to_rgb(hue, saturation, value)
    return (rgb * 255 - mean) / std


def rgb_to_hsv(rgb: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Hue in turns, saturation and value, each [H, W]."""
    value, largest = rgb.max(dim=0)
    spread = value - rgb.amin(dim=0)
    divisor = torch.where(spread == 0, torch.ones_like(spread), spread)
    r, g, b = rgb
    hues = torch.stack([g - b, 2 * divisor + b - r, 4 * divisor + r - g])
    hue = hues.gather(0, largest[None])[0] / divisor / 6
    return hue % 1, spread / (value + 1e-6), value


def hsv_to_rgb(hue: Tensor, saturation: Tensor, value: Tensor) -> Tensor:
    """[3, H, W]"""
    sector = torch.floor(hue * 6)
    f = hue * 6 - sector
    p = value * (1 - saturation)
    q = value * (1 - f * saturation)
    t = value * (1 - (1 - f) * saturation)
    index = (sector.long() % 6)[None]
    red = torch.stack([value, q, p, p, t, value]).gather(0, index)
    green = torch.stack([t, value, value, q, p, p]).gather(0, index)
    blue = torch.stack([p, p, t, value, value, q]).gather(0, index)
    return torch.cat([red, green, blue])


def gaussian_blur(images: Tensor, sigmas: list[float]) -> Tensor:
    """Blurs each image by its own Gaussian, reflecting at borders. [B, C, H, W]"""
    B, C, H, W = images.shape
    rows, columns = blur_kernel_size(H), blur_kernel_size(W)
    x = images.reshape(1, B * C, H, W)
    x = F.pad(x, (columns // 2, columns // 2, rows // 2, rows // 2), mode="reflect")
    row_filters = gaussian_filters(sigmas, rows, images).repeat_interleave(C, dim=0)
    column_filters = gaussian_filters(sigmas, columns, images).repeat_interleave(C, dim=0)
    x = F.conv2d(x, row_filters.view(B * C, 1, rows, 1), groups=B * C)
    x = F.conv2d(x, column_filters.view(B * C, 1, 1, columns), groups=B * C)
    return x.view(B, C, H, W)


def blur_kernel_size(side: int) -> int:
    """A tenth of the side, rounded up, and made odd downwards."""
    tenth = math.ceil(0.1 * side)
    return tenth - 1 if tenth % 2 == 0 else tenth


def gaussian_filters(sigmas: list[float], size: int, like: Tensor) -> Tensor:
    """One normalized filter per σ. [B, size]"""
    offsets = torch.arange(size, device=like.device, dtype=like.dtype) - size // 2
    sigma = torch.tensor(sigmas, device=like.device, dtype=like.dtype)[:, None]
    weights = torch.exp(-(offsets**2) / (2 * sigma**2))
    return weights / weights.sum(dim=1, keepdim=True)


@dataclass(frozen=True)
class StrongAugmentation:
    color_jitter_strength: float
    color_jitter_probability: float
    blur_probability: float

    def __call__(
        self, source: LabeledImages, target: LabeledImages, mask: Tensor | None = None
    ) -> LabeledImages:
        if mask is None:
            mask = draw_class_mask(source.labels)
        mixed = paste_source(mask, source, target)
        images = mixed.images
        if random.random() < self.color_jitter_probability:
            factors = [draw_color_jitter(self.color_jitter_strength) for _ in images]
            images = torch.stack(
                [color_jitter(image, one) for image, one in zip(images, factors, strict=True)]
            )
        if random.random() < self.blur_probability:
            sigmas = [random.uniform(MIN_SIGMA, MAX_SIGMA) for _ in images]
            images = gaussian_blur(images, sigmas)
        return LabeledImages(images, mixed.labels, mixed.pixel_weights)
