"""Mixing: the views of a crop become one picture, by weights per pixel or per picture (Wang et al., CVPR 2021, eq. 2).

A mixer is a module: views (B, V, 3, h, w) -> mixed (B, 3, h, w) and weights (B, V, h, w) or (B, V, 1, 1) that sum to 1
over V. One with ``adversarial = True`` has parameters, which are trained to make the mix hard.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from robustpose.models.unet import UNet, choose_depth

CLEAN = 0  # the first view is the crop as it is


class LastView(nn.Module):
    """Take the last view as it is."""

    adversarial = False

    def forward(self, views: Tensor) -> tuple[Tensor, Tensor]:
        n_crops, n_views = views.shape[:2]
        weights = views.new_zeros(n_crops, n_views, 1, 1)
        weights[:, -1] = 1
        return views[:, -1], weights


class EqualMix(nn.Module):
    """Give every view the same weight."""

    adversarial = False

    def forward(self, views: Tensor) -> tuple[Tensor, Tensor]:
        n_crops, n_views = views.shape[:2]
        return mix(views, views.new_full((n_crops, n_views, 1, 1), 1 / n_views))


class DirichletMix(nn.Module):
    """Draw the weights of each picture from Dirichlet(1): every combination is equally likely."""

    adversarial = False

    def forward(self, views: Tensor) -> tuple[Tensor, Tensor]:
        shares = torch.empty(
            views.shape[:2], dtype=views.dtype
        ).exponential_()  # on the CPU: one stream for all devices
        weights = (shares / shares.sum(1, keepdim=True)).to(views.device)
        return mix(views, weights[:, :, None, None])


class GeneratorMix(nn.Module):
    """Let a U-Net weigh the views, pixel by pixel: AdvMix.

    Args:
        generator: (B, 3·V, h, w) to logits (B, V, h, w).
        scale: 1, 2 or 4: weights are found on pictures that much smaller, and enlarged.
        per_image: one weight a view for the whole picture: AdvMix-Image.
    """

    adversarial = True

    def __init__(self, generator: nn.Module, scale: int = 1, per_image: bool = False) -> None:
        super().__init__()
        self.generator = generator
        self._scale = scale
        self._per_image = per_image

    def forward(self, views: Tensor) -> tuple[Tensor, Tensor]:
        x = views.flatten(1, 2)  # (B, 3·V, h, w)
        if self._scale > 1:
            x = F.avg_pool2d(x, self._scale)
        logits = self.generator(x)  # (B, V, h / scale, w / scale)
        if self._per_image:
            logits = logits.mean((2, 3), keepdim=True)
        elif self._scale > 1:
            logits = F.interpolate(logits, views.shape[3:], mode="bilinear", align_corners=False)
        return mix(views, logits.softmax(1))


def mix(views: Tensor, weights: Tensor) -> tuple[Tensor, Tensor]:
    """Return the weighted sum (B, 3, h, w) of views (B, V, 3, h, w), and the weights."""
    mixed = weights[:, 0, None] * views[:, 0]
    for view in range(1, views.shape[1]):
        mixed = mixed + weights[:, view, None] * views[:, view]
    return mixed, weights


def make_generator(n_views: int, input_wh: tuple[int, int], width: int = 64, scale: int = 1) -> UNet:
    """Return a fresh U-Net for `n_views` views of crops of `input_wh` px, with pix2pix's first weights, N(0, 0.02)."""
    generator = UNet(3 * n_views, n_views, choose_depth((input_wh[0] // scale, input_wh[1] // scale)), width)
    for module in generator.modules():
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
            nn.init.normal_(module.weight, std=0.02)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
    return generator


@torch.no_grad()
def make_mix(mixer: nn.Module, views: Tensor) -> tuple[Tensor, Tensor]:
    """Return mixed (B, 3, h, w) and weights (B, V, h, w), without learning from it."""
    return mixer(views)
