"""Outcome: what a campaign has found: its runs, and its methods side by side, on all images and on parts of them.

A method is a training in one way of use, such as `advmix` and `advmix (bn)`; its trainings differ in their seeds.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from robustpose.results.across import AcrossSuites
from robustpose.results.compared import Comparison

State = Literal["done", "running", "waiting", "failed"]
ALL_IMAGES = "all images"


@dataclass(frozen=True)
class RunState:
    """One run of a campaign: a training, or a bench of what it made."""

    training: str
    seed: int
    bench: str | None  # such as `coco-c` or `coco-c (bn)`; None for the training itself
    state: State
    folder: Path  # of the run, relative to the campaign's
    note: str = ""  # why it failed
    scores: str = ""  # of a bench that is done, in percent: `AP* 46.5, mPC 31.2`

    def to_json(self) -> dict[str, Any]:
        """Return what results.json holds of it."""
        return {**vars(self), "folder": self.folder.as_posix()}


@dataclass(frozen=True)
class PairOutcome:
    """Two methods side by side: the other one less the reference."""

    name: str  # such as `generator`, or `generator (bn)`
    by_suite: tuple[Comparison, ...]  # two groups of trainings each, the reference first, with groups and corruptions

    def to_json(self) -> dict[str, Any]:
        """Return what results.json holds of it."""
        return {"name": self.name, "by_suite": [comparison.to_json() for comparison in self.by_suite]}


@dataclass(frozen=True)
class PartOutcome:
    """All methods on some of the images."""

    name: str  # `all images`, or what the part is called
    places: str  # of the images, as `results.parts` reads them; empty for all
    n_images: int
    across: AcrossSuites  # methods by suites; the first method is the reference
    pairs: tuple[PairOutcome, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return what results.json holds of it."""
        plain = {"name": self.name, "places": self.places, "n_images": self.n_images}
        return {**plain, "across": self.across.to_json(), "pairs": [pair.to_json() for pair in self.pairs]}


@dataclass(frozen=True)
class Outcome:
    """All of it."""

    name: str  # of the campaign
    runs: tuple[RunState, ...]
    parts: tuple[PartOutcome, ...]  # all images first; none while nothing can be compared
    notes: tuple[str, ...] = ()  # such as what is left out, and why
    # How trainings and benches were made: what all trainings have, what each has, what all benches have, ways of use.
    setup: tuple[tuple[str, str], ...] = ()  # a name, and options of the command

    def to_json(self) -> dict[str, Any]:
        """Return what results.json holds."""
        return {
            "campaign": self.name,
            "notes": self.notes,
            "setup": [{"name": name, "options": options} for name, options in self.setup],
            "runs": [run.to_json() for run in self.runs],
            "parts": [part.to_json() for part in self.parts],
        }
