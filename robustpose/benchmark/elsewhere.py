"""Elsewhere: whether worker processes, which import modules anew, work with the same code and variables as this one.

A program may set a variable, a class's attribute or a default when it runs: what is sent to a worker by its name is
then another one there. Each worker compares before it works; where something differs, this process does all the work.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from robustpose.benchmark.identity import identify_estimator
from robustpose.changes import BY_CORRUPTION, OF, as_table, choose_states
from robustpose.data.corrupted import CorruptedImages, describe_images
from robustpose.data.identity import know_dataset
from robustpose.errors import UserError, count_own_frames
from robustpose.pose.cell import Cell
from robustpose.pose.protocols import Dataset, Estimator
from robustpose.work import Engine, Processes

States = Mapping[str, str]  # SHA-256 of variables by their names
PLACE = ("name", "commit")  # of a model: where it is from, which is not where it is brought to
WHAT = "is another one in worker processes, which import the module anew"


class DiffersError(UserError):
    """Something is another one in a worker process."""


def gather_states(identity: Mapping[str, Any], dataset: Dataset) -> States:
    """Return the variables that decide what is benched, as this process has them."""
    of_corruptions = as_table(identity.get(BY_CORRUPTION)).values()
    return {
        **as_table(identity["estimator"].get("state")),
        **{name: digest for code in of_corruptions for name, digest in choose_states(code).items()},
        **know_dataset(dataset)[1],
    }


def states_of(estimator: Estimator) -> States:
    """Return the variables that decide what an estimator finds, as this process has them."""
    return as_table(identify_estimator(estimator)[0].get("state"))


def check_here(
    expected: States, dataset: Dataset, estimator: Estimator, images: CorruptedImages, cells: Sequence[Cell]
) -> None:
    """Raise DiffersError where a variable of the estimator, the data or a corruption is another one in this process."""
    code = images.code_of(cells) if estimator.needs_images else {}
    compare_states(
        expected, gather_states({"estimator": identify_estimator(estimator)[0], BY_CORRUPTION: code}, dataset)
    )


def check_data_here(expected: States, dataset: Dataset) -> None:
    """Raise DiffersError where a variable of the data or the metric is another one in this process."""
    here = know_dataset(dataset)[1]
    compare_states({name: digest for name, digest in expected.items() if name in here}, here)


def compare_states(expected: States, here: States) -> None:
    """Raise DiffersError where a variable is another one here."""
    differing = [name for name in {**expected, **here} if expected.get(name) != here.get(name)]
    if differing:
        what = differing[0] if OF in differing[0] else f"{differing[0]}{OF}what is benched"
        raise DiffersError(f"{what} {WHAT} (pass it as an argument, or set it in a file)")


def describe_predicting(
    estimator: Estimator, images: CorruptedImages, cells: Sequence[Cell], with_code: bool = True
) -> tuple[dict[str, Any], States]:
    """Return code and options of an estimator and of corruptions, and apart from them the variables of both.

    Without those of an estimator that is sent with its code.
    """
    left_out = PLACE if with_code else (*PLACE, "code", "state")
    about = {key: value for key, value in identify_estimator(estimator)[0].items() if key not in left_out}
    states, of_images = dict(as_table(about.pop("state", None))), describe_images(images, cells)
    for name, code in of_images[BY_CORRUPTION].items():
        of_code = choose_states(code)
        states |= of_code
        of_images[BY_CORRUPTION][name] = {key: digest for key, digest in code.items() if key not in of_code}
    return {"estimator": about, **of_images}, states


def describe_metric(dataset: Dataset) -> tuple[dict[str, Any], States]:
    """Return the code of a dataset's metric, where it is somebody's own, and apart from it its variables."""
    code, states = know_dataset(dataset)
    return {"metric": code}, states


def or_alone(share_out: Callable[[Engine], Iterator[Any]], engine: Engine) -> Iterator[Any]:
    """Yield what ``share_out(engine)`` yields; with a warning what this process alone does where workers differ."""
    try:
        yield from share_out(engine)
    except DiffersError as error:
        text = f"{error}; this process does all the work itself"
        warnings.warn(text, UserWarning, stacklevel=count_own_frames() + 1)
        yield from share_out(Processes(1))
