"""All figures of a set of runs, and their table: which can be drawn, and what is said of those that cannot."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from pathlib import Path

from robustpose.corruptions.suites import COCO_C, cells_of
from robustpose.data.corrupted import CorruptedImages, MadeImages
from robustpose.data.people import frame_to_corrupt
from robustpose.data.spec import DataSpec
from robustpose.data.toy import ToyPeople
from robustpose.files import write_text
from robustpose.pose.protocols import Dataset
from robustpose.results.published import dataset_names, is_whole_dataset, published_rows
from robustpose.results.rows import severities_of
from robustpose.results.run_images import NOTHING, Trusted, find_corrupted_images, open_images
from robustpose.show.figures.curves import draw_curves, list_corruptions
from robustpose.show.figures.examples import find_large_person
from robustpose.show.figures.families import draw_families
from robustpose.show.figures.images import open_noted
from robustpose.show.figures.overview import draw_overview
from robustpose.show.figures.pairs import pair_runs
from robustpose.show.figures.paper import NONE, choose_rows
from robustpose.show.figures.paper_form import write_gains
from robustpose.show.figures.ratio_bars import draw_ratio_bars, make_run_bars
from robustpose.show.figures.runs import Run, group_by_data, tell_data_apart
from robustpose.show.figures.severity_grid import draw_severity_grid
from robustpose.show.figures.style import paper_style
from robustpose.show.figures.truth_beside import choose_cells
from robustpose.show.figures.wanted import Wanted
from robustpose.show.figures.write_examples import Opened, write_examples, write_truth_beside
from robustpose.show.figures.written import Written
from robustpose.show.replacing import check_no_run, follow
from robustpose.show.tables import to_latex


def write_figures(
    runs: Sequence[Run],
    out: Path,
    given: DataSpec | None = None,
    wanted: Wanted | None = None,
    trusted: Trusted = NOTHING,
) -> Written:
    """Write fig1, fig2, fig4, fig5 and fig6 as PDF and PNG, and table.tex, as far as the runs and images allow.

    They are called after the figures of the paper; fig1_gain, fig4a_gain, fig4b_gain, fig5_bars and fig6_truth have the
    form of the paper's own. The runs have the same metric and suite; `given` is where the images are, None for where
    the runs say. `trusted` is what of the run folders may be opened and run. Figures drawn before an error stay.
    """
    wanted = wanted or Wanted()
    wanted.check(runs[0].suite)
    check_no_run(out, "--out")
    written = Written(out)
    written.check()
    pairs = pair_runs(runs, wanted.pairs, written.notes)
    cells = choose_cells(runs, wanted, written.notes)
    groups = group_by_data(runs)
    dataset = _open_data(groups, given, trusted, written)
    shown: Dataset = ToyPeople() if dataset is None else dataset
    wanted.check_image(len(shown))
    with paper_style():
        _write_figures_1_and_5(groups, wanted.beside if runs[0].suite == COCO_C else NONE, written)
        write_gains(runs, pairs, written)
        if len(groups) == 1:
            _write_figure_4(runs, written)
            _write_table(runs, written)
        else:
            first, second = groups[0][0], groups[1][0]
            written.notes.append(
                f"fig4, fig6, fig6_truth and table.tex are left out: they need runs on the same data, but those of "
                f"{first.folder} and {second.folder} differ ({tell_data_apart(first, second)}); draw them apart"
            )
        corrupted_images = _find_corrupted_images(groups[0], trusted, written) if dataset is not None else {}
        _write_figure_2(runs[0], shown, corrupted_images, wanted, written)
        if len(groups) == 1 and dataset is not None and runs[0].suite.ratio_name:
            opened = Opened(dataset, corrupted_images)
            kept = opened.keep(runs)
            if kept:
                write_examples(kept, opened, wanted, written)
                write_truth_beside(kept, cells, opened, wanted, written)
    return written


def _write_figures_1_and_5(groups: Sequence[Sequence[Run]], beside: str | None, written: Written) -> None:
    """Write the overview and the families, of the runs that have a mean of their suite, such as mPC."""
    if any(not run.suite.ratio_name for run in itertools.chain(*groups)):
        written.notes.append(
            "fig1, fig5, fig5_bars, fig6 and fig6_truth are left out: they show clean scores and annotated people, and "
            "consistency is 1 on clean images by definition, and needs no annotations"
        )
        return
    complete = [kept for runs in groups if (kept := [run for run in runs if run.mean.value is not None])]
    for run in itertools.chain(*groups):
        if run.mean.value is None:
            written.notes.append(
                f"fig1, fig5 and fig5_bars are without {run.folder}: {run.mean.label} needs all {run.suite.n_cells} "
                f"cells and it has {len(run.cells) - 1}; bench it with --corruptions all"
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
    written.save(draw_ratio_bars(make_run_bars(complete)), "fig5_bars")


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
    write_text(follow(written.paths[-1]), to_latex(*(run.summary for run in runs), labels=[run.label for run in runs]))


def _open_data(
    groups: Sequence[Sequence[Run]], given: DataSpec | None, trusted: Trusted, written: Written
) -> Dataset | None:
    """Return the dataset of the first group of runs, or None."""
    if given is not None:
        return open_images(groups[0][0].folder, groups[0][0].summary, given)
    no_examples = "fig6 is left out, fig6_truth too, and " if len(groups) == 1 else ""
    with written.noting(f"{no_examples}fig2 shows an image of the toy data"):
        return open_noted(groups[0], trusted)
    return None


def _find_corrupted_images(runs: Sequence[Run], trusted: Trusted, written: Written) -> dict[Path, CorruptedImages]:
    """Return where the corrupted images of runs come from, by run folder, as far as that is known."""
    corrupted_images: dict[Path, CorruptedImages] = {}
    for run in runs:
        with written.noting(f"fig6 and fig6_truth are without {run.folder}"):
            corrupted_images[run.folder] = find_corrupted_images(run.folder, run.summary["provenance"], trusted)
    return corrupted_images


def _write_figure_2(
    run: Run, shown: Dataset, corrupted_images: Mapping[Path, CorruptedImages], wanted: Wanted, written: Written
) -> None:
    """Write one image under every corruption of the run's suite."""
    frame = frame_to_corrupt(shown, find_large_person(shown) if wanted.image is None else wanted.image)
    cells = cells_of(run.suite.corruptions, [wanted.severity])
    source: CorruptedImages = MadeImages(0)
    with written.noting("fig2 shows corruptions made with --seed 0"):
        found = next(iter(corrupted_images.values()), MadeImages())
        found.check(cells, [frame])
        source = found
    written.save(draw_severity_grid(frame, source, cells), "fig2")
