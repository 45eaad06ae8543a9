"""Settings of a training run: typed, checked as a whole before anything runs."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    BeforeValidator,
    Field,
    PositiveFloat,
    PositiveInt,
    ValidationInfo,
    field_validator,
    model_validator,
)

from robustpose.config import check_settings
from robustpose.data.official import SETS
from robustpose.data.spec import DataSpec
from robustpose.errors import UserError, nearest, quote
from robustpose.models import family_of
from robustpose.models.families import FAMILIES, OLD_NAMES, FamilyName
from robustpose.models.zoo import ZooNetwork, get_network
from robustpose.train.settings_groups import (
    AugmentSettings,
    DescribedSettings,
    EngineSettings,
    ImageAugmentSettings,
    MixingSettings,
    RowNote,
    TeacherSettings,
    WeightsFile,
)
from robustpose.train.strategies import Strategy, find_strategy
from robustpose.train.views.table import CLEAN, VIEWS

PER_DEVICE = "batch_size_per_device"
LossName = Literal["mse", "smooth_l1"]  # of heatmaps
Side = Annotated[int, Field(gt=0, le=2048)]  # px


class TrainSettings(DescribedSettings):
    """Describe one training run completely: same settings, same machine, same weights."""

    model: str
    """Network: see robustpose list networks; or your own, package.module:attr, a function of the number of joints."""
    # Recipes of 0.1.0 use other names.
    family: Annotated[FamilyName | None, BeforeValidator(lambda name: OLD_NAMES.get(str(name), name))] = None
    """Family of a network of your own; by default heatmaps of one person."""
    input_wh: tuple[Side, Side]
    """Width and height of the crops, px: multiples of 32; for fields also 16·n + 1, such as PifPaf's 385."""
    sigma: PositiveFloat = Field(default=None, validate_default=True)
    """Sigma of the target Gaussians, heatmap px; by default what is usual for the input's size. Fields have none."""
    start_from: WeightsFile = None
    """Weights to start from (--init); demo for those of the demo network; by default random ones."""
    backbone: Path | None = None
    """Weights of an ImageNet network, for the trunk alone (--backbone)."""
    train_data: DataSpec
    """Data to learn from; of data with splits, by default the one for training."""
    val_data: DataSpec
    """Data to evaluate on; of data with splits, by default the one that is benched."""
    augment: AugmentSettings = AugmentSettings()
    image_augment: ImageAugmentSettings = ImageAugmentSettings()
    strategy: str = "supervised"
    """What the student learns from: see robustpose list strategies; or your own, package.module:attr."""
    mixing: MixingSettings = MixingSettings()
    teacher: TeacherSettings = TeacherSettings()
    loss: LossName = "mse"
    """Loss of heatmaps; AdvMix's program trains with smooth_l1."""
    confidence_weight: PositiveFloat = 1.0
    """Weight of the confidences beside the vectors, of networks of fields."""
    epochs: Annotated[int, Field(gt=0, le=1_000_000)] = 210
    """Passes over the people of train_data. Recipes that fine-tune have fewer: advmix/mobilenet_v2, which harden takes,
    has 20."""
    batch_size_per_device: PositiveInt | None = None
    """Instead of batch_size: crops of a step on each device."""
    batch_size: PositiveInt = 32
    """Crops of a step, over all devices of all nodes."""
    last_batch: Literal["keep", "drop"] = "keep"
    """Last batch of an epoch, which may be smaller: learned from, as by the programs of HRNet, SBL and AdvMix, or left
    out."""
    accumulate: PositiveInt = 1
    """Parts that each device does its crops of a batch in, one after the other. A batch is in accumulate × devices ×
    nodes parts, of which batch norms see one at a time: as many parts on fewer devices are the same training."""
    lr: PositiveFloat = 1e-3
    """First learning rate, of Adam."""
    decay_at: tuple[PositiveInt, ...] = (170, 200)
    """Epochs, from 0, from which the learning rate is multiplied by decay once more."""
    decay: PositiveFloat = 0.1
    """Factor of the learning rate at each epoch of decay_at."""
    clip: PositiveFloat | None = None
    """Largest norm of a gradient; by default any."""
    ema: Annotated[float, Field(ge=0, lt=1)] | None = None
    """Share of the old in every new average of the weights, which is then evaluated and kept; by default no average."""
    seed: int = 0
    """Random numbers of the first weights, the order and the augmentation."""
    evaluate_every: PositiveInt = 1
    """Epochs between evaluations; the last epoch is always evaluated."""
    checkpoint_every: PositiveInt = 200
    """Steps between checkpoints; there is one after every epoch anyway."""
    sheet_people: Annotated[int, Field(ge=0, le=100)] = 6
    """Crops on the sheet of views that is drawn after every epoch; 0 for no sheet."""
    engine: EngineSettings = EngineSettings()
    row: RowNote | None = None  # nothing depends on it
    """Noted for who reads the settings later."""

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

    @model_validator(mode="before")
    @classmethod
    def _count_batch(cls, values: Any) -> Any:
        """Give batch_size where it is given for each device: what is kept is of all."""
        if not isinstance(values, Mapping) or values.get("batch_size_per_device") is None:
            return values
        own, engine = values["batch_size_per_device"], values.get("engine")
        if values.get("batch_size") is not None:
            raise ValueError(
                f"batch_size ({quote(values['batch_size'])}) and batch_size_per_device ({quote(own)}) both say how "
                "many crops a step has: leave one out"
            )
        if not is_count(own):
            return {key: value for key, value in values.items() if key != "batch_size"}  # it is refused later
        return {**values, "batch_size": own * count_processes(engine), "batch_size_per_device": None}

    @property
    def n_processes(self) -> int:
        """Return the number of processes, on all nodes."""
        return self.engine.nodes * self.engine.devices

    @property
    def n_parts(self) -> int:
        """Return the number of parts of a batch, on all devices: batch norms see one at a time, unless in sync."""
        return self.accumulate * self.n_processes

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
        if self.batch_size_per_device is not None:  # else it has become batch_size
            raise ValueError(f"batch_size_per_device must be a whole number, got {self.batch_size_per_device!r}")
        if self.batch_size % self.n_processes:
            nodes, devices = self.engine.nodes, self.engine.devices
            what = (
                f"engine.devices ({devices})" if nodes == 1 else f"engine.nodes × engine.devices ({nodes} × {devices})"
            )
            raise ValueError(f"batch_size must be a multiple of {what}, got {self.batch_size}")
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
    n_processes, batch_size, share = count_processes(own.get("engine")), own.get("batch_size"), own.get(PER_DEVICE)
    if batch_size is None and share is not None and is_count(share):
        batch_size = share * n_processes
    # What is no number here is refused when all settings are checked.
    like = network.training_settings(n_processes, batch_size if is_count(batch_size) else None)
    if share is not None:
        del like["batch_size"]
    groups = {
        key: {**settings, **own[key]}
        for key, settings in like.items()
        if isinstance(settings, dict) and isinstance(own.get(key), dict)
    }
    return check_settings(TrainSettings, {**like, **own, **groups}, source)


def is_count(value: Any) -> bool:
    """Return whether a value is a whole number above 0."""
    return isinstance(value, int) and not isinstance(value, bool) and value > 0


def count_processes(engine: Any) -> int:
    """Return the number of processes of nested settings `engine`; what is no number there counts as 1."""
    if isinstance(engine, EngineSettings):
        return engine.nodes * engine.devices
    counts = [engine.get(name, 1) for name in ("nodes", "devices")] if isinstance(engine, Mapping) else []
    return math.prod(count for count in counts if is_count(count))


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
