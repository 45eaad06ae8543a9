"""Groups of settings of a training run. The text below a setting is its description, for `robustpose list settings`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BeforeValidator,
    ConfigDict,
    Field,
    NonNegativeFloat,
    NonNegativeInt,
    PositiveFloat,
    PositiveInt,
    field_validator,
)

from robustpose.config import Settings
from robustpose.corruptions import TABLE
from robustpose.corruptions.suites import SUITES
from robustpose.errors import nearest
from robustpose.models import find_weights
from robustpose.train.views.autoaugment import Policies
from robustpose.train.views.fourier import STRENGTH
from robustpose.train.views.table import CORRUPTED_SHARE

DistillOn = Literal["clean", "mixed"]
ImageHead = Literal["logits", "weights"]
Account = Literal["program", "paper"]  # of how the paper's networks were trained: see `rows.yaml`
WeightsFile = Annotated[Path | None, AfterValidator(find_weights)]  # `demo` for those of the demo network
Probability = Annotated[float, Field(ge=0, le=1)]


def _split_words(value: Any) -> Any:
    """Return the words of a text with commas."""
    return [word.strip() for word in value.split(",")] if isinstance(value, str) else value


def _check_tested(names: tuple[str, ...] | None) -> tuple[str, ...] | None:
    """Return names of suites and corruptions as they are, and nothing for the word `none`."""
    if names == ("none",):
        return ()
    for name in names or ():
        if name not in SUITES and name not in TABLE:
            hint = nearest(name, (*SUITES, *TABLE, "none"))
            raise ValueError(
                f"must be suites ({', '.join(SUITES)}), corruptions, or none alone, and '{name}' is neither{hint}"
            )
    return names


class DescribedSettings(Settings):
    """Settings whose descriptions stand below them."""

    model_config = ConfigDict(use_attribute_docstrings=True)


class AugmentSettings(DescribedSettings):
    """Say how crops of one person vary. The defaults are HRNet's on COCO (Sun et al., CVPR 2019)."""

    rotation: NonNegativeFloat = 45.0
    """Spread of the angle, degrees; never more than twice that."""
    rotation_probability: Probability = 0.6
    """Share of the crops that are turned at all."""
    scale: Annotated[float, Field(ge=0, lt=1)] = 0.35
    """Spread of the factor around 1; never further than that from 1."""
    mirror_probability: Probability = 0.5
    """Share of the crops that are mirrored."""
    half_body_probability: Probability = 0.3
    """Share of the crops, of people with many joints annotated, that show the upper or the lower body only."""


class ImageAugmentSettings(DescribedSettings):
    """Say how crops of whole images vary. The defaults are HigherHRNet's on COCO (Cheng et al., CVPR 2020)."""

    rotation: NonNegativeFloat = 30.0
    """Largest angle, degrees."""
    scale: tuple[PositiveFloat, PositiveFloat] = (0.75, 1.5)
    """Least and largest side of a crop, as shares of the image's shorter side."""
    translation: NonNegativeFloat = 0.2  # 40 of 200 in HigherHRNet's units
    """Largest shift, as a share of the crop's side."""
    mirror_probability: Probability = 0.5
    """Share of the crops that are mirrored."""

    @field_validator("scale")
    @classmethod
    def _check_order(cls, scale: tuple[float, float]) -> tuple[float, float]:
        if scale[0] > scale[1]:
            raise ValueError("must be the least and the largest side")
        return scale


class MixingSettings(DescribedSettings):
    """Say how views are mixed and what a teacher has to say. The defaults are the paper's (Wang et al., CVPR 2021)."""

    views: tuple[str, ...] | None = None
    """Views to learn from, as many as you like, clean first: see robustpose list views. By default the strategy's."""
    unseen: Annotated[tuple[str, ...] | None, BeforeValidator(_split_words), AfterValidator(_check_tested)] = None
    """Suites and corruptions that will be measured as something new, such as coco-c,held-out: views and data that show
    one of them are refused; none for no check. By default all suites: see robustpose list corruptions."""
    # Of 0.2, 0.5, 0.75 and 0.85 that which costs little on clean images: examples/evidence/search.yaml.
    clean_share: Probability = 0.75
    """Share of the crops that randomview leaves clean."""
    alpha: Probability = 0.1
    """Weight of the teacher's answers against the targets (eq. 8 of the paper); 0 for no teacher."""
    distill_on: DistillOn = "clean"
    """What the teacher is compared with: the student on the clean crop (eq. 7), or on the mix."""
    policies: Policies = "paper"
    """AutoAugment's policies: those of the paper, or of its program, which has one more."""
    # The paper gives none (Table 4, Transfer). Half of them: as many clean crops as corrupted ones, since both scores
    # count.
    corrupted_share: Probability = CORRUPTED_SHARE
    """Share of the crops that the view corrupted is corrupted in."""
    # AFA gives 10 for ImageNet, with batch norms of their own for such crops, and 5 where nothing is said.
    fourier_strength: Annotated[float, Field(gt=0, le=100)] = STRENGTH
    """Mean strength of the waves of the view fourier: 32 is a root mean square of the whole range of values."""
    # The paper does not say (Table 6); the mean logit can put all on one view.
    image_head: ImageHead = "logits"
    """How advmix-image makes one weight a view of the generator's logits: softmax of their mean over pixels, or mean
    of their softmax (weights)."""
    update: Literal["alternating", "simultaneous"] = "alternating"
    """Student and generator learn in turn, or both from one pass of the student."""
    second_norm_update: bool = True
    """Whether the student's batch norms take in the generator's pass, too."""
    generator_lr: PositiveFloat | None = None
    """First learning rate of the generator; by default the student's."""
    generator_scale: Literal[1, 2, 4] = 1
    """How much smaller the images are on which the generator finds weights."""
    generator_width: Annotated[int, Field(gt=0, le=1024)] = 64
    """Channels of the generator's first layer."""


class TeacherSettings(DescribedSettings):
    """Say who the teacher is. By default the student as it starts."""

    model: str | None = None
    """Network of the teacher; by default the student's."""
    weights: WeightsFile = None
    """Weights of the teacher (--teacher); by default those of start_from."""


class EngineSettings(DescribedSettings):
    """Say what the training runs on: handed to Lightning Fabric."""

    accelerator: Literal["auto", "cpu", "gpu", "cuda", "mps"] = "auto"
    """What computes; auto takes a GPU if there is one."""
    nodes: PositiveInt = 1
    """Machines (--nodes), with as many devices each; torchrun or srun starts the processes on them."""
    devices: PositiveInt = 1
    """Processes on every node, one device each (--devices); all of them share every batch."""
    precision: Literal["32-true", "bf16-mixed", "16-mixed"] = "32-true"
    """Numbers that networks compute with; 16-mixed on a GPU only."""
    sync_batch_norm: bool = False
    """Whether batch norms see the crops of all processes at once, on GPUs by PyTorch's own."""
    wait_minutes: Annotated[int, Field(gt=0, le=10_000)] = 30
    """How long processes wait for each other before the training ends with a line."""
    threads: PositiveInt | None = None
    """Threads of one process; by default PyTorch chooses. On a CPU they decide the last bits."""
    workers: NonNegativeInt = 0
    """Processes that make crops; 0 makes them between the steps."""
    cache_mb: NonNegativeInt = 1024
    """Megabytes for source images kept between epochs, of each process that makes crops."""
    tensorboard: bool = False
    """Whether losses and figures are written for TensorBoard, too; needs tensorboardX."""


class RowNote(DescribedSettings):
    """Say which row of the paper a run trains, by which account, and in what it does not."""

    name: str
    """Name of the row."""
    according_to: Account = "program"
    """How it was trained: by the paper's program, or by its text."""
    differences: tuple[str, ...] = ()
    """In what this training is not the row's."""
