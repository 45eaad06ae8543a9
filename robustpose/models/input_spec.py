"""Input specs: what must be known about a network before an image goes in and after a heatmap comes out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import BeforeValidator

from robustpose.errors import UserError
from robustpose.models.families import DEFAULT, OLD_NAMES, FamilyName
from robustpose.pose.skeletons import Skeleton

IMAGENET_MEAN = (0.485, 0.456, 0.406)  # of RGB values in 0..1
IMAGENET_STD = (0.229, 0.224, 0.225)


@dataclass(frozen=True)
class InputSpec:
    """Describe a network."""

    name: str  # what messages call it
    input_wh: tuple[int, int]  # width and height, px; of whole images, the size it was trained on
    joints: tuple[str, ...] = ()  # names of the K joints in the order of its heatmaps; empty where a file does not tell
    channels: Literal["rgb", "bgr"] = "rgb"  # the order its first layer expects
    mean: tuple[float, float, float] = IMAGENET_MEAN  # subtracted from values in 0..1, in the order of `channels`
    std: tuple[float, float, float] = IMAGENET_STD  # divided by, likewise
    stride: int = 4  # input px per heatmap px
    sigma: float = 2.0  # of the Gaussians it was trained on, heatmap px
    # Key of `FAMILIES`.
    family: Annotated[FamilyName, BeforeValidator(lambda name: OLD_NAMES.get(name, name))] = DEFAULT

    def arrange(self, skeleton: Skeleton) -> Skeleton:
        """Return `skeleton` with its joints in the network's order; UserError if the network finds other joints."""
        arranged = skeleton.arrange(self.joints or skeleton.joints)
        if arranged is None:
            raise UserError(
                f"model '{self.name}' finds the joints {', '.join(self.joints)}, but the annotations have "
                f"{', '.join(skeleton.joints)}: use a model of that skeleton"
            )
        return arranged
