"""The networks of the comparison, in plain PyTorch: what `src/models` builds, under the same
names, so that weights of one load into the other.

Sources of the architectures: Xie et al., "SegFormer" (NeurIPS 2021),
https://arxiv.org/abs/2105.15203; Hoyer et al., "DAFormer" (CVPR 2022),
https://arxiv.org/abs/2111.14887; He et al., "Bag of Tricks" (CVPR 2019),
https://arxiv.org/abs/1812.01187; Chen et al., "DeepLab" (TPAMI 2018),
https://arxiv.org/abs/1606.00915.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

Config = Mapping[str, Any]

MLP_RATIO = 4
BLOCK_EPSILON = 1e-6
BOTTLENECK_EXPANSION = 4
RESNET_STRIDES = (1, 2, 1, 1)
RESNET_DILATIONS = (1, 1, 2, 4)


class SegmentationNetwork(nn.Module):
    """An encoder and a decoder; the logits have the size of the decoder's maps."""

    def __init__(self, config: Config, classes: int) -> None:
        super().__init__()
        self.backbone = build_encoder(config["encoder"])
        self.decode_head = build_decoder(
            config["decoder"], self.backbone.channels, classes
        )

    def forward(self, images: Tensor) -> Tensor:
        return self.decode_head(self.backbone(images))  # [B, classes, h, w]


def build_encoder(config: Config) -> MixTransformer | ResNet:
    match config["name"]:
        case "mit":
            return MixTransformer(
                config["embedDims"],
                config["depths"],
                config["numHeads"],
                config["srRatios"],
                config["dropPathRate"],
            )
        case "resnet":
            stem_channels = config["stemChannels"] or 64
            return ResNet(config["depths"], stem_channels, config["baseChannels"])
        case name:
            raise ValueError(f'Cannot build an encoder "{name}": known are mit and resnet')


def build_decoder(
    config: Config, in_channels: Sequence[int], classes: int
) -> DaformerHead | DeepLabV2Head:
    match config["name"]:
        case "daformer":
            if config["fusion"] != "separable-aspp":
                raise ValueError(f'Cannot fuse by "{config["fusion"]}": known is separable-aspp')
            return DaformerHead(
                in_channels,
                config["channels"],
                config["dilations"],
                config["dropout"],
                classes,
            )
        case "deeplabv2":
            return DeepLabV2Head(in_channels[-1], config["dilations"], classes)
        case name:
            raise ValueError(
                f'Cannot build a decoder "{name}": known are daformer and deeplabv2'
            )


# --- Mix Transformer


class MixTransformer(nn.Module):
    def __init__(
        self,
        channels: Sequence[int],
        depths: Sequence[int],
        heads: Sequence[int],
        reductions: Sequence[int],
        drop_path_rate: float,
    ) -> None:
        super().__init__()
        self.channels = list(channels)
        rates = torch.linspace(0, drop_path_rate, sum(depths)).tolist()
        for s, width in enumerate(channels):
            kernel_size, stride = (7, 4) if s == 0 else (3, 2)
            embed = OverlapPatchEmbedding(
                3 if s == 0 else channels[s - 1], width, kernel_size, stride
            )
            blocks = nn.ModuleList(
                MixTransformerBlock(width, heads[s], reductions[s], rates.pop(0))
                for _ in range(depths[s])
            )
            self.add_module(f"patch_embed{s + 1}", embed)
            self.add_module(f"block{s + 1}", blocks)
            self.add_module(f"norm{s + 1}", nn.LayerNorm(width, eps=BLOCK_EPSILON))

    def forward(self, x: Tensor) -> list[Tensor]:
        maps: list[Tensor] = []
        for s in range(1, len(self.channels) + 1):
            tokens, height, width = getattr(self, f"patch_embed{s}")(x)  # [B, N, C]
            for block in getattr(self, f"block{s}"):
                tokens = block(tokens, height, width)
            tokens = getattr(self, f"norm{s}")(tokens)
            x = to_map(tokens, height, width)
            maps.append(x)
        return maps


class OverlapPatchEmbedding(nn.Module):
    def __init__(
        self, in_channels: int, out_channels: int, kernel_size: int, stride: int
    ) -> None:
        super().__init__()
        self.proj = nn.Conv2d(
            in_channels, out_channels, kernel_size, stride, padding=kernel_size // 2
        )
        self.norm = nn.LayerNorm(out_channels)

    def forward(self, x: Tensor) -> tuple[Tensor, int, int]:
        x = self.proj(x)  # [B, C, H, W]
        _, _, height, width = x.shape
        return self.norm(to_tokens(x)), height, width


class MixTransformerBlock(nn.Module):
    def __init__(
        self, channels: int, heads: int, reduction: int, drop_path_rate: float
    ) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(channels, eps=BLOCK_EPSILON)
        self.attn = ReducedAttention(channels, heads, reduction)
        self.norm2 = nn.LayerNorm(channels, eps=BLOCK_EPSILON)
        self.mlp = MixFeedForward(channels, MLP_RATIO * channels)
        self.drop_path = DropPath(drop_path_rate)

    def forward(self, x: Tensor, height: int, width: int) -> Tensor:
        x = x + self.drop_path(self.attn(self.norm1(x), height, width))
        return x + self.drop_path(self.mlp(self.norm2(x), height, width))


class ReducedAttention(nn.Module):
    """Attention whose keys and values come from a map that is `reduction` times coarser."""

    def __init__(self, channels: int, heads: int, reduction: int) -> None:
        super().__init__()
        self.heads = heads
        self.reduction = reduction
        self.q = nn.Linear(channels, channels)
        self.kv = nn.Linear(channels, 2 * channels)
        self.proj = nn.Linear(channels, channels)
        if reduction > 1:
            self.sr = nn.Conv2d(channels, channels, reduction, reduction)
            self.norm = nn.LayerNorm(channels)

    def forward(self, x: Tensor, height: int, width: int) -> Tensor:
        B, N, C = x.shape
        coarse = x
        if self.reduction > 1:
            coarse = self.norm(to_tokens(self.sr(to_map(x, height, width))))  # [B, M, C]
        q = self.q(x).view(B, N, self.heads, -1).transpose(1, 2)  # [B, heads, N, D]
        kv = self.kv(coarse).view(B, -1, 2, self.heads, C // self.heads)
        k, v = kv.permute(2, 0, 3, 1, 4)  # each [B, heads, M, D]
        attended = F.scaled_dot_product_attention(q, k, v)
        return self.proj(attended.transpose(1, 2).reshape(B, N, C))


class MixFeedForward(nn.Module):
    def __init__(self, channels: int, hidden: int) -> None:
        super().__init__()
        self.fc1 = nn.Linear(channels, hidden)
        self.dwconv = DepthwiseConvolution(hidden)
        self.fc2 = nn.Linear(hidden, channels)

    def forward(self, x: Tensor, height: int, width: int) -> Tensor:
        return self.fc2(F.gelu(self.dwconv(self.fc1(x), height, width)))


class DepthwiseConvolution(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.dwconv = nn.Conv2d(channels, channels, 3, padding=1, groups=channels)

    def forward(self, x: Tensor, height: int, width: int) -> Tensor:
        return to_tokens(self.dwconv(to_map(x, height, width)))


class DropPath(nn.Module):
    """Drops a residual branch for whole images."""

    def __init__(self, rate: float) -> None:
        super().__init__()
        self.rate = rate

    def forward(self, x: Tensor) -> Tensor:
        if not self.training or self.rate == 0:
            return x
        kept = x.new_empty(x.shape[0], 1, 1).bernoulli_(1 - self.rate)
        return x * (kept / (1 - self.rate))


def to_tokens(x: Tensor) -> Tensor:
    return x.flatten(2).transpose(1, 2)  # [B, C, H, W] → [B, N, C]


def to_map(tokens: Tensor, height: int, width: int) -> Tensor:
    B, _, C = tokens.shape
    return tokens.transpose(1, 2).reshape(B, C, height, width)


# --- ResNet


class ResNet(nn.Module):
    """ResNet-V1c with dilated last stages: strides 4, 8, 8, 8."""

    def __init__(self, depths: Sequence[int], stem_channels: int, base_channels: int) -> None:
        super().__init__()
        half = stem_channels // 2
        self.stem = nn.Sequential(
            *conv_norm_relu(3, half, stride=2),
            *conv_norm_relu(half, half),
            *conv_norm_relu(half, stem_channels),
        )
        self.pool = nn.MaxPool2d(3, stride=2, padding=1)
        self.channels: list[int] = []
        in_channels = stem_channels
        for s, depth in enumerate(depths):
            planes = base_channels * 2**s
            blocks: list[nn.Module] = []
            for k in range(depth):
                dilation = RESNET_DILATIONS[s]
                if k == 0:  # the step to the next dilation is taken in two halves
                    dilation = max(dilation // 2, 1)
                stride = RESNET_STRIDES[s] if k == 0 else 1
                blocks.append(Bottleneck(in_channels, planes, stride, dilation, k == 0))
                in_channels = BOTTLENECK_EXPANSION * planes
            self.add_module(f"layer{s + 1}", nn.Sequential(*blocks))
            self.channels.append(in_channels)

    def forward(self, x: Tensor) -> list[Tensor]:
        x = self.pool(self.stem(x))
        maps: list[Tensor] = []
        for s in range(1, len(self.channels) + 1):
            x = getattr(self, f"layer{s}")(x)
            maps.append(x)
        return maps


def conv_norm_relu(in_channels: int, out_channels: int, stride: int = 1) -> list[nn.Module]:
    conv = nn.Conv2d(in_channels, out_channels, 3, stride, padding=1, bias=False)
    return [conv, nn.BatchNorm2d(out_channels), nn.ReLU(inplace=True)]


class Bottleneck(nn.Module):
    def __init__(
        self, in_channels: int, planes: int, stride: int, dilation: int, downsample: bool
    ) -> None:
        super().__init__()
        out_channels = BOTTLENECK_EXPANSION * planes
        self.conv1 = nn.Conv2d(in_channels, planes, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(planes)
        self.conv2 = nn.Conv2d(
            planes, planes, 3, stride, padding=dilation, dilation=dilation, bias=False
        )
        self.bn2 = nn.BatchNorm2d(planes)
        self.conv3 = nn.Conv2d(planes, out_channels, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(out_channels)
        self.downsample = (
            nn.Sequential(
                nn.Conv2d(in_channels, out_channels, 1, stride, bias=False),
                nn.BatchNorm2d(out_channels),
            )
            if downsample
            else nn.Identity()
        )

    def forward(self, x: Tensor) -> Tensor:
        change = F.relu(self.bn1(self.conv1(x)), inplace=True)
        change = F.relu(self.bn2(self.conv2(change)), inplace=True)
        change = self.bn3(self.conv3(change))
        return F.relu(change + self.downsample(x), inplace=True)


# --- Decoders


class DaformerHead(nn.Module):
    """All levels embedded, upsampled to the finest size, and fused by separable ASPP."""

    def __init__(
        self,
        in_channels: Sequence[int],
        channels: int,
        dilations: Sequence[int],
        dropout: float,
        classes: int,
    ) -> None:
        super().__init__()
        self.embed_layers = nn.ModuleList(Embedding(width, channels) for width in in_channels)
        self.fuse_layer = SeparableAspp(channels * len(in_channels), channels, dilations)
        self.dropout = nn.Dropout2d(dropout)
        self.conv_seg = nn.Conv2d(channels, classes, 1)

    def forward(self, maps: Sequence[Tensor]) -> Tensor:
        size = maps[0].shape[2:]
        levels = [embed(x) for embed, x in zip(self.embed_layers, maps, strict=True)]
        resized = [levels[0], *(upsample(level, size) for level in levels[1:])]
        return self.conv_seg(self.dropout(self.fuse_layer(torch.cat(resized, dim=1))))


class Embedding(nn.Module):
    def __init__(self, in_channels: int, channels: int) -> None:
        super().__init__()
        self.proj = nn.Linear(in_channels, channels)

    def forward(self, x: Tensor) -> Tensor:
        return to_map(self.proj(to_tokens(x)), *x.shape[2:])


class SeparableAspp(nn.Module):
    def __init__(self, in_channels: int, channels: int, dilations: Sequence[int]) -> None:
        super().__init__()
        self.aspp_modules = nn.ModuleList(
            ConvModule(in_channels, channels, 1)
            if dilation == 1
            else SeparableConvModule(in_channels, channels, dilation)
            for dilation in dilations
        )
        self.bottleneck = ConvModule(len(dilations) * channels, channels, 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.bottleneck(torch.cat([branch(x) for branch in self.aspp_modules], dim=1))


class ConvModule(nn.Module):
    """Convolution without bias, batch norm, ReLU."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int,
        dilation: int = 1,
        groups: int = 1,
    ) -> None:
        super().__init__()
        self.conv = nn.Conv2d(
            in_channels,
            out_channels,
            kernel_size,
            padding=dilation * (kernel_size // 2),
            dilation=dilation,
            groups=groups,
            bias=False,
        )
        self.bn = nn.BatchNorm2d(out_channels)

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(self.bn(self.conv(x)), inplace=True)


class SeparableConvModule(nn.Module):
    def __init__(self, in_channels: int, out_channels: int, dilation: int) -> None:
        super().__init__()
        self.depthwise_conv = ConvModule(
            in_channels, in_channels, 3, dilation, groups=in_channels
        )
        self.pointwise_conv = ConvModule(in_channels, out_channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.pointwise_conv(self.depthwise_conv(x))


class DeepLabV2Head(nn.Module):
    """The sum of 3×3 classifiers of several dilations on the coarsest map."""

    def __init__(self, in_channels: int, dilations: Sequence[int], classes: int) -> None:
        super().__init__()
        self.aspp_modules = nn.ModuleList(
            Classifier(in_channels, classes, dilation) for dilation in dilations
        )

    def forward(self, maps: Sequence[Tensor]) -> Tensor:
        return torch.stack([branch(maps[-1]) for branch in self.aspp_modules]).sum(dim=0)


class Classifier(nn.Module):
    def __init__(self, in_channels: int, classes: int, dilation: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(in_channels, classes, 3, padding=dilation, dilation=dilation)

    def forward(self, x: Tensor) -> Tensor:
        return self.conv(x)


def upsample(x: Tensor, size: Sequence[int]) -> Tensor:
    return F.interpolate(x, size=tuple(size), mode="bilinear", align_corners=False)
