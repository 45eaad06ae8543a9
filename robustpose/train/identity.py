"""Identity of a training: what it learns from, beside its settings. It is kept in the checkpoint.

A run goes on with these files and this code alone. Where they lie does not matter, so settings are compared without
places where it is known what is there.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from robustpose.amounts import count
from robustpose.changes import list_changes
from robustpose.data.identity import identify_dataset
from robustpose.data.subset import Adjusted
from robustpose.errors import UserError, first_few
from robustpose.files import list_differences
from robustpose.pose.protocols import Dataset
from robustpose.registry import load
from robustpose.sources import hash_once
from robustpose.states import know
from robustpose.train.settings import TrainSettings

# Settings that change how a run goes but not what comes out; a run may go on with other ones.
FREE = (
    *("checkpoint_every", "sheet_people", "row", "mixing.unseen"),
    *("engine.workers", "engine.cache_mb", "engine.tensorboard", "engine.wait_minutes"),
)
SHARED_OUT = ("accumulate", "engine.nodes", "engine.devices")  # who does which parts of a batch: see `check_parts`
WEIGHTS = ("start_from", "backbone")
IN_PARTS = "n_parts"  # of a batch, in a checkpoint; versions that noted none made other ones


def describe_inputs(settings: TrainSettings, train_data: Dataset, val_data: Dataset) -> dict[str, Any]:
    """Return what determines a run beside its settings: data, weights that it starts from, somebody's own code."""
    files = {name: getattr(settings, name) for name in WEIGHTS} | {"teacher": settings.teacher.weights}
    code: dict[str, str] = {}
    for name in filter(None, (settings.model, settings.teacher.model, settings.strategy, settings.way.mixer)):
        code |= _know_code(name)
    inputs = {
        "train_data": _describe_data(train_data),
        "val_data": _describe_data(val_data),
        **{name: {"name": path.name, "sha256": hash_once(path)} for name, path in files.items() if path is not None},
        "code": code,
    }
    return dict(json.loads(json.dumps(inputs)))


def check_same(
    settings: TrainSettings, inputs: dict[str, Any], before: TrainSettings, inputs_before: Any, folder: Path
) -> None:
    """Raise UserError unless a run has the settings and the inputs of the one that was stopped in a folder.

    Versions that noted no inputs have None for them.
    """
    hint = "choose another --out, or start over with --fresh"
    asked, there = settings, before
    is_known = isinstance(inputs_before, dict)
    if is_known:
        asked, there = without_places(settings), without_places(before)
    differences = list_differences(there.model_dump(mode="json"), asked.model_dump(mode="json"))
    differences = [line for line in differences if not line.split(":")[0].startswith((*FREE, *SHARED_OUT))]
    if differences:
        raise UserError(
            f"{folder} holds a run with other settings ({'; '.join(differences)}): give the same ones, {hint}"
        )
    changes = list_changes(inputs_before, inputs) if is_known else list_changes({}, {"code": inputs["code"]})
    if changes:
        raise UserError(f"{first_few(changes, 'changes')} ({folder}): {hint}")


def has_older_parts(state: Mapping[str, Any]) -> bool:
    """Return whether the run of a checkpoint began in a version that made other parts of a batch, and has several."""
    said = state.get("settings")
    if IN_PARTS in state or not isinstance(said, Mapping):
        return False
    engine = said.get("engine")
    counts = said.get("accumulate"), engine.get("devices") if isinstance(engine, Mapping) else 1
    return any(count not in (None, 1) for count in counts)


def check_parts(settings: TrainSettings, before: TrainSettings, is_older: bool, folder: Path) -> None:
    """Raise UserError unless batches are done in the parts in which the run in a folder began to do them."""
    now, then = ((one.accumulate, one.n_processes) for one in (settings, before))
    if now == then:
        return
    n_processes, how = settings.n_processes, "choose another --out, or start over with --fresh"
    if is_older:
        raise UserError(
            f"{folder} holds a run that an older version began on {count(then[1], 'process', 'processes')} with "
            f"accumulate {then[0]}: go on with as many, {how}"
        )
    if settings.engine.sync_batch_norm:  # batch norms see a part of every process
        is_same, set_to = now[0] == then[0], before.accumulate
    else:
        is_same, (set_to, rest) = settings.n_parts == before.n_parts, divmod(before.n_parts, n_processes)
        set_to = 0 if rest else set_to
    if not is_same:
        advice = (
            f"set accumulate={set_to}"
            if set_to
            else f"take a number of processes that {before.n_parts} can be shared by"
        )
        raise UserError(
            f"{folder} holds a run whose batches of {before.batch_size} are done in {count(before.n_parts, 'part')}, "
            f"and accumulate {settings.accumulate} on {count(n_processes, 'process', 'processes')} makes "
            f"{settings.n_parts} of them: {advice}; or {how}"
        )


def list_paths(settings: TrainSettings) -> list[Path]:
    """Return every file and folder that settings name."""
    found: list[Path] = []

    def note(path: Path) -> Path:
        found.append(path)
        return path

    _change_paths(settings, note)
    return found


def _know_code(named: Any) -> dict[str, str]:
    """Return what the code of something is in, which is given by name or is somebody's own object; else nothing."""
    if isinstance(named, str):
        return know(load(named), named.partition(":")[0]).code if ":" in named else {}
    return know(named).code


def _describe_data(dataset: Dataset) -> dict[str, Any]:
    about, _ = identify_dataset(dataset, (dataset.truth(index) for index in range(len(dataset))))
    limit = dataset.limit if isinstance(dataset, Adjusted) else None
    return about if limit is None else {**about, "limit": limit}  # as the settings have it


def without_places(settings: TrainSettings) -> TrainSettings:
    """Return the same settings with one path for all that are given."""
    return _change_paths(settings, lambda _: Path())


def _change_paths(settings: TrainSettings, change: Callable[[Path], Path]) -> TrainSettings:
    given: dict[str, Any] = {name: change(path) for name in WEIGHTS if (path := getattr(settings, name)) is not None}
    if settings.teacher.weights is not None:
        given["teacher"] = settings.teacher.model_copy(update={"weights": change(settings.teacher.weights)})
    data = {name: getattr(settings, name).change_paths(change) for name in ("train_data", "val_data")}
    return settings.model_copy(update={**given, **data})
