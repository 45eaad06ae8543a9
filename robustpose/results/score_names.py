"""Names of scores: what each score that a run has is called where people write one, such as mPC, fog or fog/3."""

from __future__ import annotations

from collections.abc import Sequence

from robustpose.corruptions.suites import SUITES, Suite
from robustpose.errors import nearest, quote
from robustpose.metrics.robustness import HELD_AGAINST_CLEAN, name_means, take_means
from robustpose.pose.cell import CLEAN, Cell
from robustpose.results.rows import headline_columns, label_headline, list_means, spell_cut

MEAN_OF_CHOSEN = "mean_of_chosen"  # of a run with a part of the cells, as in summary.json
Names = dict[str, tuple[str, str]]  # what a score is called -> kind and name of its row
_CLEAN = "headline", "clean"
_GENERAL = {("headline", suite.mean_name): {"mean"} for suite in SUITES.values()}
_GENERAL |= {("headline", suite.ratio_name): {"ratio"} for suite in SUITES.values()}


def name_scores(suite: Suite, cells: Sequence[Cell], metric: str, cuts: Sequence[tuple[str, str]] = ()) -> Names:
    """Return the scores that a run of these cells has: what they are called -> kind and name of the row.

    `cuts` are kinds and names of what is scored alone, such as each category.
    """
    suite = name_means(suite, metric)
    means = take_means(dict.fromkeys([CLEAN, *cells], 1.0), cells, suite)  # whatever the scores: which means there are
    named: Names = {}
    for kind, name, value in list_means(means, suite):
        if value is not None:
            named.setdefault(label_headline(name, metric) if kind == "headline" else name, (kind, name))
    if means.mean is None and means.corruptions:
        named[MEAN_OF_CHOSEN] = "chosen", MEAN_OF_CHOSEN
    for kind, cut in cuts:
        for name, value_of in headline_columns(suite).items():
            if value_of(means) is not None:
                named.setdefault(label := spell_cut(cut, name, metric), (kind, label))
    return named


def find_name(word: str, known: Names) -> str | None:
    """Return which of the known scores a word names, in capitals or not.

    The clean one is also named without its star, and the suite's mean and ratio, such as mPC, by these words; `dog AP*`
    is `dog clean`, too. A score of a run that has no annotations may have the metric before it, `consistency.fog`.
    """
    folded = word.casefold()
    matches = [name for name in known if name == word] or [name for name in known if name.casefold() == folded]
    if matches:
        return matches[0] if len(matches) == 1 else None  # own corruptions may differ in capitals alone
    metric, _, rest = word.partition(".")
    if known.get("clean") == _CLEAN and metric in HELD_AGAINST_CLEAN and rest:  # `consistency.fog`
        return find_name(rest, known)
    for name, row in known.items():
        spoken = {"clean", name.removesuffix("*").casefold()} if row == _CLEAN else _GENERAL.get(row, set())
        if folded in spoken or (name.endswith("*") and folded == f"{name.rpartition(' ')[0]} clean".casefold()):
            return name
    return None


def explain_lack(name: str, known: Names, of_all: Names, suite: Suite) -> str:
    """Return why a run has no score of a name, given those that it has and those of the whole suite."""
    known_cells = [one for one, (kind, _) in known.items() if kind == "cell"]
    others = [one for one in known if one not in known_cells]
    elsewhere = find_name(name, of_all)
    if elsewhere is None:
        cells = f", and the cells, such as {known_cells[0]}" if known_cells else ""
        return f"no score is called {quote(name)}{nearest(name, known)}: this run has {', '.join(others)}{cells}"
    if of_all[elsewhere][0] in ("corruption", "cell"):
        return (
            f"{elsewhere} is not among the cells that this run is of, so it has no score: add it, or take one of "
            f"{', '.join(others)}"
        )
    return (
        f"{elsewhere} needs clean and all {suite.n_cells} cells of {suite.name}, of which this run has "
        f"{sum(one in of_all for one in known_cells)}: ask for all of them, or take one of {', '.join(others)}"
    )
