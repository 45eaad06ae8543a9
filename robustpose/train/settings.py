"""Settings of a training run: typed, checked as a whole before anything runs."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    NonNegativeFloat,
    NonNegativeInt,
    PositiveFloat,
    PositiveInt,
    ValidationInfo,
    field_validator,
    model_validator,
)

from robustpose.config import Settings, check_settings
from robustpose.data.official import SETS
from robustpose.data.spec import DataSpec
from robustpose.errors import UserError, nearest
from robustpose.models import family_of, find_weights
from robustpose.models.families import FAMILIES, OLD_NAMES, FamilyName
from robustpose.models.zoo import ZooNetwork, get_network
from robustpose.train.strategies import Strategy, find_strategy
from robustpose.train.views.autoaugment import Policies
from robustpose.train.views.table import CLEAN, CORRUPTED_SHARE, VIEWS

LossName = Literal["mse", "smooth_l1"]  # of heatmaps
DistillOn = Literal["clean", "mixed"]
ImageHead = Literal["logits", "weights"]
Account = Literal["program", "paper"]  # of how the paper's networks were trained: see `rows.yaml`
Probability = Annotated[float, Field(ge=0, le=1)]
WeightsFile = Annotated[Path | None, AfterValidator(find_weights)]  # `demo` for those of the demo network
Side = Annotated[int, Field(gt=0, le=2048)]  # px


class AugmentSettings(Settings):
    """Say how crops of one person vary. The defaults are HRNet's on COCO (Sun et al., CVPR 2019)."""

    rotation: NonNegativeFloat = 45.0  # spread of the angle, degrees; never more than twice that
    rotation_probability: Probability = 0.6
    scale: Annotated[float, Field(ge=0, lt=1)] = 0.35  # spread of the factor around 1; never further than that from 1
    mirror_probability: Probability = 0.5
    half_body_probability: Probability = 0.3  # of the upper or lower body of people with many joints annotated


class ImageAugmentSettings(Settings):
    """Say how crops of whole images vary. The defaults are HigherHRNet's on COCO (Cheng et al., CVPR 2020)."""

    rotation: NonNegativeFloat = 30.0  # largest angle, degrees
    scale: tuple[PositiveFloat, PositiveFloat] = (0.75, 1.5)  # least and largest side, of the image's shorter side
    translation: NonNegativeFloat = 0.2  # largest shift, of the crop's side; 40 of 200 in HigherHRNet's units
    mirror_probability: Probability = 0.5

    @field_validator("scale")
    @classmethod
    def _check_order(cls, scale: tuple[float, float]) -> tuple[float, float]:
        if scale[0] > scale[1]:
            raise ValueError("must be the least and the largest side")
        return scale


class MixingSettings(Settings):
    """Say how views are mixed and what a teacher has to say. The defaults are the paper's (Wang et al., CVPR 2021)."""

    # Names in `views.table.VIEWS`, as many as you like, `clean` first; None for those of the strategy.
    views: tuple[str, ...] | None = None
    alpha: Probability = 0.1  # weight of the teacher's answers against the targets (eq. 8); 0 for no teacher
    distill_on: DistillOn = "clean"  # what it is compared with: the student on the clean crop (eq. 7), or on the mix
    policies: Policies = "paper"  # AutoAugment's: those of the paper, or of its program, which has one more
    # Share of the crops that the view `corrupted` is corrupted in; the paper gives none (Table 4, Transfer). Half of
    # them: as many clean crops as corrupted ones, since both scores count.
    corrupted_share: Probability = CORRUPTED_SHARE
    # How AdvMix-Image makes one weight a view of the generator's logits per pixel: softmax of their mean over pixels,
    # or mean of their softmax (`weights`). The paper does not say (Table 6); the mean logit can put all on one view.
    image_head: ImageHead = "logits"
    # Student and generator learn in turn, or both from one pass of the student.
    update: Literal["alternating", "simultaneous"] = "alternating"
    second_norm_update: bool = True  # whether the student's batch norms take in the generator's pass, too
    generator_lr: PositiveFloat | None = None  # first learning rate of the generator; None for the student's
    generator_scale: Literal[1, 2, 4] = 1  # weights are found on images that much smaller
    generator_width: Annotated[int, Field(gt=0, le=1024)] = 64  # channels of the generator's first layer


class TeacherSettings(Settings):
    """Say who the teacher is. By default the student as it starts."""

    model: str | None = None  # None for the student's
    weights: WeightsFile = None  # None for the student's `start_from`


class EngineSettings(Settings):
    """Say what the training runs on: handed to Lightning Fabric."""

    accelerator: Literal["auto", "cpu", "gpu", "cuda", "mps"] = "auto"
    devices: PositiveInt = 1  # processes, one device each; they share every batch
    precision: Literal["32-true", "bf16-mixed", "16-mixed"] = "32-true"  # `16-mixed` on a GPU only
    sync_batch_norm: bool = False  # whether batch norms see the crops of all processes; on GPUs only
    threads: PositiveInt | None = None  # of one process; None leaves it to PyTorch. On a CPU they decide the last bits
    workers: NonNegativeInt = 0  # processes that make crops; 0 makes them between the steps
    cache_mb: NonNegativeInt = 1024  # for source images kept between epochs, of each process that makes crops
    tensorboard: bool = False  # whether losses and figures are written for TensorBoard, too; needs tensorboardX


class RowNote(Settings):
    """Say which row of the paper a run trains, by which account, and in what it does not."""

    name: str
    according_to: Account = "program"
    differences: tuple[str, ...] = ()


class TrainSettings(Settings):
    """Describe one training run completely: same settings, same machine, same weights."""

    model: str  # row of the model table, or `package.module:attr`: a function of the number of joints
    # Of a network that the table does not know; None for what the table says. Recipes of 0.1.0 use other names.
    family: Annotated[FamilyName | None, BeforeValidator(lambda name: OLD_NAMES.get(str(name), name))] = None
    # Width and height of the crops, px: multiples of 32; for fields also 16·n + 1, such as PifPaf's 385.
    input_wh: tuple[Side, Side]
    # Of the target Gaussians, heatmap px; by default what is usual for the input's size. Fields have none.
    sigma: PositiveFloat = Field(default=None, validate_default=True)
    start_from: WeightsFile = None  # weights to start from; None for random ones
    backbone: Path | None = None  # weights of an ImageNet network, for the trunk alone
    train_data: DataSpec  # of data with splits, by default the one for training
    val_data: DataSpec  # to evaluate on; of data with splits, by default the one that is benched
    augment: AugmentSettings = AugmentSettings()
    image_augment: ImageAugmentSettings = ImageAugmentSettings()
    strategy: str = "supervised"  # row of `strategies.STRATEGIES`, or `package.module:attr` as `find_strategy` takes
    mixing: MixingSettings = MixingSettings()
    teacher: TeacherSettings = TeacherSettings()
    loss: LossName = "mse"  # of heatmaps; AdvMix's program trains with `smooth_l1`
    confidence_weight: PositiveFloat = 1.0  # of fields: of confidences beside vectors
    epochs: Annotated[int, Field(gt=0, le=1_000_000)] = 210  # passes over the samples of `train_data`
    batch_size: PositiveInt = 32  # over all devices
    # That of an epoch, which may be smaller: learned as by the programs of HRNet, SBL and AdvMix, or left out.
    last_batch: Literal["keep", "drop"] = "keep"
    accumulate: PositiveInt = 1  # parts that a batch is done in, for want of memory
    lr: PositiveFloat = 1e-3  # of Adam
    decay_at: tuple[PositiveInt, ...] = (170, 200)  # epochs, from 0, from which lr is multiplied by `decay` once more
    decay: PositiveFloat = 0.1
    clip: PositiveFloat | None = None  # largest norm of a gradient; None for any
    # Share of the old in every new average of the weights, which is then what is evaluated and kept; None for none.
    ema: Annotated[float, Field(ge=0, lt=1)] | None = None
    seed: int = 0  # of the first weights, the order and the augmentation
    evaluate_every: PositiveInt = 1  # epochs; the last one is always evaluated
    checkpoint_every: PositiveInt = 200  # steps; there is a checkpoint after every epoch anyway
    # Crops on the sheet of views that is drawn after every epoch; 0 for no sheet.
    sheet_people: Annotated[int, Field(ge=0, le=100)] = 6
    engine: EngineSettings = EngineSettings()
    row: RowNote | None = None  # noted for who reads the settings later; nothing depends on it

    @field_validator("input_wh")
    @classmethod
    def _check_sides(cls, input_wh: tuple[int, int]) -> tuple[int, int]:
        if any(side % 32 and side % 16 != 1 for side in input_wh):
            raise ValueError(
                "width and height must be multiples of 32, the networks halve them five times, or for fields 16·n + 1"
            )
        return input_wh

    @field_validator("sigma", mode="before")
    @classmethod
    def _choose_sigma(cls, sigma: Any, info: ValidationInfo) -> Any:
        if sigma is not None:
            return sigma
        record = FAMILIES[info.data.get("family") or family_of(info.data.get("model", ""))]
        return record.choose_sigma(info.data.get("input_wh", record.input_wh))  # one that is no size is refused

    @field_validator("train_data", "strategy")
    @classmethod
    def _look_up(cls, value: DataSpec | str) -> DataSpec | str:
        try:
            if isinstance(value, DataSpec):
                return value.for_training()
            find_strategy(value)
        except UserError as error:  # which pydantic lets through, without the name of the field
            raise ValueError(str(error)) from error
        return value

    @field_validator("train_data")
    @classmethod
    def _check_use(cls, spec: DataSpec) -> DataSpec:
        if spec.boxes != "gt":
            raise ValueError(f"people are learned in their annotated boxes: leave out boxes ({spec.boxes})")
        if spec.metric is not None:
            raise ValueError(f"nothing is scored on it: give metric ({spec.metric}) to val_data")
        return spec

    @property
    def way(self) -> Strategy:
        """Return what the strategy is made of."""
        return find_strategy(self.strategy)

    @property
    def views(self) -> tuple[str, ...]:
        """Return the names of the views of a crop."""
        return self.way.views if self.mixing.views is None else self.mixing.views

    @property
    def distills(self) -> bool:
        """Return whether a teacher has a say."""
        return self.way.distils and self.mixing.alpha > 0

    @model_validator(mode="after")
    def _check_together(self) -> TrainSettings:
        if self.start_from is not None and self.backbone is not None:
            raise ValueError("start_from brings all weights: leave out backbone")
        if self.batch_size % self.engine.devices:
            raise ValueError(f"batch_size must be a multiple of engine.devices ({self.engine.devices})")
        self._check_views()
        self._check_teacher()
        return self

    def _check_views(self) -> None:
        way, views, named = self.way, self.views, ", ".join(self.views)
        for name in views:
            if name not in VIEWS:
                raise ValueError(
                    f"mixing.views: unknown view '{name}'{nearest(name, VIEWS)}: expected some of {', '.join(VIEWS)}"
                )
        if not views or len(set(views)) < len(views):
            raise ValueError(f"mixing.views must name one view or more, each once, got {named or 'none'}")
        if (way.mixer is not None or way.distils) and views[0] != CLEAN:
            raise ValueError(f"mixing.views of strategy '{self.strategy}' must begin with '{CLEAN}', got {named}")
        if way.mixer is None and len(views) > 1 + way.distils:
            beside = " beside the clean one that the teacher sees" * way.distils
            raise ValueError(
                f"strategy '{self.strategy}' mixes nothing: the student learns from one view{beside}, "
                f"got mixing.views {named}"
            )

    def _check_teacher(self) -> None:
        model, weights = self.teacher.model, self.teacher.weights
        if model is not None and weights is None:
            raise ValueError(f"teacher '{model}' needs teacher.weights")
        if self.distills and self.start_from is None and weights is None:
            raise ValueError(
                f"strategy '{self.strategy}' learns from a teacher, by default the network it starts from: give "
                "start_from (--init FILE) or teacher.weights, or set mixing.alpha=0"
            )
        if not self.distills and (model or weights):
            raise ValueError(f"strategy '{self.strategy}' has no teacher: leave teacher out")


def make_settings(
    values: Mapping[str, Any], source: str = "settings", network: ZooNetwork | None = None
) -> TrainSettings:
    """Return checked settings of nested values, as in a recipe; `source` is where they come from, for messages.

    Settings that are not given are those which trained `network`. `like`, in values, names one of robustpose list
    networks.
    """
    own = {key: value for key, value in values.items() if key != "like"}
    if values.get("like") is not None:
        network = get_network(str(values["like"]))
    if network is None:
        return check_settings(TrainSettings, own, source)
    engine = own.get("engine")
    counts = (engine.get("devices") if isinstance(engine, dict) else 1, own.get("batch_size"))
    # What is no number here is refused when all settings are checked.
    n_devices, batch_size = (count if isinstance(count, int) and count > 0 else None for count in counts)
    like = network.training_settings(n_devices or 1, batch_size)
    groups = {
        key: {**settings, **own[key]}
        for key, settings in like.items()
        if isinstance(settings, dict) and isinstance(own.get(key), dict)
    }
    return check_settings(TrainSettings, {**like, **own, **groups}, source)


OLDER_LAST_BATCH = "drop"  # what was done before there was a choice


def make_settings_of_run(values: Any, source: str) -> TrainSettings:
    """Return the settings that a checkpoint holds: like `make_settings`, and true to a run that 0.1.0 began."""
    if not isinstance(values, Mapping):
        raise UserError(f"{source} must be a group (key: value), got {type(values).__name__}")
    data = values.get("train_data")
    if isinstance(data, Mapping):
        data = {**data, "boxes": "gt", "metric": None}  # which 0.1.0 took, and did not look at
        name = str(data.get("name"))
        if name in SETS and data.get("root") is not None and data.get("split") is None:
            # 0.1.0 learned from the split that is benched where none was given.
            data["split"] = SETS[name].benched
        values = {**values, "train_data": data}
    return make_settings({"last_batch": OLDER_LAST_BATCH, **values}, source)
