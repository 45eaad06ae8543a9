"""Merge: the finished shards of a run become the run folder that one bench command makes, to the byte.

The run folder is claimed as bench does, cells are gathered one by one, then scored and written up. Shards in the run
folder itself go last, behind a mark that says that the run is finished: killed at any moment, merging goes on.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any, NamedTuple

from robustpose.benchmark.chunks import count_in_group
from robustpose.benchmark.identity import choose_provenance
from robustpose.benchmark.job import Job, OpenedData, hold_against_clean, read_truths
from robustpose.benchmark.plan import BenchPlan
from robustpose.benchmark.run import tell_data_apart
from robustpose.benchmark.scoring import Scoring, score_cells
from robustpose.benchmark.shards.folder import (
    ABOUT,
    MERGED,
    NOTE,
    SHARDS,
    About,
    ShardFolder,
    is_shard_path,
    list_shard_files,
    list_shard_paths,
)
from robustpose.benchmark.shards.plan import plan_merge
from robustpose.benchmark.shards.split import share_out_units
from robustpose.benchmark.write_scores import write_scores
from robustpose.claims import claim_folder, look_at_folder
from robustpose.errors import UserError, show_doubts
from robustpose.files import LOCK_NAME, hold_folder, write_text, writing_to
from robustpose.fresh import StartOver
from robustpose.pose.results_json import write_results
from robustpose.progress import Progress
from robustpose.results.doubts import doubt_score
from robustpose.results.gates import check_gates
from robustpose.results.inputs import write_inputs
from robustpose.results.published import find_row
from robustpose.results.recipe import compare_with_published, write_comparison
from robustpose.results.run_folder import IDENTITY, DamagedUnit, RunFolder, list_made
from robustpose.work import Engine, announce_plan, cut_chunks


class Beside(NamedTuple):
    """Scores beside a published row: lines of words, where it is printed, in what the run is another measurement."""

    rows: list[tuple[str, str, str, str]]
    source: str
    differences: list[str]


@dataclass(frozen=True)
class Merge:
    """Finished shards of one run, and the job of that run, which has nothing to predict any more."""

    shards: Sequence[ShardFolder]  # all of them, in order
    job: Job

    @property
    def first(self) -> ShardFolder:
        """Return the shard that says what all of them say."""
        return self.shards[0]

    @cached_property
    def about(self) -> About:
        """Return what the run says beside its scores."""
        return self.first.read_about()

    @property
    def provenance(self) -> dict[str, Any]:
        """Return what determines the results."""
        return choose_provenance(self.first.identity, self.first.cells)

    @property
    def may_hold(self) -> tuple[str, ...]:
        """Return what the run folder holds before it is one."""
        return (SHARDS,) if self.first.path.parent == self.job.out / SHARDS else ()

    @cached_property
    def data(self) -> OpenedData:
        """Open the data, once; UserError if they are not those of the run, or will have no such scores."""
        data, job, cells = read_truths(self.job.make_dataset()), self.job, self.first.cells
        differences = tell_data_apart(self.provenance["dataset"], data)
        if differences:
            raise UserError(f"these are not the data of {self.first.path}: {'; '.join(differences[:3])}")
        cuts = [(cut.kind, cut.name) for cut in data.cuts] if job.gates else ()
        check_gates(job.gates, job.suite, cells, data.make_metric().primary, cuts=cuts)
        if job.has_page:
            try:
                job.corrupted_images.check(cells, [data.dataset.frame(index) for index in range(len(data.truths))])
            except UserError as error:
                raise UserError(f"{error} (the page shows such images; --no-report makes none)") from error
        return data


def merge_shards(
    merge: Merge,
    engine: Engine,
    n_resamples: int,
    on_progress: Callable[[str, Progress], None] = lambda what, progress: None,
    fresh: StartOver | None = None,
    announce: Callable[[BenchPlan], None] | None = None,
) -> tuple[dict[str, Any], Beside | None]:
    """Make the run of its shards, and return its summary and what stands beside it. Started again, it goes on.

    The arguments are those of `run_bench`.

    Raises:
        UserError: a unit is damaged, the data are others, or the disk fails. No shard has changed then.
    """
    job, data, about = merge.job, merge.data, merge.about
    identity = merge.first.identity
    with claim_folder(job.out, "results", IDENTITY, identity, list_made, fresh, may_hold=merge.may_hold):
        announce_plan(announce, partial(plan_merge, merge.shards, job, data, engine, n_resamples))
        gather_units(merge.shards, data, RunFolder(job.out))
        if job.inputs is not None:
            write_inputs(job.out, job.inputs)
        data = hold_against_clean(data, job.out)
        scores = score_cells(Scoring(job, n_resamples), data, merge.first.cells, engine, partial(on_progress, "score"))
        summary = write_scores(job, data, scores, merge.provenance, about.warnings)
        beside = _write_beside(job, about, summary)
        if merge.may_hold:
            write_text(job.out / SHARDS / MERGED, "", sync=True)
            drop_shards(job.out)
    doubts = doubt_score(summary["metric"], summary["clean"], merge.provenance["estimator"])
    show_doubts((*about.warnings, *scores[merge.first.cells[0]].warnings, *doubts))
    return summary, beside


def plan_merging(merge: Merge, engine: Engine, n_resamples: int, fresh: StartOver | None = None) -> BenchPlan:
    """Return what `merge_shards` would do, with its checks. Nothing is written or locked."""
    look_at_folder(merge.job.out, "results", IDENTITY, merge.first.identity, fresh, may_hold=merge.may_hold)
    return plan_merge(merge.shards, merge.job, merge.data, engine, n_resamples)


def gather_units(shards: Sequence[ShardFolder], data: OpenedData, out: RunFolder) -> None:
    """Turn the units of shards into predictions files, cell by cell; those that are there stay."""
    first = shards[0]
    n_images, per_group = len(data.truths), count_in_group(first.identity)
    owners = share_out_units(n_images, first.cells, first.shard.n_shards, per_group)
    for cell in first.cells:
        if out.prediction_path(cell).is_file():
            continue
        poses = []
        for number, indices in cut_chunks(n_images, per_group):
            shard = shards[owners[number, cell] - 1]
            try:
                poses += RunFolder(shard.path).read_unit(cell, number, data.truths[indices.start : indices.stop])
            except DamagedUnit as error:
                raise UserError(
                    f"{error}: run the command of shard {shard.shard} again, which makes it anew, then merge again"
                ) from error
        write_results(out.prediction_path(cell), poses, data.dataset.category_ids)
    out.drop_units(first.cells)  # of a run that was begun there without shards


def _write_beside(job: Job, about: About, summary: Mapping[str, Any]) -> Beside | None:
    """Write how scores stand beside a published row, if one was named; return it."""
    if about.expected is None:
        return None
    is_row = job.inputs is not None and job.inputs.row is not None
    differences = find_row(summary)[1] if is_row else list(about.differences)
    beside = Beside(compare_with_published(summary, about.expected), about.expected.source, list(differences))
    write_text(job.out / "comparison.md", write_comparison(*beside))
    return beside


def finish_merging(out: Path) -> bool:
    """Remove the shards of a run that a merge has finished, if they are still there; tell if the folder is such a run.

    A merge that was killed at the very end leaves them.
    """
    is_finished = (out / IDENTITY).is_file() and (out / "summary.json").is_file()
    if not is_finished or (list_shard_paths(out) and not (out / SHARDS / MERGED).is_file()):
        return False
    if (out / SHARDS).is_dir():
        with hold_folder(out):
            drop_shards(out)
    return True


def drop_shards(out: Path) -> None:
    """Remove the shards of a run folder, and nothing that bench did not make there. The mark goes last."""
    shards = out / SHARDS
    for path in sorted(filter(is_shard_path, shards.iterdir())):
        made = [*list_shard_files(path), path / ABOUT, path / NOTE, path / LOCK_NAME]
        for file in made:
            with writing_to(file):
                file.unlink(missing_ok=True)
        # A merge that was killed here has left folders without files.
        for place in [*path.glob("units/*"), path / "units", path]:
            with suppress(OSError):  # not there, or it holds something else
                place.rmdir()
    with writing_to(shards):
        (shards / MERGED).unlink(missing_ok=True)
    with suppress(OSError):
        shards.rmdir()
