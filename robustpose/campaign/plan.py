"""The plan of a campaign: every kind of run is opened and tried by its own command before the first one begins.

A mistake in a file, an option or data is found now and not after hours, and what the commands say of time and size
adds up to what the campaign says.
"""

from __future__ import annotations

import hashlib
import json
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pydantic import Field

from robustpose.amounts import about_time, count, count_bytes
from robustpose.campaign.jobs import Job, stop_all
from robustpose.campaign.named_files import find_files
from robustpose.campaign.order import Costs, Kind
from robustpose.campaign.runs import Run
from robustpose.config import Settings
from robustpose.errors import UserError
from robustpose.files import write_text
from robustpose.progress import Progress
from robustpose.reading import read_json

PLANS = "plans.json"  # in the campaign's folder
WAIT = 0.05  # seconds between two looks at jobs
STARTING = 4.0  # seconds that a command takes to be loaded, which its plan does not count


@dataclass(frozen=True)
class CampaignPlan:
    """What a campaign will do, and what is left of it."""

    n_trainings: int
    n_benches: int
    n_done: int
    n_jobs: int
    seconds: float | None  # for what is left; None where nothing is known
    n_bytes: int | None  # of all run folders when all is done

    def __str__(self) -> str:
        done = f"{self.n_done} of these runs are done, " if self.n_done else ""
        at_once = f", {self.n_jobs} at once" if self.n_jobs > 1 else ""
        takes = "time as of the first runs" if self.seconds is None else about_time(self.seconds)
        size = "" if self.n_bytes is None else f", {count_bytes(self.n_bytes)}"
        return (
            f"{count(self.n_trainings, 'training')}, {count(self.n_benches, 'bench', 'benches')}: "
            f"{done}{takes}{at_once}{size}"
        )


@dataclass(frozen=True)
class Tried:
    """What commands say of runs before they are done, by kind."""

    seconds: Mapping[Kind, float]
    n_bytes: Mapping[Kind, int]
    n_images: tuple[int, ...]  # that benches are of, each number once


class _Plan(Settings):
    """What a command says of a run, as it is remembered."""

    seconds: Annotated[float, Field(ge=0, le=1e10)] | None = None
    n_bytes: Annotated[int, Field(ge=0)] | None = None
    n_images: Annotated[int, Field(ge=0)] | None = None


def try_runs(
    runs: Sequence[Run],
    out: Path,
    networks: Mapping[str, str],
    n_jobs: int,
    gpus: Sequence[str],
    show: Callable[[Progress], None],
) -> Tried:
    """Return what the commands of runs say of them; UserError with the line of one that refuses.

    One run of each kind is tried, a bench with weights that are there or that its training begins with. What was tried
    before is remembered in the campaign's folder, if that is there.
    """
    firsts: dict[Kind, Run] = {}
    for run in runs:
        firsts.setdefault(run.kind, run)
    trainings = {run.training: run for run in firsts.values() if run.is_training}
    trial = _Trial(out, n_jobs, gpus, show, len(firsts))
    show(Progress(0, len(firsts), None))
    trial.do({run.kind: list(run.words) for run in trainings.values() if run.after is None}, firsts)
    benches = {}
    for run in firsts.values():
        if not run.is_training:
            model = _find_model(run, runs, out, networks, trainings.get(run.training))
            if model is not None:
                benches[run.kind] = [*run.words, *model]
    alike: dict[tuple[str, ...], Kind] = {}  # benches of the same words are tried once
    for kind, words in benches.items():
        alike.setdefault(tuple(words), kind)
    trial.do({kind: benches[kind] for kind in alike.values()}, firsts)
    found = trial.found | {kind: trial.found[alike[tuple(words)]] for kind, words in benches.items()}
    seconds = {kind: plan.seconds + STARTING for kind, plan in found.items() if plan.seconds is not None}
    sizes = {kind: plan.n_bytes for kind, plan in found.items() if plan.n_bytes is not None}
    n_images = dict.fromkeys(plan.n_images for plan in found.values() if plan.n_images is not None)
    return Tried(seconds, sizes, tuple(n_images))


class _Trial:
    """Commands that only say what they would do, some at once."""

    def __init__(
        self, out: Path, n_jobs: int, gpus: Sequence[str], show: Callable[[Progress], None], n_kinds: int
    ) -> None:
        self.found: dict[Kind, _Plan] = {}
        self._path = out / PLANS
        self._known = _read_plans(self._path)
        self._slots: list[str | None] = list(gpus[:n_jobs]) or [None] * min(n_jobs, n_kinds)
        self._show, self._n_kinds = show, n_kinds

    def do(self, wanted: Mapping[Kind, Sequence[str]], runs: Mapping[Kind, Run]) -> None:
        """Find the plans of kinds of runs, by their words."""
        with tempfile.TemporaryDirectory(prefix="robustpose-campaign-") as place:
            left: list[tuple[Kind, Sequence[str]]] = []
            running: dict[Kind, Job] = {}
            for kind, words in wanted.items():
                known = self._known.get(_hash_words(words))
                if known is None:
                    left.append((kind, words))
                else:
                    self.found[kind] = known
            try:
                while left or running:
                    while left and self._slots:
                        kind, words = left.pop(0)
                        base = Path(place) / str(len(left))
                        said = ["--out", str(base), "--dry-run", "--json", f"{base}.json"]
                        running[kind] = Job([*words, *said], base.with_suffix(".txt"), self._slots.pop())
                    for kind, job in list(running.items()):
                        if job.ended():
                            del running[kind]
                            self._slots.append(job.gpu)
                            self._take(kind, job, wanted[kind], runs[kind].name)
                    time.sleep(WAIT)
            finally:
                stop_all(list(running.values()))

    def _take(self, kind: Kind, job: Job, words: Sequence[str], name: str) -> None:
        """Take in what a command said of a kind of runs, and remember it."""
        if (problem := job.problem) is not None:
            raise UserError(f"{name}: {problem}")
        told = read_json(job.log.with_suffix(".json"), "plan")[0]["plan"]
        plan = _Plan.model_validate({field: told.get(field) for field in _Plan.model_fields})
        self.found[kind] = self._known[_hash_words(words)] = plan
        self._show(Progress(len(self.found), self._n_kinds, None, name))
        if self._path.parent.is_dir():
            known = {key: plan.model_dump() for key, plan in self._known.items()}
            write_text(self._path, json.dumps(known, indent=1) + "\n")


def make_plan(runs: Sequence[Run], left: Sequence[Run], costs: Costs, tried: Tried, n_jobs: int) -> CampaignPlan:
    """Return what there is to do, given what is left."""
    sizes = [tried.n_bytes.get(run.kind) for run in runs]
    alike = {run.bench: size for run, size in zip(runs, sizes, strict=True) if size is not None and not run.is_training}
    whole = [alike.get(run.bench) if size is None else size for run, size in zip(runs, sizes, strict=True)]
    return CampaignPlan(
        n_trainings=sum(run.is_training for run in runs),
        n_benches=sum(not run.is_training for run in runs),
        n_done=len(runs) - len(left),
        n_jobs=n_jobs,
        seconds=costs.guess_all(left, n_jobs),
        n_bytes=None if None in whole else sum(size for size in whole if size is not None),
    )


def _find_model(
    run: Run, runs: Sequence[Run], out: Path, networks: Mapping[str, str], training: Run | None
) -> Sequence[str] | None:
    """Return the words for the network that a bench is tried with; None where there are no weights yet."""
    if run.after is None:
        return []
    for other in runs:
        if other.kind == run.kind and (weights := other.weights(out)) is not None and weights.is_file():
            return other.takes(out, networks)
    if training is None or "--init" not in training.words:
        return None
    begins_with = training.words[training.words.index("--init") + 1]
    if begins_with == "demo":
        return ["--model", "demo"]
    network = networks[run.training]
    return ["--model", f"{network}:{begins_with}"] if _can_bench(network, Path(begins_with)) else None


def _can_bench(network: str, weights: Path) -> bool:
    """Tell whether a network can be benched with weights that a training takes: they or the zoo say its input."""
    from robustpose.models.weights import read_input_spec
    from robustpose.models.zoo import has_published_input

    return has_published_input(network) or read_input_spec(weights) is not None


def _read_plans(path: Path) -> dict[str, _Plan]:
    """Return what was remembered; nothing where that is damaged, for it can be found again."""
    try:
        stored = read_json(path, "plans")[0] if path.is_file() else {}
        return {str(key): _Plan.model_validate(plan) for key, plan in stored.items()}
    except (UserError, ValueError, AttributeError, TypeError):
        return {}


def _hash_words(words: Sequence[str]) -> str:
    """Return what tells trials apart: the words of a command, and the files that they name."""
    return hashlib.sha256(json.dumps([list(words), find_files(words)]).encode()).hexdigest()
