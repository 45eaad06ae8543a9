"""Families: what a network looks at, what it gives, and where the rest of the package deals with it.

One record a family. A family has the same file name everywhere: `decoding/NAME`, `estimators/NAME.py`, `train/NAME.py`.
Others do not ask which family a network is of: they ask the record.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from robustpose.pose.skeletons import COCO, MPII

FamilyName = Literal["heatmaps", "tags", "fields"]
DEFAULT: FamilyName = "heatmaps"  # of networks that nothing else is said of
# What files of version 0.1.0 call them.
OLD_NAMES: dict[str, FamilyName] = {"topdown": "heatmaps", "bottomup": "tags"}


@dataclass(frozen=True)
class Family:
    """Describe a family of networks."""

    name: FamilyName  # its key in `FAMILIES`
    networks: Mapping[str, str]  # by name, ``module:attr`` in `robustpose.models`: a function of the number of joints K
    stride: int  # input px per cell of its coarsest map
    input_wh: tuple[int, int]  # usual, px: of crops, or of whole images the size it is trained on
    # Where another size is usual for a benchmark's joints.
    input_wh_by_joints: Mapping[tuple[str, ...], tuple[int, int]] = field(default_factory=dict)
    sigma: float = 2.0  # of the target Gaussians, heatmap px
    # Where another sigma is usual, by the height of the input, px.
    sigma_by_height: Mapping[int, float] = field(default_factory=dict)
    reaches_last_pixel: bool = False  # maps do, from an input's first: sides of 16·n + 1 px fit, too
    in_boxes: bool = False  # whether people are looked for in boxes
    needs_limbs: bool = False  # whether outputs depend on the skeleton's limbs, too, not on its joints alone

    def choose_sigma(self, input_wh: tuple[int, int]) -> float:
        """Return the sigma that is usual for targets of an input of that many px."""
        return self.sigma_by_height.get(input_wh[1], self.sigma)

    @property
    def estimating(self) -> Any:
        """Return the module that makes estimators of its networks, see `robustpose.estimators`."""
        return importlib.import_module(f"robustpose.estimators.{self.name}")

    @property
    def training(self) -> Any:
        """Return the module that says what its networks learn, and from what; imported when asked for.

        It has ``make_samples(source, settings)`` and ``make_objective(settings)``; the outputs' shapes for one crop,
        ``expected_shapes(input_wh, skeleton)``, nested as the outputs are; `OUTPUTS`, what messages call them;
        `MORE_OUTPUTS`: whether further ones are left alone; and `HOLD_UNKNOWN`: targets in which NaN says that nothing
        is known.
        """
        return importlib.import_module(f"robustpose.train.{self.name}")


FAMILIES: dict[str, Family] = {
    family.name: family
    for family in (
        # Crops of one person (B, 3, h, w) -> heatmaps (B, K, h/4, w/4).
        Family(
            "heatmaps", {
                "sbl_r50": "sbl:sbl_r50", "sbl_r101": "sbl:sbl_r101", "sbl_r152": "sbl:sbl_r152",
                "hrnet_w32": "hrnet:hrnet_w32", "hrnet_w48": "hrnet:hrnet_w48",
                "mobilenet_v2": "mobilenet:MobileNetPose", "small": "small:SmallNet",
            },
            stride=4, input_wh=(192, 256),
            input_wh_by_joints={COCO.joints: (192, 256), MPII.joints: (256, 256)},
            # 128×96 halves the sigma of 256×192, as its heatmap is half as large.
            sigma_by_height={128: 1.0, 256: 2.0, 384: 3.0},
            in_boxes=True,
        ),
        # Whole images (B, 3, h, w) -> heatmaps and tags (B, 2K, h/4, w/4), and finer heatmaps (B, K, h/2, w/2).
        Family(
            "tags", {
                "higherhrnet_w32": "hrnet:higherhrnet_w32", "higherhrnet_w48": "hrnet:higherhrnet_w48",
                "small_tags": "small:SmallTagsNet",
            },
            stride=4, input_wh=(512, 512),
        ),
        # Whole images (B, 3, h, w) -> PifPaf's heads, a tuple of tuples: (confidence, vectors, log-spreads, scale).
        Family(
            "fields", {
                "pifpaf_shufflenetv2x2": "pifpaf:pifpaf_shufflenetv2x2",
                "pifpaf_resnet50": "pifpaf:pifpaf_resnet50", "pifpaf_resnet101": "pifpaf:pifpaf_resnet101",
                "small_fields": "small:SmallFieldsNet",
            },
            stride=8, input_wh=(641, 641), reaches_last_pixel=True, needs_limbs=True,
        ),
    )
}  # fmt: skip
