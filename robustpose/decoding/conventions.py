"""Conventions: how crops are cut, mirrored heatmaps aligned, peaks refined and joints placed: what belongs together.

A network is decoded as it was trained: at a stride of 4, HRNet's geometry and UDP's differ by up to 3 input pixels.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from robustpose.decoding.heatmaps import decode_heatmaps
from robustpose.decoding.taylor import choose_kernel, decode_dark, decode_udp
from robustpose.pose.crop import crop_person, map_xy_to_xy
from robustpose.pose.types import Floats, Image
from robustpose.pose.unbiased_crop import crop_unbiased, unbiased_map_xy_to_xy


@dataclass(frozen=True)
class Convention:
    """One of the ways from a box to a crop and from heatmaps to joints."""

    # Heatmaps (N, K, h, w), and the sigma of the Gaussians that the network was trained on, heatmap px -> positions
    # (N, K, 2) in heatmap px, and confidences (N, K).
    decode: Callable[[Floats, float], tuple[Floats, Floats]]
    crop: Callable[[Image, Floats, Floats, tuple[int, int]], Image] = crop_person
    to_image: Callable[[Floats, Floats, Floats, tuple[int, int]], Floats] = map_xy_to_xy
    shift: bool = True  # of mirrored heatmaps, by a pixel: `unmirror_heatmaps`
    least_side: int = 1  # of a heatmap, px


def _unbiased(decode: Callable[[Floats, float], tuple[Floats, Floats]]) -> Convention:
    return Convention(decode, crop_unbiased, unbiased_map_xy_to_xy, shift=False, least_side=3)


# `quarter`: SBL, HRNet. `dark`: HRNet's, with DARK's step. `udp`: Huang et al., CVPR 2020; `udp-dark`: with as wide a
# kernel as DARK's, such as MMPose's UDP networks and ViTPose.
CONVENTIONS: dict[str, Convention] = {
    "quarter": Convention(lambda heatmaps, sigma: decode_heatmaps(heatmaps)),
    "dark": Convention(lambda heatmaps, sigma: decode_dark(heatmaps, choose_kernel(sigma))),
    "udp": _unbiased(lambda heatmaps, sigma: decode_udp(heatmaps)),
    "udp-dark": _unbiased(lambda heatmaps, sigma: decode_udp(heatmaps, choose_kernel(sigma))),
}
