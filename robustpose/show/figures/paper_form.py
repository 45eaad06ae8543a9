"""Figures 1, 4 and 5 in the form that they have in the paper, from pairs of runs, or from its own printed numbers."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from robustpose.corruptions.suites import COCO_C
from robustpose.show.figures.gain_bars import draw_corruption_gains, draw_severity_gains
from robustpose.show.figures.gain_overview import draw_gain_overview
from robustpose.show.figures.pairs import Pair, Panels, pair_published_networks, pair_published_trainings
from robustpose.show.figures.ratio_bars import draw_ratio_bars, list_published_bars
from robustpose.show.figures.runs import Run
from robustpose.show.figures.style import paper_style
from robustpose.show.figures.written import Written

NOT_PRINTED = (
    "fig4b_gain_published is left out: the paper prints no scores by severity",
    "fig4a_gain_published is of Table 4: of other hardened networks the paper prints no scores by corruption",
    "fig2 and fig6_truth have no published form: they are images, and need runs",
)


def write_published(out: Path) -> Written:
    """Write the paper's figures 1, 4a and 5 from its tables, as PDF and PNG."""
    written = Written(out)
    written.check()
    with paper_style():
        written.save(draw_gain_overview(pair_published_networks(), "AP or PCKh", "mPC"), "fig1_gain_published")
        written.save(draw_corruption_gains(pair_published_trainings(), COCO_C, "AP"), "fig4a_gain_published")
        written.save(draw_ratio_bars(list_published_bars()), "fig5_bars_published")
    written.notes += NOT_PRINTED
    return written


def write_gains(runs: Sequence[Run], panels: Panels, written: Written) -> None:
    """Write the gains of pairs of runs: on the whole suite, by corruption and by severity."""
    suite, score = runs[0].suite, runs[0].score_name
    if not panels:
        written.notes.append(
            "fig1_gain, fig4a_gain and fig4b_gain are left out: they need pairs of runs; say which run is the hardened "
            "form of which (--pair STANDARD,HARDENED)"
        )
        return
    for pair in (pair for pairs in panels.values() for pair in pairs):
        if pair.gains.mean is None:
            written.notes.append(
                f"fig1_gain is without {pair.label}: {suite.mean_name} needs all {suite.n_cells} cells of both runs"
            )
        if not pair.gains.corruptions:
            written.notes.append(
                f"fig4a_gain and fig4b_gain are without {pair.label}: the two runs have no corrupted cell in common"
            )
    complete = _keep(panels, [pair for pairs in panels.values() for pair in pairs if pair.gains.mean is not None])
    corrupted = _keep(panels, [pair for pairs in panels.values() for pair in pairs if pair.gains.corruptions])
    if complete:
        written.save(draw_gain_overview(complete, score, suite.mean_name), "fig1_gain")
    if corrupted:
        written.save(draw_corruption_gains(corrupted, suite, score), "fig4a_gain")
        written.save(draw_severity_gains(corrupted, score), "fig4b_gain")


def _keep(panels: Panels, kept: Sequence[Pair]) -> dict[str, list[Pair]]:
    """Return the panels with some of their pairs, without those that have none."""
    chosen = {title: [pair for pair in pairs if pair in kept] for title, pairs in panels.items()}
    return {title: pairs for title, pairs in chosen.items() if pairs}
