"""Mixing: the views of a crop become one image, by weights per pixel or per image (Wang et al., CVPR 2021, eq. 5).

A mixer is a module: views (B, V, 3, h, w) -> mixed (B, 3, h, w) and weights (B, V, h, w) or (B, V, 1, 1) that sum to 1
over V. One with ``adversarial = True`` has parameters, which are trained to make the mix hard (eq. 9).
"""

from __future__ import annotations

import copy
from typing import Any, Protocol, runtime_checkable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from robustpose.blame import blaming
from robustpose.errors import UserError
from robustpose.models.unet import UNet, choose_depth
from robustpose.registry import load
from robustpose.train.settings_groups import ImageHead, MixingSettings

CLEAN = 0  # the first view is the crop as it is


@runtime_checkable
class Mixer(Protocol):
    """What a mixer has besides being a module."""

    adversarial: bool


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
    """Draw the weights of each image from Dirichlet(1): every combination is equally likely."""

    adversarial = False

    def forward(self, views: Tensor) -> tuple[Tensor, Tensor]:
        # On the CPU: one stream for all devices.
        shares = torch.empty(views.shape[:2], dtype=views.dtype).exponential_()
        weights = (shares / shares.sum(1, keepdim=True)).to(views.device)
        return mix(views, weights[:, :, None, None])


class RandomView(nn.Module):
    """Take one view of each image as it is: the clean one with chance `clean_share`, or any of the others alike.

    A mean of a sharp and a blurred view is not blurred, and one of a clean and a noisy view has half of the noise: who
    learns from single views meets each in full strength.
    """

    adversarial = False

    def __init__(self, clean_share: float) -> None:
        super().__init__()
        self._clean_share = clean_share

    def forward(self, views: Tensor) -> tuple[Tensor, Tensor]:
        n_crops, n_views = views.shape[:2]
        is_clean, place = torch.rand(2, n_crops)  # on the CPU: one stream for all devices
        others = 1 + (place * (n_views - 1)).long().clamp(max=n_views - 2)
        chosen = torch.where(is_clean < self._clean_share, CLEAN, others)
        weights = F.one_hot(chosen, n_views).to(views)
        return views[torch.arange(n_crops), chosen.to(views.device)], weights[:, :, None, None]


class GeneratorMix(nn.Module):
    """Let a U-Net, (B, 3·V, h, w) to logits (B, V, h, w), weigh the views pixel by pixel: AdvMix, M of eq. 5.

    Weights are found on images `scale` (1, 2 or 4) times smaller, and enlarged; or with an `image_head` one a view for
    the whole image (AdvMix-Image): of the mean of the logits over pixels, or as the mean of the pixels' `weights`.
    """

    adversarial = True

    def __init__(self, generator: nn.Module, scale: int = 1, image_head: ImageHead | None = None) -> None:
        super().__init__()
        self.generator = generator
        self._scale = scale
        self._image_head = image_head

    def forward(self, views: Tensor) -> tuple[Tensor, Tensor]:
        x = views.flatten(1, 2)  # (B, 3·V, h, w)
        if self._scale > 1:
            x = F.avg_pool2d(x, self._scale)
        logits = self.generator(x)  # (B, V, h / scale, w / scale)
        if self._image_head == "weights":
            return mix(views, logits.softmax(1).mean((2, 3), keepdim=True))
        if self._image_head == "logits":
            logits = logits.mean((2, 3), keepdim=True)
        elif self._scale > 1:
            logits = F.interpolate(logits, views.shape[3:], mode="bilinear", align_corners=False)
        return mix(views, logits.softmax(1))


def mix(views: Tensor, weights: Tensor) -> tuple[Tensor, Tensor]:
    """Return the weighted sum (B, 3, h, w) of views (B, V, 3, h, w), eq. 5, and the weights."""
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


def make_pixel_mixer(
    n_views: int, input_wh: tuple[int, int], mixing: MixingSettings, image_head: ImageHead | None = None
) -> GeneratorMix:
    """Return the mixer of AdvMix, or with an `image_head` that of AdvMix-Image."""
    scale = mixing.generator_scale
    return GeneratorMix(make_generator(n_views, input_wh, mixing.generator_width, scale), scale, image_head)


def make_random_view(n_views: int, input_wh: tuple[int, int], mixing: MixingSettings) -> RandomView:
    """Return the mixer of randomview."""
    if n_views < 2:
        raise UserError("strategy 'randomview' takes the clean view and others: name two or more in mixing.views")
    return RandomView(mixing.clean_share)


def make_image_mixer(n_views: int, input_wh: tuple[int, int], mixing: MixingSettings) -> GeneratorMix:
    """Return the mixer of AdvMix-Image."""
    return make_pixel_mixer(n_views, input_wh, mixing, mixing.image_head)


def make_mixer(mixer: Any, n_views: int, input_wh: tuple[int, int], mixing: MixingSettings) -> nn.Module:
    """Return the mixer that a strategy names, after a trial.

    `mixer` is a module; a class of such, made without arguments; a function of the other three arguments that makes
    one; or the `package.module:attr` of any of these. It mixes `n_views` views of crops of `input_wh` px.
    """
    found = load(mixer, kind="mixer") if isinstance(mixer, str) else mixer
    what = f"mixer '{mixer if isinstance(mixer, str) else getattr(mixer, '__name__', type(mixer).__name__)}'"
    if isinstance(found, type):
        with blaming(what, "a class without arguments"):
            found = found()
    elif isinstance(found, nn.Module):
        found = copy.deepcopy(found)  # another run of the same process starts with the same weights
    else:
        with blaming(what, "a function of the number of views, the input's size and the settings of mixing"):
            found = found(n_views, input_wh, mixing)
    mixer = check_mixer(found)
    width, height = input_wh
    with torch.no_grad(), blaming(what, "a module of views"):
        came = mixer.eval()(torch.zeros(2, n_views, 3, height, width, dtype=torch.float32))
    shapes: list[Any] = [type(came).__name__]
    if isinstance(came, tuple) and all(isinstance(one, Tensor) for one in came):
        shapes = [tuple(one.shape) for one in came]
    if not any(shapes == [(2, 3, height, width), (2, n_views, *sides)] for sides in ((height, width), (1, 1))):
        raise UserError(
            f"mixer {type(mixer).__name__} must give a mix (B, 3, h, w) and weights (B, {n_views}, h, w) or "
            f"(B, {n_views}, 1, 1) of views (B, {n_views}, 3, h, w), got {', '.join(map(str, shapes))}"
        )
    off = (came[1].float().sum(1) - 1).abs().max()
    if not torch.isfinite(came[0]).all() or not off < 1e-3:
        raise UserError(
            f"mixer {type(mixer).__name__} must give finite images and weights that sum to 1 over the views"
        )
    if mixer.adversarial and not any(parameter.requires_grad for parameter in mixer.parameters()):
        raise UserError(f"mixer {type(mixer).__name__} says that it is adversarial, but has no parameters to train")
    return mixer.train()


def check_mixer(mixer: Any) -> nn.Module:
    """Return a mixer as it is, or raise UserError if it is none."""
    if isinstance(mixer, nn.Module) and isinstance(mixer, Mixer):
        return mixer
    raise UserError(
        "a mixer must be a module forward(views) -> (mixed, weights) with a flag adversarial, such as "
        f"GeneratorMix(generator), got {type(mixer).__name__}"
    )
