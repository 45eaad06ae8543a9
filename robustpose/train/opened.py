"""An opened run: data, samples and networks of a training, checked, before its first step."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from lightning_fabric import Fabric

from robustpose.fresh import StartOver
from robustpose.models.input_spec import InputSpec
from robustpose.models.zoo import make_input_spec
from robustpose.train.batches import Batches
from robustpose.train.build import build_networks, build_step, check_norms
from robustpose.train.checkpoint import Position, keep_older_choices, resume
from robustpose.train.identity import describe_inputs
from robustpose.train.samples import Samples, make_samples
from robustpose.train.settings import TrainSettings
from robustpose.train.start import OpenedData, open_data, open_val_data
from robustpose.train.steps import Step


@dataclass(frozen=True, eq=False)
class OpenedRun:
    """What a run trains with, checked, before its first step."""

    settings: TrainSettings
    is_older: bool  # whether an older version began the run
    data: OpenedData
    input_spec: InputSpec
    samples: Samples
    batches: Batches
    step: Step
    scaler: Any  # of 16-mixed: it has a state
    inputs: dict[str, Any]

    def resume(self, last: Path) -> Position:
        """Take over a checkpoint, if there is one, and return where the run is."""
        return resume(last, self.settings, self.inputs, self.step, self.scaler, len(self.batches))


def open_run(fabric: Fabric, settings: TrainSettings, last: Path, fresh: StartOver | None) -> OpenedRun:
    """Open the data and build the networks of a run, which may have the checkpoint `last`. Nothing is written."""
    is_older = False
    if fresh is None and last.exists():
        settings, is_older = keep_older_choices(settings, last)
    val = open_val_data(settings)
    networks = build_networks(settings, val.skeleton)  # before what is learned from is read, which can take minutes
    data = open_data(settings, val)
    skeleton = data.train.skeleton
    input_spec = replace(
        make_input_spec(settings.model, skeleton, settings.input_wh, settings.family), sigma=settings.sigma
    )
    samples = make_samples(data.train, input_spec, settings)
    drop_last = settings.last_batch == "drop"
    batches = Batches(
        len(samples), settings.batch_size, settings.seed, fabric.global_rank, fabric.world_size, drop_last
    )
    step = build_step(fabric, settings, networks, skeleton, samples)
    check_norms(step.network, settings, batches.find_fewest(settings.accumulate))
    inputs = describe_inputs(settings, data.train, data.val)
    return OpenedRun(settings, is_older, data, input_spec, samples, batches, step, fabric.strategy.precision, inputs)
