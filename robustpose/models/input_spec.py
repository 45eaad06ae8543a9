"""Input specs: what must be known about a network before an image goes in and after a heatmap comes out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field

from robustpose.models.families import DEFAULT, OLD_NAMES, FamilyName
from robustpose.pose.shared_joints import make_own_skeleton
from robustpose.pose.skeletons import Skeleton

IMAGENET_MEAN = (0.485, 0.456, 0.406)  # of RGB values in 0..1
IMAGENET_STD = (0.229, 0.224, 0.225)


def _check_distinct(joints: tuple[str, ...]) -> tuple[str, ...]:
    if len(set(joints)) < len(joints):
        raise ValueError("must have each joint once")
    return joints


# Bounds of what a file may say; objects made in Python are not looked at.
Word = Annotated[str, Field(min_length=1, max_length=200)]
Pixels = Annotated[int, Field(ge=1, le=10_000)]
Number = Annotated[float, Field(ge=-1000, le=1000)]  # nor is it NaN
Scale = Annotated[float, Field(gt=0, le=1000)]


@dataclass(frozen=True)
class InputSpec:
    """Describe a network.

    As ``input=`` of `robustpose.bench`, or as the attribute `input_spec` of a torch module, it says what the input is.

    Attributes:
        name: what messages call it.
        input_wh: width and height, px; of whole images, the size it was trained on.
        joints: names of the K joints in the order of its heatmaps; empty where a file does not tell.
        channels: the order its first layer expects.
        mean: subtracted from values in 0..1, in the order of `channels`; by default ImageNet's.
        std: divided by, likewise.
        stride: input px per heatmap px.
        sigma: of the Gaussians it was trained on, heatmap px.
        family: ``heatmaps`` of one person; ``tags`` or ``fields`` of whole images.
        seen: names of the corruptions that it is known to have learned from, those of the same kind included; None
            where nothing is known, which is not the same as none at all. A word such as `what a.pth had seen` stands
            for what is not known, of weights that it was trained from.

    >>> import robustpose
    >>> robustpose.InputSpec("mynet", (192, 256), channels="bgr").stride
    4
    """

    name: Word
    input_wh: tuple[Pixels, Pixels]
    joints: Annotated[tuple[Word, ...], Field(max_length=1000), AfterValidator(_check_distinct)] = ()
    channels: Literal["rgb", "bgr"] = "rgb"
    mean: tuple[Number, Number, Number] = IMAGENET_MEAN
    std: tuple[Scale, Scale, Scale] = IMAGENET_STD
    stride: Annotated[int, Field(ge=1, le=64)] = 4
    sigma: Scale = 2.0
    family: Annotated[FamilyName, BeforeValidator(lambda name: OLD_NAMES.get(str(name), name))] = DEFAULT
    seen: Annotated[tuple[Word, ...], Field(max_length=1000)] | None = None

    def arrange(self, skeleton: Skeleton) -> Skeleton:
        """Return the skeleton of the network's joints, in its order: those of `skeleton`, or more.

        Raises:
            OtherJoints: it lacks some of them.
        """
        return make_own_skeleton(self.joints or skeleton.whole.joints, skeleton, f"model '{self.name}'")
