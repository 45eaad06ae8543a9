"""The options that several commands have, in groups, and what their words stand for."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ClassVar

import typer

from robustpose.cli.help import ADVANCED, CORRUPTIONS, DATA, OUTPUT, SPEED
from robustpose.data.official import SETS
from robustpose.errors import UserError, quote, spell_list
from robustpose.printing import print_aside

if TYPE_CHECKING:
    from robustpose.corruptions.suites import Suite
    from robustpose.data.spec import DataSpec
    from robustpose.fresh import StartOver
    from robustpose.pose.cell import Cell
    from robustpose.results.run_images import Trusted

_SETS = spell_list(SETS, "or")


@dataclass(frozen=True)
class ImageOptions:
    """Which images."""

    panel: ClassVar = DATA

    data: Annotated[str | None, typer.Option(help=f"toy; {_SETS}; or package.module:attr.")] = None
    root: Annotated[Path | None, typer.Option(help=f"Folder that holds the official files of --data {_SETS}.")] = None
    split: Annotated[str | None, typer.Option(help=f"Of --data toy, {_SETS}; by default the one that is benched.")] = (
        None
    )
    annotations: Annotated[Path | None, typer.Option(help="COCO keypoint JSON, any skeleton.")] = None
    images: Annotated[Path | None, typer.Option(help="Folder of its images.")] = None
    category: Annotated[
        str | None, typer.Option(help="Of --annotations: name or id of the category; all takes all with keypoints.")
    ] = None
    area: Annotated[
        str | None, typer.Option(help="Of people in --annotations: annotated (the default), or box, width x height.")
    ] = None
    parts: Annotated[
        str | None, typer.Option(help="Of COCO-WholeBody: body (the default, 17 joints), or wholebody (133).")
    ] = None
    visibility: Annotated[
        str | None, typer.Option(help="Of joints: flags (0, 1, 2; the default), or fractions: annotated if above 0.")
    ] = None
    limit: Annotated[int | None, typer.Option(help="Use the first images only.")] = None
    exif: Annotated[
        str | None,
        typer.Option(
            help="If EXIF turns images of one's own: apply, to turn them as viewers do, or ignore, to read them as "
            "they are stored; by default as the annotated sizes say."
        ),
    ] = None

    @property
    def is_given(self) -> bool:
        """Return whether there is any of these options."""
        return any(value is not None for value in vars(self).values())

    def describe(self) -> DataSpec:
        """Return the description of the data; options that contradict each other are an error."""
        from robustpose.data.spec import describe_data

        fields = dict(vars(self))
        return describe_data({"name": fields.pop("data"), **fields})


@dataclass(frozen=True)
class DataOptions(ImageOptions):
    """Which images, and how they are looked at and scored."""

    boxes: Annotated[
        str | None,
        typer.Option(help="gt; clean-det:FILE, COCO detections on clean images; corrupt-det:DIR, a file per cell."),
    ] = None
    metric: Annotated[
        str | None,
        typer.Option(help="One of robustpose list metrics, such as pck:box@0.2; by default the dataset's own."),
    ] = None
    skeleton: Annotated[Path | None, typer.Option(help="YAML with OKS sigmas, for joints not COCO's.")] = None
    only_with_people: Annotated[
        bool | None,
        typer.Option(
            "--only-with-people/--all-images", help="Leave out images in which nobody is annotated, or do not."
        ),
    ] = None


@dataclass(frozen=True)
class CorruptionOptions:
    """Which cells, and how their images are made."""

    panel: ClassVar = CORRUPTIONS

    suite: Annotated[
        str, typer.Option(help="Suite of corruptions: coco-c or held-out; see robustpose list corruptions.")
    ] = "coco-c"
    corruptions: Annotated[
        str,
        typer.Option(
            help="all of the suite; groups of it (noise, blur, weather, digital); names of corruptions or of other "
            "suites; package.module:function; none; with commas."
        ),
    ] = "all"
    severities: Annotated[
        str | None, typer.Option(help="Severities of the suite, such as 1,3,5, with commas; by default all.")
    ] = None
    seed: Annotated[
        str | None,
        typer.Option(help="release (as the published benchmark; the default), or a number for independent noise."),
    ] = None
    frost: Annotated[Path | None, typer.Option(help="Folder of frost textures; the first five are used.")] = None

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

    panel: ClassVar = ADVANCED

    trust: Annotated[
        bool, typer.Option("--trust", help="Open the files that DIR names, though you did not make it on this machine.")
    ] = False
    corruptions: Annotated[
        str | None,
        typer.Option(
            help="Own corruptions of the run, package.module:function with commas, to be run for their images."
        ),
    ] = None

    @property
    def trusted(self) -> Trusted:
        """Return what may be opened and run."""
        from robustpose.results.run_images import Trusted

        return Trusted(self.trust, tuple(split_words(self.corruptions or "")))


@dataclass(frozen=True)
class WorkerOptions:
    """How many processes share the work."""

    panel: ClassVar = SPEED

    workers: Annotated[int | None, typer.Option(help="Processes; by default one per core.")] = None

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
        int, typer.Option(help="Resamples of the images, for 95 % intervals and slices; 0 for neither.")
    ] = 1000


@dataclass(frozen=True)
class FreshOptions:
    """Whether a command goes on with what it finds in its folder."""

    panel: ClassVar = OUTPUT

    fresh: Annotated[
        bool,
        typer.Option("--fresh", help="Start over: first remove what this command made in --out, and nothing else."),
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
