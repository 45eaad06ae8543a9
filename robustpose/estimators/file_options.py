"""Options of files of networks, whose defaults are those with which models of a form were trained."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, model_validator

from robustpose.errors import UserError
from robustpose.estimators.coordinates import CoordinateOptions
from robustpose.estimators.joint_order import JointOrder
from robustpose.estimators.one_stage import OneStageOptions
from robustpose.estimators.options import HeatmapOptions, ModelOptions, Size, Switch, Threads, parse_numbers
from robustpose.estimators.values import IMAGENET, Three, Values, check_values


def _parse_three(value: Any) -> tuple[float, ...]:
    numbers = parse_numbers(value)
    if len(numbers) != 3:
        raise ValueError("must be three numbers with commas such as 0.5,0.5,0.5")
    return numbers


def _check_std(std: Three) -> Three:
    if min(std) <= 0:
        raise ValueError("must be three numbers above 0")
    return std


def _parse_scale(value: Any) -> int:
    if str(value).strip() not in ("1", "255"):
        raise ValueError("must be 1 or 255")
    return int(value)


def _parse_names(value: Any) -> tuple[str, ...]:
    names = value.split(",") if isinstance(value, str) else value
    if not isinstance(names, list | tuple) or not names or not all(isinstance(name, str) and name for name in names):
        raise ValueError("must be the name of an output, or several with commas")
    return tuple(names)


Numbers = Annotated[Three, BeforeValidator(_parse_three)]
OutputNames = Annotated[tuple[str, ...], BeforeValidator(_parse_names)]
FormName = Literal["heatmaps", "simcc", "coordinates", "one-stage"]


class InputOptions(ModelOptions):
    """Options that say what the network of a file wants of images; by default as models of its form were trained."""

    input: Size | None = None
    """WIDTHxHEIGHT px, for files that leave it open."""
    layout: Literal["nchw", "nhwc"] | None = None
    """nchw or nhwc, channels first or last, for files that leave it open."""
    channels: Literal["rgb", "bgr"] | None = None
    """The order of the channels that the network was trained on; by default rgb; bgr of RTMO, YOLOX, NanoDet."""
    mean: Numbers | None = None
    """Subtracted from values in 0..1: three numbers in the order of the channels; by default its form's or none."""
    std: Annotated[Numbers, AfterValidator(_check_std)] | None = None
    """Divided by afterwards: three numbers with commas, above 0."""
    scale: Annotated[Literal[1, 255], BeforeValidator(_parse_scale)] | None = None
    """255 if values, and mean and std, are in 0..255; by default so for MoveNet, RTMO, YOLOX."""
    threads: Threads = 1
    """Threads of one call on a CPU."""

    @model_validator(mode="after")
    def _check_given_range(self) -> InputOptions:
        if self.mean is not None or self.std is not None:
            check_values(self.choose_values(IMAGENET))
        return self

    def choose_values(self, usual: Values) -> Values:
        """Return what is given, and for the rest what is `usual`; a mean or std alone is of values in 0..1."""
        is_given = self.mean is not None or self.std is not None
        return Values(
            self.channels or usual.channels,
            self.scale or (1 if is_given else usual.scale),
            usual.mean if self.mean is None else self.mean,
            usual.std if self.std is None else self.std,
        )


class FileOptions(InputOptions, OneStageOptions, CoordinateOptions, HeatmapOptions):
    """Options of a file of a network. What is not given is as models of the file's form were trained."""

    flip_test: Switch = True
    """Average with what the network finds in the mirrored crop; by default not for coordinates."""
    form: FormName | None = None
    """heatmaps, simcc, coordinates or one-stage; by default what the outputs look like."""
    output: OutputNames | None = None
    """The name of the output to take, for files with several that can be it; of several together, with commas."""
    joints: JointOrder | None = None
    """Whose joints the network has, in whose order: data's, or of a skeleton such as coco (list skeletons)."""


def resolve_values(options: InputOptions, usual: Values, name: str) -> Values:
    """Return the values that the model `name` gets; UserError if what is given and what is usual do not fit."""
    values = options.choose_values(usual)
    try:
        check_values(values)
    except ValueError as error:
        raise UserError(f"model '{name}': {error}") from error
    return values
