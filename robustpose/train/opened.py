"""An opened run: data, samples and networks of a training, checked, before its first step."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import torch
from lightning_fabric import Fabric

import robustpose
from robustpose.changes import list_changes
from robustpose.errors import first_few
from robustpose.files import list_differences
from robustpose.fresh import StartOver
from robustpose.models.input_spec import InputSpec
from robustpose.models.zoo import make_input_spec
from robustpose.train.batches import Batches, Sharing
from robustpose.train.build import Networks, build_networks, build_step, check_norms
from robustpose.train.checkpoint import Older, Position, find_older, resume
from robustpose.train.identity import FREE, IN_PARTS, describe_inputs, without_places
from robustpose.train.samples import Samples, make_samples
from robustpose.train.seen import gather_seen
from robustpose.train.settings import TrainSettings
from robustpose.train.start import OpenedData, open_data, open_val_data
from robustpose.train.steps import Step
from robustpose.train.together import from_first, in_all, send_state


@dataclass(frozen=True, eq=False)
class OpenedRun:
    """What a run trains with, checked, before its first step."""

    fabric: Fabric
    settings: TrainSettings
    older: Older
    data: OpenedData
    input_spec: InputSpec
    samples: Samples
    batches: Batches
    step: Step
    scaler: Any  # of 16-mixed: it has a state
    inputs: dict[str, Any]

    def resume(self, last: Path) -> Position:
        """Take over a checkpoint, if there is one, and return where the run is. The first process alone reads it."""
        fabric, step = self.fabric, self.step
        read: Callable[[], Position] = lambda: resume(  # noqa: E731
            last, self.settings, self.inputs, step, self.scaler, len(self.batches)
        )
        is_there, at = from_first(fabric, lambda: (last.exists(), read()))
        if is_there and fabric.world_size > 1:
            sent = send_state(fabric, {"step": step.state(), "precision": self.scaler.state_dict()})
            if not fabric.is_global_zero:
                step.restore(sent["step"])
                self.scaler.load_state_dict(sent["precision"])
        return at

    def describe(self, at: Position) -> dict[str, Any]:
        """Return what a checkpoint holds: all that the rest of the run depends on."""
        older = self.older
        said = self.settings.model_dump(mode="json", exclude={"last_batch"} if older.choices else None)
        state: dict[str, Any] = {"version": robustpose.__version__, "settings": said, "inputs": self.inputs}
        if not older.has_older_parts:
            state[IN_PARTS] = self.settings.n_parts
        return state | {"at": asdict(at), "step": self.step.state(), "precision": self.scaler.state_dict()}


@dataclass(frozen=True, eq=False)
class _Read:
    """What is read from files, in every process."""

    networks: Networks
    data: OpenedData
    input_spec: InputSpec
    samples: Samples
    inputs: dict[str, Any]


def open_run(fabric: Fabric, settings: TrainSettings, last: Path, fresh: StartOver | None) -> OpenedRun:
    """Open the data and build the networks of a run, which may have the checkpoint `last`. Nothing is written."""
    older = Older({}, False)
    if fresh is None:
        older = from_first(fabric, lambda: find_older(last) if last.exists() else older)
    kept = {name: value for name, value in older.choices.items() if name not in settings.model_fields_set}
    settings = settings.model_copy(update=kept)
    read = in_all(fabric, lambda: _read(settings), lambda read: _describe(settings, read), _compare)
    sharing = Sharing(
        fabric.global_rank,
        fabric.world_size,
        settings.accumulate,
        settings.engine.sync_batch_norm,
        older.has_older_parts,
    )
    samples, drop_last = read.samples, settings.last_batch == "drop"
    batches = Batches(len(samples), settings.batch_size, settings.seed, sharing, drop_last)
    step = build_step(fabric, settings, read.networks, read.data.train.skeleton, samples)
    check_norms(step.network, settings, batches)
    scaler = fabric.strategy.precision
    return OpenedRun(fabric, settings, older, read.data, read.input_spec, samples, batches, step, scaler, read.inputs)


def _read(settings: TrainSettings) -> _Read:
    val = open_val_data(settings)
    networks = build_networks(settings, val.skeleton)  # before what is learned from is read, which can take minutes
    data = open_data(settings, val)
    input_spec = make_input_spec(settings.model, data.train.skeleton, settings.input_wh, settings.family)
    input_spec = replace(input_spec, sigma=settings.sigma, seen=gather_seen(settings))
    samples = make_samples(data.train, input_spec, settings)
    return _Read(networks, data, input_spec, samples, describe_inputs(settings, data.train, data.val))


def _describe(settings: TrainSettings, read: _Read) -> dict[str, Any]:
    """Return what has to be the same in all processes; where files lie may differ between nodes."""
    versions = {"robustpose": robustpose.__version__, "torch": str(torch.__version__)}
    return {"settings": without_places(settings).model_dump(mode="json"), "inputs": read.inputs, "versions": versions}


def _compare(first: Any, other: Any) -> str:
    """Return in what a process does not do the same as the first one."""
    if first is None:
        return ""
    differences = list_differences(first["settings"], other["settings"])
    differences = [line for line in differences if not line.split(":")[0].startswith(FREE)]
    differences += list_differences(first["versions"], other["versions"])
    differences = [line.replace(" there, ", " in the first process, ").replace(" now", " here") for line in differences]
    if differences:
        return f"its settings are not those of the first process ({'; '.join(differences[:3])}): start the same command"
    changes = list_changes(first["inputs"], other["inputs"])
    return f"it has other files than the first process: {first_few(changes, 'changes')}" if changes else ""
