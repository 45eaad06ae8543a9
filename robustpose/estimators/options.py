"""Options of models: typed, bounded and described, from words of a command line or from values of Python.

Every kind of estimator has `Options` in its module: one field per option, whose default and description others can list
(``Options.model_fields``). A value is checked once, here, before anything is loaded.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BeforeValidator, ConfigDict, Field, ValidationError

from robustpose.config import Settings
from robustpose.errors import UserError, first_few, nearest

SWITCH = {"true": True, "yes": True, "on": True, "1": True, "false": False, "no": False, "off": False, "0": False}
MOST_SIDE = 10_000  # px
LONGEST = 100  # letters of a number
# What pydantic finds wrong, in our words.
PROBLEMS = {
    "greater_than_equal": "must be at least {ge}",
    "less_than_equal": "must be at most {le}",
    "greater_than": "must be above {gt}",
    "literal_error": "must be {expected}",
    "string_type": "must be a word",
}
# Options of ours by what other programs call them.
ELSEWHERE = {
    "threshold": ("conf", "confidence", "conf_thres", "conf_threshold", "score_thr", "score_threshold", "kpt_thr"),
    "iou": ("nms", "nms_thr", "nms_threshold", "iou_thres", "iou_thr", "iou_threshold"),
    "input": ("imgsz", "img_size", "image_size", "input_size", "input_wh", "size", "resolution"),
    "joints": ("kpt", "kpts", "kpt_shape", "keypoints", "skeleton", "order"),
    "max_people": ("max_det", "max_dets", "topk", "max_num_people"),
    "flip_test": ("tta", "mirror", "augment"),
    "batch_size": ("batch", "bs"),
    "channels": ("color", "colour", "colors", "rgb", "bgr", "color_order", "to_rgb", "swap_rb"),
    "mean": ("normalize", "normalise", "norm"),
    "decode": ("udp", "dark", "use_udp", "post_process"),
    "margin": ("padding", "box_scale", "bbox_padding"),
    "fill": ("pad", "pad_value", "pad_val"),
    "classes": ("nc", "num_classes"),
    "threads": ("num_threads", "n_threads"),
    "device": ("gpu", "cuda", "provider", "providers"),
    "precision": ("half", "fp16", "dtype"),
    "form": ("type", "kind", "format", "output_format"),
}
OF_BOXES = {"threshold": "min_score", "max_people": "max_boxes"}  # options of detectors, by those of models
# Why models of a kind cannot adapt at test time.
NO_ADAPTING = {
    **dict.fromkeys(
        ("onnx", "tflite"),
        "the batch norms of its file are folded away, or cannot be reached: adapt needs a torch network, NETWORK:FILE",
    ),
    "results": "its poses were found before: leave out adapt",
}
OWN_NETWORK = (
    "nothing is known of a network inside of it: adapt needs a torch network, NETWORK:FILE, package.module:attr:FILE, "
    "or a module that a Python program hands over"
)
MOST_MISTAKES = 10  # that one line says


def _parse_switch(value: Any) -> bool:
    word = str(value).strip().lower()  # a bool of Python is written True or False
    if word not in SWITCH:
        raise ValueError("must be true or false, yes or no, on or off, 1 or 0")
    return SWITCH[word]


def _check_plain(value: Any) -> Any:
    """Return a number that is still to be read; ValueError for what only Python reads as one: 1_6, digits of others."""
    if isinstance(value, str) and (not value.isascii() or "_" in value or len(value) > LONGEST):
        raise ValueError("is no plain number")
    return value


def _parse_count(value: Any) -> int:
    try:
        if isinstance(value, bool | float):  # int() would take them, and cut off
            raise TypeError
        return int(_check_plain(value))
    except (TypeError, ValueError) as error:
        raise ValueError("must be a whole number") from error


def parse_numbers(value: Any) -> tuple[float, ...]:
    """Return the finite numbers of a text with commas, of a sequence, or of a single number.

    Anything else is a ValueError, whose message goes on after the option's name.
    """
    parts = value.split(",") if isinstance(value, str) else value if isinstance(value, Sequence) else [value]
    try:
        numbers = tuple(float(_check_plain(part)) for part in parts)
    except (TypeError, ValueError, OverflowError) as error:
        raise ValueError("must be made of numbers") from error
    if not all(math.isfinite(number) for number in numbers):
        raise ValueError("must be made of finite numbers")
    return numbers


def parse_number(value: Any) -> float:
    """Return the one finite number of a text, or the number itself; else a ValueError as `parse_numbers` has it."""
    numbers = parse_numbers(value)
    if len(numbers) != 1:
        raise ValueError("must be one number")
    return numbers[0]


def _parse_size(value: Any) -> tuple[int, int]:
    try:
        sides = value.lower().split("x") if isinstance(value, str) else value
        width, height = (int(_check_plain(side)) for side in sides)
    except (TypeError, ValueError, OverflowError):
        width, height = 0, 0
    if min(width, height) < 1:
        raise ValueError("must be WIDTHxHEIGHT in px such as 192x256")
    if max(width, height) > MOST_SIDE:
        raise ValueError(f"must be WIDTHxHEIGHT of at most {MOST_SIDE} px each")
    return width, height


def _parse_side(choose: Callable[[tuple[int, int]], int]) -> Callable[[Any], int]:
    """Return the parser of one side, which takes a size ``640x480``, too, and chooses a side of that."""

    def parse(value: Any) -> int:
        is_size = "x" in value.lower() if isinstance(value, str) else isinstance(value, Sequence)
        try:
            return choose(_parse_size(value)) if is_size else int(_check_plain(value))
        except (TypeError, ValueError, OverflowError) as error:
            raise ValueError("must be px of one side such as 512, or 512x512") from error

    return parse


Switch = Annotated[bool, BeforeValidator(_parse_switch)]
Whole = Annotated[int, BeforeValidator(_parse_count), Field(ge=0)]
Count = Annotated[int, BeforeValidator(_parse_count), Field(ge=1)]
Threads = Annotated[Count, Field(le=1024)]
Crops = Annotated[Count, Field(le=100_000)]
Size = Annotated[tuple[int, int], BeforeValidator(_parse_size)]  # width and height, px
ShorterSide = Annotated[int, BeforeValidator(_parse_side(min)), Field(le=MOST_SIDE)]  # px
LongerSide = Annotated[int, BeforeValidator(_parse_side(max)), Field(le=MOST_SIDE)]  # px
Backend = Literal["torch", "compile", "openvino"]
WholeImageBackend = Literal["torch", "openvino"]  # compile would compile anew for every size
Decode = Literal["quarter", "dark", "udp", "udp-dark"]  # keys of `decoding.conventions.CONVENTIONS`
Precision = Literal["float32", "bf16", "fp16"]


class ModelOptions(Settings):
    """Options of one kind of model: the text below a field is its description."""

    model_config = ConfigDict(use_attribute_docstrings=True)


class CropOptions(ModelOptions):
    """Options of whatever looks at crops of one person."""

    batch_size: Crops = 16
    """Crops handed over at once; changes speed and memory, never a score."""
    flip_test: Switch = True
    """Average the heatmaps with those of the mirrored crop."""


class HeatmapOptions(CropOptions):
    """Options of whatever gives heatmaps of one person."""

    decode: Decode = "quarter"
    """How the network was trained: quarter as SBL and HRNet, dark, udp, or udp-dark as ViTPose; crops belong to it."""

    def describe_decoding(self) -> dict[str, str]:
        """Return what results say of it: nothing of the usual way."""
        return {} if self.decode == "quarter" else {"decode": self.decode}


class EngineOptions(ModelOptions):
    """How a torch network runs."""

    threads: Threads = 1
    """Threads of one call on a CPU; several wait for each other where cores are busy."""
    backend: Backend = "torch"
    """torch; compile (torch.compile) or openvino, which are faster on a CPU."""
    precision: Precision = "float32"
    """float32, bf16, or on a GPU fp16."""

    @property
    def engine(self) -> dict[str, Any]:
        """Return the arguments of `running.backends.as_callable`, but for the device."""
        return self.model_dump(include={"threads", "backend", "precision"})


class NetworkOptions(EngineOptions):
    """How and where a torch network runs."""

    device: str = "auto"
    """auto (a GPU if there is one), cpu, cuda, cuda:1 or mps."""


class WholeImageOptions(NetworkOptions):
    """Options of a torch network that looks at whole images."""

    backend: WholeImageBackend = "torch"
    """torch, or openvino, which is faster on a CPU."""


O = TypeVar("O", bound=Settings)  # noqa: E741 - the options of one kind


def read_options(kind: str, options: type[O], given: Mapping[str, Any]) -> O:
    """Return the checked options of a kind of model from values by name, words or typed; None counts as not given."""
    given = {name: value for name, value in given.items() if value is not None}
    names = list(options.model_fields)
    if "adapt" not in names and any(name == "adapt" or name.startswith("adapt_") for name in given):
        raise UserError(f"model '{kind}' cannot adapt: {NO_ADAPTING.get(kind, OWN_NETWORK)}")
    if given and not names:
        raise UserError(f"model '{kind}' has no options: leave out {', '.join(given)}")
    try:
        return options.model_validate(given)
    except ValidationError as error:
        problems = error.errors()
        mistakes = first_few([_explain(problem, given, names) for problem in problems], "mistakes", MOST_MISTAKES)
        is_unknown = any(problem["type"] == "extra_forbidden" for problem in problems)
        known = f"; its options are {', '.join(names)}" if is_unknown else ""
        raise UserError(f"model '{kind}': {mistakes}{known}") from error


def _explain(problem: Any, given: Mapping[str, Any], names: list[str]) -> str:
    """Return what is wrong with one option, without a full stop."""
    if not problem["loc"]:  # of several options together
        return str(problem["msg"]).removeprefix("Value error, ")
    name = str(problem["loc"][0])
    if problem["type"] == "extra_forbidden":
        return f"there is no option '{name}'{_suggest(name, names)}"
    message = problem["msg"].removeprefix("Value error, ")
    if problem["type"] in PROBLEMS:
        message = PROBLEMS[problem["type"]].format(**problem.get("ctx", {}))
    hint = ""
    if problem["type"] == "literal_error":  # the choices, in quotes
        hint = nearest(str(given[name]), re.findall("'([^']+)'", message))
        message = message.replace("'", "")
    return f"option '{name}' {message}, got {given[name]!r}{hint}"


def _suggest(name: str, names: list[str]) -> str:
    """Return a hint at the option that is meant by a name which there is not."""
    word = name.lower().replace("-", "_")
    meant = [own for own, others in ELSEWHERE.items() if word in (own, *others)]
    ours = [name for own in meant for name in (own, OF_BOXES.get(own)) if name in names]
    return f" (did you mean '{ours[0]}'?)" if ours else nearest(word, names)


def write_size(input_wh: tuple[int, int]) -> str:
    """Return a width and height as ``192x256``."""
    return f"{input_wh[0]}x{input_wh[1]}"
