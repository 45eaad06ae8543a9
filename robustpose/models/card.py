"""Model cards: what must be known about a network before an image goes in and after a heatmap comes out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from robustpose.errors import UserError
from robustpose.pose.skeleton import Skeleton

# What a network looks at, and what it gives:
# topdown   crops of one person (B, 3, h, w) -> heatmaps (B, K, h/4, w/4)
# bottomup  whole images (B, 3, h, w) -> heatmaps and tags (B, 2K, h/4, w/4), and finer heatmaps (B, K, h/2, w/2)
# fields    whole images (B, 3, h, w) -> PifPaf's heads, a tuple of tuples: (confidence, vectors, log-spreads, scale)
Family = Literal["topdown", "bottomup", "fields"]
IMAGENET_MEAN = (0.485, 0.456, 0.406)  # of RGB values in 0..1
IMAGENET_STD = (0.229, 0.224, 0.225)


@dataclass(frozen=True)
class ModelCard:
    """Describe a network.

    Attributes:
        name: what messages call it.
        joints: names of the K joints in the order of its heatmaps; empty where a file does not tell.
        input_wh: width and height of its input, px; of images it looks at as a whole, the size it was trained on.
        channels: the order its first layer expects.
        mean: subtracted from values in 0..1, in the order of `channels`.
        std: divided by, likewise.
        stride: input px per heatmap px.
        sigma: of the Gaussians it was trained on, heatmap px.
        family: what it looks at.
    """

    name: str
    input_wh: tuple[int, int]
    joints: tuple[str, ...] = ()
    channels: Literal["rgb", "bgr"] = "rgb"
    mean: tuple[float, float, float] = IMAGENET_MEAN
    std: tuple[float, float, float] = IMAGENET_STD
    stride: int = 4
    sigma: float = 2.0
    family: Family = "topdown"

    def check_joints(self, skeleton: Skeleton) -> None:
        """Raise UserError if the network finds other joints than those of `skeleton`."""
        if self.joints and self.joints != skeleton.joints:
            raise UserError(
                f"model '{self.name}' finds the joints {', '.join(self.joints)}, but the annotations have "
                f"{', '.join(skeleton.joints)}: use a model of that skeleton"
            )
