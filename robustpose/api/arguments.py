"""Arguments: what Python programs hand over, checked, as the words and descriptions that commands have."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePath
from typing import Any

from robustpose.corruptions import check_names
from robustpose.corruptions.suites import Suite, choose_cells, find_suite
from robustpose.data.joints import take_joints
from robustpose.data.own import adopt_dataset
from robustpose.data.spec import DataSpec, describe_data
from robustpose.data.subset import Adjusted, keep_images_with_people
from robustpose.errors import UserError, nearest, quote, spell_list
from robustpose.pose.cell import Cell, is_corruption_name
from robustpose.pose.protocols import Dataset

Place = str | Path  # a file or a folder
Data = str | DataSpec | Mapping[str, Any] | Dataset
Corruption = str | Callable[..., Any]

OF_OBJECTS = ("limit", "metric", "joints", "only_with_people")  # what may be said of a dataset in memory


@dataclass(frozen=True)
class GivenData:
    """Data that were handed over: how to open them, here or in another process, and their description, if any."""

    open: Callable[[], Dataset]
    spec: DataSpec | None  # None for a dataset in memory


def read_data(data: Any, fields: Mapping[str, Any], others: Iterable[str] = ()) -> GivenData:
    """Return what data are: a name, a description, a mapping of its fields, or a dataset in memory.

    `fields` of `DataSpec` are said beside it; None stands for one that is not given. The function that was called has
    `others` of its own, one of which may be meant by a name that nothing has.
    """
    given = {name: as_plain(value) for name, value in fields.items() if value is not None}
    unknown = [name for name in given if name not in DataSpec.model_fields or name == "name"]
    if unknown:
        known = [*others, *(name for name in DataSpec.model_fields if name != "name")]
        raise UserError(f"there is no argument '{unknown[0]}'{nearest(unknown[0], known)}")
    if isinstance(data, os.PathLike) or (isinstance(data, str) and os.sep in data and ":" not in data):
        raise UserError(
            f"data= takes a name, such as 'toy' or 'coco', got a path, {os.fspath(data)}: files go by annotations= and "
            "images=, the folder of an official set by root="
        )
    if data is None or isinstance(data, str | Mapping | DataSpec):
        spec = describe_data({**_fields_of(data), **given})
        return GivenData(spec.open, spec)
    if isinstance(data, bool | int | float | bytes | list | tuple | set):
        raise UserError(
            "data= takes a name such as 'toy', a DataSpec or its fields, or an object with skeleton, metric, "
            f"frame(i), truth(i) and a length, got {type(data).__name__}"
        )
    others = [name for name in given if name not in OF_OBJECTS]
    if others:
        raise UserError(f"a dataset in memory takes {spell_list(OF_OBJECTS)} beside it, not {others[0]}=")
    if not given:
        return GivenData(partial(_open_own, data), None)
    options = DataSpec(name="toy", **given)  # checks them
    adjust = (options.limit, options.metric, options.only_with_people, options.joints)
    return GivenData(partial(_open_own, data, *adjust), None)


def _fields_of(data: Any) -> dict[str, Any]:
    if isinstance(data, DataSpec):
        return data.model_dump(exclude_defaults=True)
    return {"name": data} if data is None or isinstance(data, str) else {str(key): data[key] for key in data}


def _open_own(
    data: Any,
    limit: int | None = None,
    metric: str | None = None,
    only_with_people: bool = False,
    joints: Sequence[str] = (),
) -> Dataset:
    dataset: Dataset = adopt_dataset(data, f"data {name_of(data)}")
    if joints:
        dataset = take_joints(dataset, joints)
    if only_with_people:
        dataset = keep_images_with_people(dataset)
    return dataset if limit is None and metric is None else Adjusted(dataset, limit, metric)


def name_of(thing: Any) -> str:
    """Return what messages call an object of somebody's: its own name, or else that of its class."""
    return str(getattr(thing, "__qualname__", None) or type(thing).__qualname__)


def read_cells(suite: Any, corruptions: Any, severities: Any) -> tuple[Suite, tuple[Cell, ...]]:
    """Return the suite of a name, and the cells of a run, clean first."""
    if isinstance(suite, Suite):
        suite = suite.name
    if not isinstance(suite, str):
        raise UserError(f"suite= takes the name of a suite, such as 'coco-c', got {type(suite).__name__}")
    found = find_suite(suite)
    words = _read_corruptions(corruptions)
    return found, choose_cells(words, _read_severities(severities), found)


def _read_corruptions(corruptions: Any) -> list[str]:
    given = _as_list(corruptions)
    if given is None:
        raise UserError(
            "corruptions= takes 'all', names of corruptions or groups, functions f(image, severity, rng), or a list of "
            f"these, got {quote(corruptions)}"
        )
    words = [word for one in given for word in _read_corruption(one)]
    if not words:
        raise UserError(f"corruptions= must name some, got {quote(corruptions)}: 'none' is for clean images only")
    return words


def _read_corruption(one: Any) -> list[str]:
    if isinstance(one, str):
        return [word.strip() for word in one.split(",") if word.strip()]
    if not callable(one):
        raise UserError(f"corruptions= takes names and functions f(image, severity, rng), got {quote(one)}")
    module, name = getattr(one, "__module__", None), getattr(one, "__qualname__", None)
    found = sys.modules.get(str(module))
    for part in str(name).split("."):
        found = getattr(found, part, None)
    if found is not one or not is_corruption_name(f"{module}:{name}"):
        raise UserError(
            f"the corruption {name_of(one)} must be a function that its module has by its name, so that results can "
            "name it: write it with def, outside other functions"
        )
    check_names([f"{module}:{name}"])
    return [f"{module}:{name}"]


def _read_severities(severities: Any) -> list[int] | None:
    if severities is None:
        return None
    severities = as_plain(severities)
    given = [severities] if isinstance(severities, int) else _as_list(severities)
    words = [word for one in given or [] for word in (one.split(",") if isinstance(one, str) else [as_plain(one)])]
    try:
        if given is None or not all(isinstance(word, int | str) and not isinstance(word, bool) for word in words):
            raise ValueError
        numbers = [int(word) for word in words]
    except ValueError as error:
        raise UserError(f"severities= takes whole numbers, such as [1, 3, 5], got {quote(severities)}") from error
    if not numbers:
        raise UserError(f"severities= must name some, got {quote(severities)}")
    return numbers


def _as_list(given: Any) -> list[Any] | None:
    """Return what was given as a list, of one thing or several; None for what is neither."""
    if isinstance(given, str) or callable(given):
        return [given]
    if isinstance(given, Mapping | bytes) or not isinstance(given, Iterable):
        return None
    return list(given)


def read_seed(seed: Any) -> str | int:
    """Return a checked seed: ``release``, or a whole number."""
    seed = as_plain(seed)
    if seed is None or seed == "release":
        return "release"
    if isinstance(seed, bool) or not isinstance(seed, int):
        raise UserError(f"seed= must be 'release' or a whole number, got {quote(seed)}")
    if abs(seed) >= 2**63:  # as in settings
        raise UserError(f"seed= must be of at most 18 digits, got {quote(seed)}")
    return seed


def as_whole_number(value: Any, name: str, least: int) -> int:
    """Return a whole number of at least `least`; UserError, which calls it `name`, for something else."""
    value = as_plain(value)
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise UserError(f"{name}= must be a whole number of at least {least}, got {quote(value)}")
    return value


def as_switch(value: Any, name: str) -> bool:
    """Return True or False; UserError, which calls it `name`, for something else, such as the word no."""
    value = as_plain(value)
    if not isinstance(value, bool):
        raise UserError(f"{name}= must be True or False, got {quote(value)}")
    return value


def as_plain(value: Any) -> Any:
    """Return a number of NumPy as Python's own, and a path of any kind as text; all else as it is."""
    if isinstance(value, PurePath) or (hasattr(value, "__fspath__") and not isinstance(value, str)):
        return os.fspath(value)
    is_scalar = type(value).__module__ == "numpy" and getattr(value, "shape", None) == ()
    return value.item() if is_scalar else value
