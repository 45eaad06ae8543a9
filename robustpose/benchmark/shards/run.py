"""Run a shard: predict its units, and leave them for `merge`. Nothing is scored."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

from robustpose.benchmark.job import Job, Prepared, prepare
from robustpose.benchmark.networks import with_networks
from robustpose.benchmark.predict import count_images, predict_units
from robustpose.benchmark.shards.folder import (
    FINISHED,
    MERGED,
    NOTE,
    SHARDS,
    About,
    count_shards,
    list_lacking,
    list_shard_files,
    list_shard_paths,
    make_note,
    read_shard,
    shard_path,
    tell_setups_apart,
    write_about,
)
from robustpose.benchmark.shards.plan import ShardPlan, measure_shard
from robustpose.benchmark.shards.split import Shard, list_shard_tasks
from robustpose.claims import claim_folder, look_at_folder
from robustpose.errors import UserError, show_doubts
from robustpose.fresh import StartOver
from robustpose.pose.cell import Cell
from robustpose.progress import Progress
from robustpose.results.inputs import write_inputs
from robustpose.results.run_folder import IDENTITY
from robustpose.work import Engine, announce_plan

WHAT = "units"


@dataclass(frozen=True)
class ShardJob:
    """What a shard is of, and what its finished run says beside its scores."""

    job: Job  # whose `out` is the folder of the run
    cells: Sequence[Cell]  # of the run, clean first
    shard: Shard
    beside: Mapping[str, Any] = field(default_factory=dict)  # of `About`

    @property
    def place(self) -> Path:
        """Return the folder of the shard."""
        return shard_path(self.job.out, self.shard)


def run_shard(
    wanted: ShardJob,
    engine: Engine,
    on_progress: Callable[[str, Progress], None] = lambda what, progress: None,
    fresh: StartOver | None = None,
    announce: Callable[[ShardPlan], None] | None = None,
) -> int:
    """Predict the units of a shard and return how many it has. Started again, it goes on where it was, unless `fresh`.

    A unit that is there and damaged is predicted again. The other arguments are those of `run_bench`.
    """
    prepared, note = _prepare(wanted, fresh)
    engine = with_networks(engine, prepared)
    show_doubts(prepared.warnings)
    place, truths = wanted.place, prepared.data.truths
    tasks = list_shard_tasks(wanted.shard, len(truths), prepared.cells, prepared.estimator.images_per_group)
    with claim_folder(place, WHAT, NOTE, note, list_shard_files, fresh):
        _check_no_run(wanted)  # it may have been merged meanwhile
        write_about(place, About(warnings=prepared.warnings, **wanted.beside))
        if prepared.job.inputs is not None:
            write_inputs(place, prepared.job.inputs)
        lacking = list_lacking(place, tasks, truths)
        announce_plan(announce, partial(measure_shard, prepared, wanted.shard, tasks, lacking, engine))
        list_todo = partial(list_lacking, place, tasks, truths)
        predict_units(prepared, list_todo, count_images(tasks), engine, partial(on_progress, "predict"))
    return sum(len(cells) for _, cells in tasks)


def plan_shard(wanted: ShardJob, engine: Engine, fresh: StartOver | None = None) -> ShardPlan:
    """Return what `run_shard` would do, with all checks of its start. Nothing is written or locked."""
    prepared, note = _prepare(wanted, fresh)
    engine = with_networks(engine, prepared)
    show_doubts(prepared.warnings)
    truths = prepared.data.truths
    tasks = list_shard_tasks(wanted.shard, len(truths), prepared.cells, prepared.estimator.images_per_group)
    goes_on = look_at_folder(wanted.place, WHAT, NOTE, note, fresh)
    lacking = list_lacking(wanted.place, tasks, truths) if goes_on else tasks
    return measure_shard(prepared, wanted.shard, tasks, lacking, engine)


def _prepare(wanted: ShardJob, fresh: StartOver | None) -> tuple[Prepared, dict[str, Any]]:
    """Check a shard's job, and the folder of its run; return it with the note of the shard."""
    _check_folder(wanted)
    prepared = prepare(replace(wanted.job, out=wanted.place), wanted.cells)
    note = make_note(prepared, wanted.shard)
    if fresh is None:
        _check_beside(wanted, note)
    return prepared, note


def _check_folder(wanted: ShardJob) -> None:
    """Raise UserError where the run's folder is something else, or has shards of another cut."""
    out = wanted.job.out
    if not out.is_dir():
        return  # it is made, or cannot be: said then
    _check_no_run(wanted)
    others = sorted(entry.name for entry in out.iterdir() if not entry.name.startswith(".") and entry.name != SHARDS)
    if others and not (out / IDENTITY).is_file():
        raise UserError(
            f"{out.absolute()} is not empty ({others[0]}, …) and holds no shards of a run: choose another --out"
        )
    for path in list_shard_paths(out):
        n_shards = count_shards(path)
        if n_shards not in (None, wanted.shard.n_shards):
            raise UserError(
                f"{path.absolute()} is one of {n_shards} shards, and --shard {wanted.shard} asks for one of "
                f"{wanted.shard.n_shards}: go on with --shard K/{n_shards}, choose another --out, or delete that folder"
            )


def _check_no_run(wanted: ShardJob) -> None:
    """Raise UserError where the run's folder holds a run already, unless one is being merged there of this shard."""
    out = wanted.job.out
    if ((out / IDENTITY).is_file() and not (wanted.place / NOTE).is_file()) or (out / SHARDS / MERGED).is_file():
        finished = next((what for name, what in FINISHED.items() if (out / name).is_file()), None)
        what = finished or "a run that was begun without --shard"
        raise UserError(f"{out.absolute()} holds {what}: choose another --out for shards")


def _check_beside(wanted: ShardJob, note: Mapping[str, Any]) -> None:
    """Raise UserError where a shard that is there, as far as this machine sees it yet, is of another setup.

    Only one is looked at: `merge` holds all against each other.
    """
    others = [path for path in list_shard_paths(wanted.job.out) if path != wanted.place]
    if not others or (wanted.place / NOTE).is_file():  # whose own note is held against the setup
        return
    try:
        other = read_shard(others[0])
        differences = tell_setups_apart(other.note, note, ("there", "now"))
    except UserError:
        return  # it is being written, or damaged: merge says so
    if differences:
        raise UserError(
            f"{others[0].absolute()} is a shard of another setup ({'; '.join(differences[:3])}): choose another --out, "
            "or start over with --fresh, this shard and all others"
        )
