"""One model: which runs are of the same estimator, whatever it is called, and what must be alike in its runs.

An estimator is known by its weights and code, as digests, by its options and by its adaptation. On which device and
with which version of a library it ran does not make it another one. A name alone tells nothing.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from robustpose.changes import CODE, DIGEST, as_table
from robustpose.corruptions.suites import COCO_C, Suite
from robustpose.errors import UserError, first_few
from robustpose.results.measurement import OF_BOXES
from robustpose.results.rows import model_name, percent, suite_of
from robustpose.results.setups import tell_setups_apart

# Of an estimator's provenance: where and with what it was run, and what is told of its weights.
_NOT_OF_MODEL = ("device", "torch", "onnxruntime", "openvino", "transformers", "ai_edge_litert", "seen")
_BOXES_BY_CELL = "corrupt-det"  # other files for every suite
_SAME = 1e-9  # of clean scores: rounding of a sum
MOST_APART = 1e-3  # of clean scores of one model: what another machine or library may change


@dataclass(frozen=True)
class Model:
    """One model, and its run of each suite that it was measured on."""

    name: str
    runs: Mapping[str, int]  # by label of the suite: the place of the run among those that were given
    identity: str | None = None  # see `identify_model`


def identify_model(summary: Mapping[str, Any]) -> str | None:
    """Return a text that is the same for all runs of one model; None where a run does not say what it is of.

    >>> weights = {"name": "a.onnx", "sha256": "0" * 64, "torch": "2.13"}
    >>> other_name = {"name": "b.onnx", "sha256": "0" * 64, "torch": "2.14"}
    >>> of = lambda estimator: identify_model({"provenance": {"estimator": estimator}})
    >>> of(weights) == of(other_name), of({"name": "a.onnx"}) is None
    (True, True)
    """
    estimator = summary["provenance"]["estimator"]
    about = {key: value for key, value in estimator.items() if key not in _NOT_OF_MODEL}
    for key in CODE:
        if key in about:  # versions of libraries are there, too
            files = as_table(about[key]).items()
            about[key] = {name: digest for name, digest in files if DIGEST.fullmatch(str(digest))}
    if not any(DIGEST.fullmatch(text) for text in _list_texts(about)):
        return None
    about.pop("name", None)
    return json.dumps(about, sort_keys=True)


def hash_identity(summary: Mapping[str, Any]) -> str | None:
    """Return the SHA-256 of what identifies the model of a run, as entries of leaderboards have it; None if unknown."""
    identity = identify_model(summary)
    return None if identity is None else hashlib.sha256(identity.encode()).hexdigest()


def pair_models(folders: Sequence[Path], summaries: Sequence[Mapping[str, Any]]) -> tuple[list[Model], list[str]]:
    """Return the models of runs of several suites, in the order of their first runs, and what is to be doubted.

    Raises:
        UserError: two runs are of one model on one suite, or those of one model were not measured alike.
    """
    places: dict[str, dict[str, int]] = {}
    notes = []
    for place, (folder, summary) in enumerate(zip(folders, summaries, strict=True)):
        identity, label = identify_model(summary), suite_of(summary).label
        if identity is None:
            notes.append(f"{folder.name} does not say which weights or code it is of: it is a model by itself here")
        of_model = places.setdefault(identity or f"run {place}", {})
        if label in of_model:
            _refuse_twice(folders[of_model[label]], summaries[of_model[label]], folder, summary)
        of_model[label] = place
    for of_model in places.values():
        first, *others = of_model.values()
        for place in others:
            notes += _check_alike(folders[first], summaries[first], folders[place], summaries[place])
    if all(len(of_model) == 1 for of_model in places.values()) and _are_results(summaries):
        notes.append(
            "nobody can tell which model found the poses of results files: folders that hold the same files are of one "
            "model, so put the files of all suites in one folder and bench that for each suite"
        )
    models = []
    for of_model in places.values():
        summary = summaries[next(iter(of_model.values()))]
        models.append(Model(model_name(summary), of_model, identify_model(summary)))
    return models, notes


def order_suites(summaries: Sequence[Mapping[str, Any]]) -> list[Suite]:
    """Return the suites of summaries, each once: the published benchmark's first, then as they came."""
    suites = list({suite.label: suite for suite in map(suite_of, summaries)}.values())
    return sorted(suites, key=lambda suite: suite.name != COCO_C.name)


def _refuse_twice(folder: Path, one: Mapping[str, Any], other_folder: Path, other: Mapping[str, Any]) -> None:
    suite = suite_of(one).name
    apart = [f"{name} {first} and {second}" for name, (first, second) in tell_setups_apart([one, other])]
    differ = f", and differ in {first_few(apart, 'settings')}" if apart else ""
    raise UserError(
        f"{folder.absolute()} and {other_folder.absolute()} are of one model ({model_name(one)}) and one suite "
        f"({suite}){differ}: name one of them, or compare the runs of {suite} alone"
    )


def _check_alike(folder: Path, one: Mapping[str, Any], other_folder: Path, other: Mapping[str, Any]) -> Iterator[str]:
    """Yield what is not as it should be in two runs of one model; UserError where boxes or clean scores are others."""
    first, second = (_describe_boxes(summary["provenance"]) for summary in (one, other))
    apart = [f"{key} {first.get(key)} and {second.get(key)}" for key in first if first.get(key) != second.get(key)]
    both = f"{folder.absolute()} and {other_folder.absolute()} are of one model ({model_name(one)})"
    if apart:
        raise UserError(
            f"{both} and were not measured in the same boxes: {first_few(apart, 'differences')}; bench both in the same"
        )
    clean, its_clean = one["clean"], other["clean"]
    if math.isclose(clean, its_clean, rel_tol=0, abs_tol=_SAME):
        return
    scores = f"{percent(clean, 3)} and {percent(its_clean, 3)}"
    if abs(clean - its_clean) > MOST_APART:
        raise UserError(
            f"{both} and score {scores} on the same clean images: one of them is not what it says, bench it again"
        )
    yield (
        f"{folder.name} and {other_folder.name} are of one model and score {scores} on clean images: were they made on "
        "other machines, or with other versions?"
    )


def _describe_boxes(provenance: Mapping[str, Any]) -> dict[str, Any]:
    """Return what says where people were looked for; of boxes with a file for each cell not which files."""
    boxes, protocol = {"boxes": provenance.get("box_protocol")}, provenance.get("box_protocol")
    keys = [key for key in OF_BOXES if protocol != _BOXES_BY_CELL or key == "min_box_score"]
    return boxes | {key: provenance["dataset"].get(key) for key in keys}


def _are_results(summaries: Sequence[Mapping[str, Any]]) -> bool:
    return all(summary["provenance"]["estimator"].get("kind") == "results" for summary in summaries)


def _list_texts(value: Any) -> Iterator[str]:
    """Yield all texts in nested tables and lists."""
    if isinstance(value, Mapping):
        value = list(value.values())
    if isinstance(value, list | tuple):
        for one in value:
            yield from _list_texts(one)
    elif isinstance(value, str):
        yield value
