"""What was published of SBL, HRNet and HigherHRNet: checkpoints, the crops they want, their training and their scores.

Sources: Xiao et al., ECCV 2018 (SBL), Sun et al., CVPR 2019 (HRNet) and the settings and model zoo of HRNet's
published program. The checkpoints for 128×96 are those of Wang et al., CVPR 2021, who give no file names.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from robustpose.errors import UserError
from robustpose.models import family_of
from robustpose.models.families import FAMILIES, FamilyName
from robustpose.models.input_spec import IMAGENET_MEAN, IMAGENET_STD, InputSpec
from robustpose.pose.skeletons import COCO, MPII, Skeleton


@dataclass(frozen=True)
class Training:
    """How a checkpoint was trained, with Adam and a learning rate of 1e-3 that is multiplied by 0.1 at `decay_at`.

    Attributes:
        epochs: in all.
        decay_at: epochs.
        rotation: spread, degrees; at most twice that, with probability 0.6.
        scale: spread of the scale factor around 1.
        half_body: probability of cropping one half of the body.
        mirror: probability.
    """

    epochs: int
    decay_at: tuple[int, ...]
    rotation: float
    scale: float
    half_body: float = 0.0
    mirror: float = 0.5


@dataclass(frozen=True)
class Published:
    """One checkpoint.

    Attributes:
        network: row of the table of networks.
        skeleton: what it was trained on: COCO or MPII.
        input_wh: width and height of its input, px.
        score: on clean data, 0..1: AP on COCO val2017 with detected boxes, or PCKh on MPII valid; mirror test.
        file: its official name; None where there is none.
        training: how it came about.
    """

    network: str
    skeleton: Skeleton
    input_wh: tuple[int, int]
    score: float
    file: str | None
    training: Training

    @property
    def input_spec(self) -> InputSpec:
        """Return what its input has to be."""
        return make_input_spec(self.network, self.skeleton, self.input_wh)


@dataclass(frozen=True)
class Colours:
    """What a family of networks expects: the order of the channels, and their mean and std in that order."""

    channels: Literal["rgb", "bgr"] = "rgb"
    mean: tuple[float, float, float] = IMAGENET_MEAN
    std: tuple[float, float, float] = IMAGENET_STD


COLOURS = {
    "sbl": Colours("bgr"),  # with ImageNet's RGB mean and std, as it was trained
    "hrnet": Colours("rgb"),
    "higherhrnet": Colours("rgb"),
    "pifpaf": Colours("rgb"),
    "mobilenet": Colours("rgb", (0.5, 0.5, 0.5), (0.5, 0.5, 0.5)),
}

_SBL = Training(140, (90, 120), rotation=40, scale=0.3)
_HRNET = Training(210, (170, 200), rotation=45, scale=0.35, half_body=0.3)
_SBL_MPII = Training(140, (90, 120), rotation=30, scale=0.25)
_HRNET_MPII = Training(210, (170, 200), rotation=30, scale=0.25)


def _on_coco(network: str, official: str, training: Training, scores: dict[int, float]) -> list[Published]:
    """Return the checkpoints for COCO, from the AP by input height."""
    return [
        Published(
            network,
            COCO,
            (height * 3 // 4, height),
            score,
            None if height == 128 else f"{official}_{height}x{height * 3 // 4}.pth",
            training,
        )
        for height, score in scores.items()
    ]


PUBLISHED: tuple[Published, ...] = (
    *_on_coco("sbl_r50", "pose_resnet_50", _SBL, {128: 0.590, 256: 0.704, 384: 0.722}),
    *_on_coco("sbl_r101", "pose_resnet_101", _SBL, {128: 0.611, 256: 0.714, 384: 0.736}),
    *_on_coco("sbl_r152", "pose_resnet_152", _SBL, {256: 0.720, 384: 0.743}),
    *_on_coco("hrnet_w32", "pose_hrnet_w32", _HRNET, {128: 0.669, 256: 0.744, 384: 0.758}),
    *_on_coco("hrnet_w48", "pose_hrnet_w48", _HRNET, {128: 0.686, 256: 0.751, 384: 0.763}),
    Published("sbl_r50", MPII, (256, 256), 0.885, "pose_resnet_50_256x256.pth", _SBL_MPII),
    Published("sbl_r101", MPII, (256, 256), 0.891, "pose_resnet_101_256x256.pth", _SBL_MPII),
    Published("sbl_r152", MPII, (256, 256), 0.896, "pose_resnet_152_256x256.pth", _SBL_MPII),
    Published("hrnet_w32", MPII, (256, 256), 0.903, "pose_hrnet_w32_256x256.pth", _HRNET_MPII),
)


@dataclass(frozen=True)
class PublishedWhole:
    """One checkpoint of a network that looks at whole images, trained on COCO (Cheng et al., CVPR 2020).

    Attributes:
        network: row of the table of networks.
        side: px of the crops it was trained on, and of the shorter side of the images it is evaluated on.
        score: AP on COCO val2017, 0..1; mirror test, one scale.
        file: its official name.
    """

    network: str
    side: int
    score: float
    file: str


PUBLISHED_WHOLE: tuple[PublishedWhole, ...] = (
    PublishedWhole("higherhrnet_w32", 512, 0.671, "pose_higher_hrnet_w32_512.pth"),
    PublishedWhole("higherhrnet_w32", 640, 0.685, "pose_higher_hrnet_w32_640.pth"),
    PublishedWhole("higherhrnet_w48", 640, 0.698, "pose_higher_hrnet_w48_640.pth"),
)


def make_input_spec(
    network: str, skeleton: Skeleton, input_wh: tuple[int, int] | None = None, family: FamilyName | None = None
) -> InputSpec:
    """Return the input spec of a network for any skeleton and input size.

    Args:
        network: a row of the table of networks; others get the colours that ImageNet networks have.
        skeleton: names the joints.
        input_wh: width and height of the input, px; by default what the skeleton's benchmark uses, else 192×256; for
            whole images 512×512, of the family `fields` 641×641.
        family: what it looks at; None for what the table says.

    Raises:
        UserError: a side is no multiple of 32; of the family `fields` it may be a multiple of 16 plus 1, too.
    """
    colours = COLOURS.get(network.split("_")[0], Colours())
    record = FAMILIES[family or family_of(network)]
    input_wh = input_wh or record.input_wh_by_joints.get(skeleton.joints, record.input_wh)
    if any(side < 32 or (side % 32 and not (record.reaches_last_pixel and side % 16 == 1)) for side in input_wh):
        sides = "multiples of 32, or of 16 plus 1" if record.reaches_last_pixel else "multiples of 32"
        raise UserError(f"the input of {network} must have sides that are {sides}, got {_size(input_wh)}")
    return InputSpec(
        name=network,
        input_wh=input_wh,
        joints=skeleton.joints,
        channels=colours.channels,
        mean=colours.mean,
        std=colours.std,
        stride=record.stride,
        sigma=record.sigma_by_height.get(input_wh[1], record.sigma),
        family=record.name,
    )


def _size(input_wh: tuple[int, int]) -> str:
    return f"{input_wh[0]}x{input_wh[1]} (width x height)"
