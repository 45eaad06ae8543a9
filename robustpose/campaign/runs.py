"""The runs of a campaign: each a command, its folder, and the run that has to be there before."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from robustpose.campaign.file import Campaign
from robustpose.campaign.method_names import call_method, list_ways
from robustpose.campaign.words import fill_seed, merge_options, spell_options

TRAINING = "training"  # the folder of a training, beside those of its benches
WEIGHTS = "model.safetensors"  # of a training's folder, written at its end
SUMMARY = "summary.json"  # of a bench's folder, written at its end


@dataclass(frozen=True)
class Run:
    """One command: a training, or a bench of what one made."""

    training: str
    seed: int
    suite: str | None  # None for a training
    way: str | None
    words: tuple[str, ...]  # the command's, but for folders and for weights that another run makes
    folder: Path  # relative to that of the campaign
    after: Path | None  # folder of the run whose weights it takes
    place: tuple[int, int, int]  # of its seed, its training, and itself among the benches of that, as in the file
    files: tuple[str, ...] = ()  # that its settings name, as a recipe does, besides its words

    @property
    def is_training(self) -> bool:
        """Tell whether it is a training."""
        return self.suite is None

    @property
    def bench(self) -> str | None:
        """Return what a bench is called: `coco-c`, or `coco-c (bn)`; None for a training."""
        return None if self.suite is None else call_method(self.suite, self.way)

    @property
    def name(self) -> str:
        """Return what messages call it: `advmix, seed 1, coco-c (bn)`."""
        return ", ".join(filter(None, (self.training, f"seed {self.seed}", self.bench)))

    @property
    def kind(self) -> tuple[str, str | None]:
        """Return what runs with other seeds have in common with it."""
        return self.training, self.bench

    def command(self, out: Path, networks: Mapping[str, str]) -> list[str]:
        """Return the words of `robustpose`, given the folder of the campaign and the network of each training."""
        return [*self.words, *self.takes(out, networks), "--out", str(out / self.folder)]

    def product(self, out: Path) -> Path:
        """Return the file that is there when it is done."""
        return out / self.folder / (WEIGHTS if self.is_training else SUMMARY)

    def weights(self, out: Path) -> Path | None:
        """Return the file of weights that another run makes for it."""
        return None if self.after is None else out / self.after / WEIGHTS

    def takes(self, out: Path, networks: Mapping[str, str]) -> list[str]:
        """Return the words for the weights that another run makes; none where it takes no such."""
        weights = self.weights(out)
        if weights is None:
            return []
        return ["--init", str(weights)] if self.is_training else ["--model", f"{networks[self.training]}:{weights}"]


@dataclass(frozen=True)
class Trained:
    """What the settings of a training say: which network it makes, and the files that they name besides its words."""

    network: str
    files: tuple[str, ...] = ()


def list_runs(campaign: Campaign) -> list[Run]:
    """Return all runs, seed by seed, each training before its benches and before those that begin with its weights."""
    runs = []
    for of_seed, seed in enumerate(campaign.seeds):
        for name in _order_trainings(campaign):
            training, of_training = campaign.trainings[name], list(campaign.trainings).index(name)
            base = Path("runs") / name / f"seed-{seed}"
            after: Path | None = base / TRAINING
            model: list[str] = []
            if training.model is not None:
                after, model = None, ["--model", training.model]
            else:
                options = merge_options(campaign.train, training.options, {"set": {"seed": seed}})
                words = fill_seed(["train", *spell_options(options)], seed)
                before = training.begins_with
                source = None if before is None else Path("runs") / before / f"seed-{seed}" / TRAINING
                place = (of_seed, of_training, -1)
                runs.append(Run(name, seed, None, None, tuple(words), base / TRAINING, source, place))
            number = 0
            for way, options in zip(list_ways(campaign.ways), campaign.ways.values(), strict=True):
                for suite in campaign.suites:
                    of_bench = spell_options(merge_options(campaign.bench, options))
                    words = fill_seed(["bench", *model, "--suite", suite, *of_bench], seed)
                    folder = base / (suite if way is None else f"{suite} {way}")
                    runs.append(
                        Run(name, seed, suite, way, tuple(words), folder, after, (of_seed, of_training, number))
                    )
                    number += 1
    return runs


def _order_trainings(campaign: Campaign) -> list[str]:
    """Return the names of trainings as in the file, but for those that begin with another one, which come behind it."""
    ordered: list[str] = []
    for name in campaign.trainings:
        chain = [name]
        while (before := campaign.trainings[chain[-1]].begins_with) is not None:
            chain.append(before)
        ordered += [one for one in reversed(chain) if one not in ordered]
    return ordered


def spell_setup(campaign: Campaign) -> Iterator[tuple[str, str]]:
    """Yield how runs are made: what all trainings have, what each has beside it, what all benches have, ways of use."""
    yield "all trainings", shlex.join(spell_options(campaign.train))
    for name, training in campaign.trainings.items():
        if training.model is not None:
            yield name, shlex.join(["--model", training.model])
        else:
            before = [] if training.begins_with is None else ["--init", f"that of {training.begins_with}"]
            yield name, shlex.join([*before, *spell_options(training.options)])
    yield "all benches", shlex.join(spell_options(campaign.bench))
    for way, options in campaign.ways.items():
        if options:
            yield f"benches ({way})", shlex.join(spell_options(options))


def spell_command(words: Sequence[str]) -> str:
    """Return a command as a shell takes it.

    >>> spell_command(["train", "--out", "my runs/a"])
    "robustpose train --out 'my runs/a'"
    """
    return shlex.join(["robustpose", *words])
