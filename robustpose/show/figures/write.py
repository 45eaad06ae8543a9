"""All figures of a set of runs, and their table: which can be drawn, and what is said of those that cannot."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from matplotlib.figure import Figure

from robustpose.corruptions.suites import COCO_C, cells_of
from robustpose.data.corrupted import CorruptedImages, MadeImages
from robustpose.data.spec import DataSpec
from robustpose.data.toy import ToyPeople
from robustpose.errors import UserError, spell_list
from robustpose.files import write_text
from robustpose.pose.protocols import Dataset
from robustpose.results.published import dataset_names, is_whole_dataset, published_rows
from robustpose.results.rows import severities_of
from robustpose.results.run_images import NOTHING, Trusted, find_corrupted_images, open_images
from robustpose.show.figures.curves import draw_curves, list_corruptions
from robustpose.show.figures.examples import (
    choose_image,
    choose_worst_cells,
    draw_examples,
    find_large_person,
    find_missing,
    read_found,
)
from robustpose.show.figures.families import draw_families
from robustpose.show.figures.images import open_noted
from robustpose.show.figures.overview import draw_overview
from robustpose.show.figures.paper import NONE, check_beside, choose_rows
from robustpose.show.figures.runs import Run, group_by_data, tell_data_apart
from robustpose.show.figures.severity_grid import draw_severity_grid
from robustpose.show.figures.style import paper_style, save_figure
from robustpose.show.tables import to_latex


@dataclass
class Written:
    """What was written to a folder, and a line about each thing that was left out or is not what one might expect."""

    out: Path
    paths: list[Path] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def save(self, figure: Figure, name: str) -> None:
        """Write a figure as PDF and PNG."""
        self.paths += save_figure(figure, self.out, name)

    @contextmanager
    def noting(self, loss: str) -> Iterator[None]:
        """Turn a UserError of the block into a note that begins with what is lost."""
        try:
            yield
        except UserError as error:
            self.notes.append(f"{loss}: {error}")


def write_figures(
    runs: Sequence[Run],
    out: Path,
    given: DataSpec | None = None,
    severity: int = 3,
    image: int | None = None,
    beside: str | None = None,
    trusted: Trusted = NOTHING,
) -> Written:
    """Write fig1, fig2, fig4, fig5 and fig6 as PDF and PNG, and table.tex, as far as the runs and images allow.

    They are called after the figures of the paper. The runs have the same metric and suite; `given` is where the images
    are, None for where the runs say. `severity` is that of figure 2, and of figure 6 if the runs have it; `image` is
    the index of the image of both: by default the first with a large person in 2, and in 6 the one on which the runs
    lose most. `choose_rows` takes `beside`. `trusted` is what of the run folders may be opened and run. Figures drawn
    before an error stay.
    """
    suite = runs[0].suite
    if severity not in suite.severities:
        raise UserError(f"--severity must be {spell_list(suite.severities, 'or')}, got {severity}")
    check_beside(beside)
    if suite != COCO_C and beside in dataset_names():
        raise UserError(f"--beside {beside} has no rows of suite {suite.name}: the paper measured with {COCO_C.name}")
    if (out / "run.json").is_file() or out.resolve() in [run.folder.resolve() for run in runs]:
        raise UserError(f"{out} is a run folder, whose table.tex would be overwritten: choose another --out")
    written = Written(out)
    groups = group_by_data(runs)
    with paper_style():
        _write_figures_1_and_5(groups, beside if suite == COCO_C else NONE, written)
        if len(groups) == 1:
            _write_figure_4(runs, written)
            _write_table(runs, written)
        else:
            first, second = groups[0][0], groups[1][0]
            written.notes.append(
                f"fig4, fig6 and table.tex are left out: they need runs on the same data, but those of {first.folder} "
                f"and {second.folder} differ ({tell_data_apart(first, second)}); draw them apart"
            )
        dataset = _open_data(groups, given, trusted, written)
        corrupted_images = _find_corrupted_images(groups[0], trusted, written) if dataset is not None else {}
        _write_figure_2(runs[0], dataset, corrupted_images, severity, image, written)
        if len(groups) == 1 and dataset is not None:
            kept = [run for run in runs if run.folder in corrupted_images]
            _write_figure_6(kept, dataset, corrupted_images, severity, image, written)
    return written


def _write_figures_1_and_5(groups: Sequence[Sequence[Run]], beside: str | None, written: Written) -> None:
    """Write the overview and the families, of the runs that have a mean of their suite, such as mPC."""
    complete = [kept for runs in groups if (kept := [run for run in runs if run.mean.value is not None])]
    for run in itertools.chain(*groups):
        if run.mean.value is None:
            written.notes.append(
                f"fig1 and fig5 are without {run.folder}: {run.mean.label} needs all {run.suite.n_cells} cells and "
                f"it has {len(run.cells) - 1}; bench it with --corruptions all"
            )
    if not complete:
        return
    for runs in complete:
        if beside != NONE and not choose_rows(runs, beside):
            metric = runs[0].score_name
            others = [name for name in dataset_names() if published_rows(name, metric)] if beside is None else []
            hint = f"; --beside {others[0]} draws its models on that dataset all the same" if others else ""
            written.notes.append(
                f"fig1 and fig5 show the runs on {runs[0].data_name} alone: the paper has no {metric} on "
                f"{beside or 'these data'}{hint}"
            )
        elif beside != NONE and not is_whole_dataset(runs[0].summary):
            written.notes.append(
                f"fig1 and fig5: the runs are on {runs[0].data_name}, the paper's models on all images: "
                "not the same measurement"
            )
    written.save(draw_overview(complete, beside), "fig1")
    written.save(draw_families(complete, beside), "fig5")


def _write_figure_4(runs: Sequence[Run], written: Written) -> None:
    """Write the curves over severities."""
    if not list_corruptions(runs):
        written.notes.append("fig4 is left out: the runs have clean images only; bench them with --corruptions all")
        return
    for run in runs:
        lacking = [name for name in list_corruptions(runs) if name not in run.summary["corruptions"]]
        if lacking:
            more = f" and {len(lacking) - 1} more" if len(lacking) > 1 else ""
            written.notes.append(f"fig4 has no line of {run.folder} for {lacking[0]}{more}: it was not benched there")
    written.save(draw_curves(runs), "fig4")


def _write_table(runs: Sequence[Run], written: Written) -> None:
    severities = [severities_of(run.summary) for run in runs]
    different = [run for run, own in zip(runs, severities, strict=True) if own != severities[0]]
    if different:
        written.notes.append(
            f"table.tex is left out: its columns are means over severities, and {runs[0].folder} and "
            f"{different[0].folder} have different ones; bench them with the same --severities"
        )
        return
    written.paths.append(written.out / "table.tex")
    write_text(written.paths[-1], to_latex(*(run.summary for run in runs), labels=[run.label for run in runs]))


def _open_data(
    groups: Sequence[Sequence[Run]], given: DataSpec | None, trusted: Trusted, written: Written
) -> Dataset | None:
    """Return the dataset of the first group of runs, or None."""
    if given is not None:
        return open_images(groups[0][0].folder, groups[0][0].summary, given)
    no_examples = "fig6 is left out, and " if len(groups) == 1 else ""
    with written.noting(f"{no_examples}fig2 shows an image of the toy data"):
        return open_noted(groups[0], trusted)
    return None


def _find_corrupted_images(runs: Sequence[Run], trusted: Trusted, written: Written) -> dict[Path, CorruptedImages]:
    """Return where the corrupted images of runs come from, by run folder, as far as that is known."""
    corrupted_images: dict[Path, CorruptedImages] = {}
    for run in runs:
        with written.noting(f"fig6 is without {run.folder}"):
            corrupted_images[run.folder] = find_corrupted_images(run.folder, run.summary["provenance"], trusted)
    return corrupted_images


def _write_figure_2(
    run: Run,
    dataset: Dataset | None,
    corrupted_images: Mapping[Path, CorruptedImages],
    severity: int,
    image: int | None,
    written: Written,
) -> None:
    """Write one image, of the toy data without a dataset, under every corruption of the run's suite."""
    shown: Dataset = ToyPeople() if dataset is None else dataset
    if image is not None and not 0 <= image < len(shown):
        raise UserError(f"--image must be 0 to {len(shown) - 1}, got {image}")
    frame = shown.frame(find_large_person(shown) if image is None else image)
    cells = cells_of(run.suite.corruptions, [severity])
    source: CorruptedImages = MadeImages(0)
    with written.noting("fig2 shows corruptions made with --seed 0"):
        found = next(iter(corrupted_images.values()), MadeImages())
        found.check(cells, [frame])
        source = found
    written.save(draw_severity_grid(frame, source, cells), "fig2")


def _write_figure_6(
    runs: Sequence[Run],
    dataset: Dataset,
    corrupted_images: Mapping[Path, CorruptedImages],
    severity: int,
    image: int | None,
    written: Written,
) -> None:
    """Write the skeletons that the runs found in one image, clean and where they lose most."""
    if not runs:
        return
    try:
        cells = choose_worst_cells(runs, severity)
    except UserError as error:
        written.notes.append(f"fig6 is left out: {error}")
        return
    missing = {run.folder: find_missing(run, cells) for run in runs}
    for folder, path in missing.items():
        if path is not None:
            written.notes.append(f"fig6 is without {folder}: {path} is missing; start the same bench again")
    kept = [run for run in runs if missing[run.folder] is None]
    if not kept:
        return
    founds = [read_found(run, cells, dataset.skeleton) for run in kept]
    index = choose_image(dataset, cells, founds) if image is None else image
    try:
        for run in kept:
            corrupted_images[run.folder].check(cells, [dataset.frame(index)])
    except UserError as error:
        written.notes.append(f"fig6 is left out: {error}")
        return
    if cells[-1].severity != severity:
        written.notes.append(f"fig6 shows severity {cells[-1].severity}: the runs do not have {severity}")
    written.save(draw_examples(kept, dataset, corrupted_images, index, cells, founds), "fig6")
