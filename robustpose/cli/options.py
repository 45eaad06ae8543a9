"""The options that several commands have, in groups, and what their words stand for."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ClassVar

import typer

from robustpose.cli.completion import complete, complete_list, list_corruptions, list_suites
from robustpose.cli.help import ADVANCED, CLUSTER, CORRUPTIONS, OUTPUT, SPEED
from robustpose.errors import UserError, quote
from robustpose.printing import print_aside

if TYPE_CHECKING:
    from robustpose.corruptions.suites import Suite
    from robustpose.fresh import StartOver
    from robustpose.pose.cell import Cell
    from robustpose.results.run_images import Trusted
    from robustpose.work import Engine

# --out of the commands that begin a run.
RunFolderOption = Annotated[
    Path,
    typer.Option(
        metavar="DIR", rich_help_panel=OUTPUT, help="Folder of the run. The same command goes on where it was stopped."
    ),
]


@dataclass(frozen=True)
class CorruptionOptions:
    """Which cells, and how their images are made."""

    panel: ClassVar[str] = CORRUPTIONS

    suite: Annotated[
        str,
        typer.Option(
            metavar="NAME",
            autocompletion=complete(list_suites),
            help="Suite of corruptions, by its name: see robustpose list suites.",
        ),
    ] = "coco-c"
    corruptions: Annotated[
        str,
        typer.Option(
            metavar="NAMES",
            autocompletion=complete_list(list_corruptions),
            help="With commas: all of the suite; groups of it, such as noise; single ones, also of other "
            "suites; your own, package.module:function; or none. See robustpose list corruptions.",
        ),
    ] = "all"
    severities: Annotated[
        str | None, typer.Option(metavar="N,N,…", show_default="all of the suite", help="Severities, such as 1,3,5.")
    ] = None
    seed: Annotated[
        str | None,
        typer.Option(
            metavar="release|N",
            autocompletion=complete(lambda: ("release",)),
            rich_help_panel=ADVANCED,
            show_default="release",
            help="Random numbers of the corruptions: as the published benchmark drew them, or independent ones.",
        ),
    ] = None
    frost: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            rich_help_panel=ADVANCED,
            show_default="as installed",
            help="Folder of frost textures; the first five are used.",
        ),
    ] = None

    def choose_cells(self) -> tuple[Suite, tuple[Cell, ...]]:
        """Return the suite, and the cells, clean first."""
        from robustpose.corruptions.suites import choose_cells, find_suite

        suite, severities = find_suite(self.suite), parse_severities(self.severities)
        words = split_words(self.corruptions)
        if not words:  # an empty variable of a script, say
            raise UserError(f"--corruptions must name some, got '{self.corruptions}': none is for clean images only")
        return suite, choose_cells(words, severities, suite)


@dataclass(frozen=True)
class TrustOptions:
    """What of a run folder may be opened and run."""

    panel: ClassVar[str] = ADVANCED

    trust: Annotated[
        bool, typer.Option("--trust", help="Open the files that the run names, though it was not made on this machine.")
    ] = False
    corruptions: Annotated[
        str | None,
        typer.Option(
            metavar="NAMES",
            help="Run these corruptions of the run's own, package.module:function with commas, for their images.",
        ),
    ] = None

    @property
    def trusted(self) -> Trusted:
        """Return what may be opened and run."""
        from robustpose.results.run_images import Trusted

        return Trusted(self.trust, tuple(split_words(self.corruptions or "")))


@dataclass(frozen=True)
class WorkerOptions:
    """Who shares the work: processes of this machine, or workers on a cluster, to which it is connected here."""

    panel: ClassVar[str] = SPEED

    workers: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            show_default="one per core",
            help="Processes that share the work; on a cluster at most so many workers.",
        ),
    ] = None
    engine_name: Annotated[
        str,
        typer.Option(
            "--engine",
            metavar="NAME",
            rich_help_panel=CLUSTER,
            autocompletion=complete(lambda: ("processes", "ray", "ray:auto")),
            help="Who shares the work: processes of this machine; ray, a cluster that runs here or is started for the "
            "command; ray:auto, one that runs; ray:HOST:PORT, its head. See docs/guides/cluster.md.",
        ),
    ] = "processes"
    cpus_per_worker: Annotated[
        float | None,
        typer.Option(metavar="N", rich_help_panel=CLUSTER, show_default="1", help="Cores that a worker on Ray takes."),
    ] = None
    gpus_per_worker: Annotated[
        float | None,
        typer.Option(
            metavar="N",
            rich_help_panel=CLUSTER,
            show_default="0",
            help="GPUs that a worker on Ray takes, such as 0.25.",
        ),
    ] = None
    ship: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            rich_help_panel=CLUSTER,
            show_default="nothing",
            help="Folder that goes to all nodes of Ray, in which your package.module:attr is found, here too.",
        ),
    ] = None
    shared_files: Annotated[
        bool,
        typer.Option(
            "--shared-files",
            rich_help_panel=CLUSTER,
            help="Nodes of Ray see the same files under the same paths, so images and models need not be sent.",
        ),
    ] = False

    def __enter__(self) -> None:
        """Look for modules in the folder that is sent to the nodes first, as they do. Who needs the engine gets it."""
        if self.ship is not None:
            sys.path.insert(0, str(self.ship.absolute()))

    def __exit__(self, *error: object) -> None:
        """End the connection to a cluster."""
        if self.ship is not None:
            sys.path.remove(str(self.ship.absolute()))
        if self.is_on_cluster and "engine" in vars(self):
            self.engine.close()  # type: ignore[attr-defined]

    @property
    def is_on_cluster(self) -> bool:
        """Return whether something is given that only makes sense on a cluster."""
        others = self.cpus_per_worker, self.gpus_per_worker, self.ship, self.shared_files or None
        return self.engine_name != "processes" or any(value is not None for value in others)

    @cached_property
    def engine(self) -> Engine:
        """Return who shares the work."""
        if not self.is_on_cluster:
            from robustpose.work import Processes

            return Processes(self.n_workers)
        from robustpose.cluster.engines import make_engine
        from robustpose.cluster.ray_cluster import Place

        if self.engine_name == "processes":
            given = {
                "--cpus-per-worker": self.cpus_per_worker,
                "--gpus-per-worker": self.gpus_per_worker,
                "--ship": self.ship,
                "--shared-files": self.shared_files or None,
            }
            misplaced = next(name for name, value in given.items() if value is not None)
            raise UserError(f"{misplaced} goes with --engine ray: processes of this machine share all that it has")
        cpus = 1.0 if self.cpus_per_worker is None else self.cpus_per_worker
        place = Place(None, cpus, self.gpus_per_worker or 0.0, self.ship, self.shared_files)
        return make_engine(self.engine_name, self.workers, place)

    @property
    def n_workers(self) -> int:
        """Return the number that is asked for, or that of the cores that this process may use."""
        if self.workers is not None:
            return self.workers
        from robustpose.processes import count_cores

        return count_cores()


@dataclass(frozen=True)
class ScoringOptions(WorkerOptions):
    """How many processes share the work, and how often the images are resampled."""

    resamples: Annotated[
        int,
        typer.Option(
            metavar="N",
            rich_help_panel=ADVANCED,
            help="Resamples of the images, for 95 % intervals and slices; 0 for neither.",
        ),
    ] = 1000


@dataclass(frozen=True)
class FreshOptions:
    """Whether a command goes on with what it finds in its folder."""

    panel: ClassVar[str] = OUTPUT

    fresh: Annotated[
        bool, typer.Option("--fresh", help="Start over: first remove what this command made in --out, nothing else.")
    ] = False

    def start_over(self, *inputs: Path | None) -> StartOver | None:
        """Return what is asked for, given what the command reads; None to go on."""
        from robustpose.fresh import StartOver

        return StartOver(print_aside, [path for path in inputs if path is not None]) if self.fresh else None


def split_words(text: str) -> list[str]:
    """Return the words between commas."""
    return [word.strip() for word in text.split(",") if word.strip()]


def parse_severities(text: str | None) -> list[int] | None:
    """Return the numbers between commas, one or more; None for None."""
    if text is None:
        return None
    try:
        return [int(word) for word in split_words(text)] or [int(text)]
    except ValueError as error:
        raise UserError(f"--severities must be numbers with commas, such as 1,3,5, got '{text}'") from error


def parse_seed(text: str | None) -> str | int:
    """Return ``"release"``, which is the default, or the number that is the seed."""
    if text in (None, "release"):
        return "release"
    try:
        seed = int(text)
    except ValueError as error:
        raise UserError(f"--seed must be 'release' or a whole number, got '{text}'") from error
    if abs(seed) >= 2**63:  # as in settings
        raise UserError(f"--seed must be of at most 18 digits, got {quote(seed)}")
    return seed
