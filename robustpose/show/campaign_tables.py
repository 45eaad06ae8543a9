"""Tables of a campaign in words: methods by suites, their differences, pairs by corruption, and what is done so far.

Terminal and Markdown show these; the page has the numbers themselves.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from robustpose.results.across import AcrossSuites
from robustpose.results.compared import ComparedRow, Comparison
from robustpose.results.compared_slices import OF_ALL
from robustpose.results.groups import OF_FEW
from robustpose.results.outcome import Outcome, PartOutcome, RunState
from robustpose.results.seen import MARK, SEEN_BY, list_unknown, mark_seen, spell_seen
from robustpose.show.across_suites import spell_scores, title_column
from robustpose.show.inline import spell_difference

LEADING = ("headline", "chosen", "unseen")
BRIEF = (*LEADING, "group")  # kinds of rows of a pair where there is little room
FULL = (*BRIEF, "corruption")
SEEN = f"{MARK.strip()}: one of the methods has learned from it in training, or from its like"


@dataclass(frozen=True)
class TextTable:
    """A table as it is read: words and numbers in percent."""

    title: str
    titles: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    texts: tuple[int, ...] = (0,)  # columns that hold words; the others hold numbers
    legend: str = ""


def tabulate_scores(part: PartOutcome) -> TextTable:
    """Return methods by suites: the clean score, then each suite's mean, and what was seen of suites in training."""
    across = part.across
    columns = list_columns(across)
    scores = zip(*(spell_scores(row) for _, row in columns), strict=True)
    rows = [(name, *of) for name, of in zip(across.names, scores, strict=True)]
    titles = ("method", *(title_column(across, *column) for column in columns))
    texts: tuple[int, ...] = (0,)
    if any(seen := [count_seen(across, method) for method in range(len(across.names))]):
        rows = [(*row, words or "–") for row, words in zip(rows, seen, strict=True)]
        titles, texts = (*titles, "seen in training"), (0, len(titles))
    title = f"{part.name}: {describe_scores(part)}{'; 95 % intervals' * bool(across.first.resamples)}"
    return TextTable(title, titles, tuple(rows), texts, across.first.note_on_groups)


def tabulate_differences(part: PartOutcome) -> TextTable:
    """Return the differences of all methods to the first one, in points, by the columns of `tabulate_scores`."""
    across = part.across
    columns = list_columns(across)
    titles = ("method", *(title_column(across, *column) for column in columns))
    rows = tuple(
        (name, *(spell_difference(row.differences[method]) for _, row in columns))
        for method, name in enumerate(across.names)
        if method
    )
    title = f"{part.name}: differences to {across.names[0]}, in points"
    return TextTable(title, titles, rows, legend=across.first.note_on_marks)


def tabulate_suite(part: PartOutcome, comparison: Comparison) -> TextTable:
    """Return the differences of all methods to the first one on a suite, in points: a row for each score of it."""
    seen = {name for of_method in part.across.list_seen(comparison) for name in of_method}
    rows = tuple(
        (
            mark_seen(comparison.label(row), seen if row.kind == "corruption" else ()),
            *map(spell_difference, row.differences[1:]),
        )
        for row in list_defined(comparison, FULL)
    )
    title = f"{comparison.suite.name}: differences to {comparison.names[0]}, in points"
    return TextTable(title, ("", *comparison.names[1:]), rows, legend=_explain_seen(rows))


def tabulate_pair(comparison: Comparison, kinds: Sequence[str] = FULL) -> TextTable:
    """Return a row for each score of some kinds: of the reference, of the other method, and the difference."""
    title = f"{comparison.suite.name}, {comparison.metric} in percent"
    rows = tuple(_list_rows(comparison, list_defined(comparison, kinds)))
    return TextTable(title, _title_pair(comparison), rows, legend=_explain_seen(rows))


def tabulate_brief_pair(comparisons: Sequence[Comparison]) -> TextTable:
    """Return all suites of a pair in one table: the clean score once, then the headline and groups of each."""
    rows: list[tuple[str, ...]] = []
    for place, comparison in enumerate(comparisons):
        known = list_defined(comparison, BRIEF)
        clean = [row for row in known if row.name == comparison.rows[0].name]
        if not place:
            rows += _list_rows(comparison, clean)
        others = [row for row in known if row not in clean and row.name != comparison.suite.ratio_name]
        rows += _list_rows(comparison, others, f"{comparison.suite.name} ")
    return TextTable("", _title_pair(comparisons[0]), tuple(rows))


def tabulate_progress(runs: Sequence[RunState]) -> TextTable:
    """Return trainings by seeds: how far each training is, and how many of its benches are done or have failed."""
    seeds = sorted({run.seed for run in runs})
    names = list(dict.fromkeys(run.training for run in runs))
    rows = tuple(
        (name, *(_tell_state([run for run in runs if (run.training, run.seed) == (name, seed)]) for seed in seeds))
        for name in names
    )
    titles = ("training", *(f"seed {seed}" for seed in seeds))
    return TextTable("trainings and benches", titles, rows, tuple(range(len(titles))))


def tabulate_setup(outcome: Outcome) -> TextTable:
    """Return how trainings and benches were made: the options of each."""
    rows = tuple((name, options or "–") for name, options in outcome.setup)
    return TextTable("how they were made", ("", "options"), rows, (0, 1))


def tabulate_runs(runs: Sequence[RunState]) -> TextTable:
    """Return the scores of the benches that are done, one by one, for when nothing can be compared."""
    rows = tuple((f"{run.training}, seed {run.seed}", str(run.bench), run.scores) for run in runs if run.scores)
    return TextTable("benches that are done, in percent", ("training", "bench", "scores"), rows, (0, 1, 2))


def tell_progress(outcome: Outcome) -> str:
    """Return how far a campaign is, such as `15 of 15 trainings and 118 of 120 benches are done, 2 failed`."""
    trainings = [run for run in outcome.runs if run.bench is None]
    benches = [run for run in outcome.runs if run.bench is not None]
    done = [
        f"{_count(of, 'done')} of {len(of)} {what}" for of, what in ((trainings, "trainings"), (benches, "benches"))
    ]
    others = "".join(f", {n} {state}" for state in ("running", "failed") if (n := _count(outcome.runs, state)))
    return f"{' and '.join(done)} are done{others}"


def tell_campaign(outcome: Outcome) -> str:
    """Return what a campaign is of: `5 trainings, 3 seeds, 8 benches of each; all images, choosing (0::2)`."""
    trainings = {run.training for run in outcome.runs}
    seeds = {run.seed for run in outcome.runs}
    benches = {run.bench for run in outcome.runs if run.bench is not None}
    counts = ((trainings, "training"), (seeds, "seed"), (benches, "bench"))
    counted = [f"{len(of)} {what}{'' if len(of) == 1 else 'es' if what == 'bench' else 's'}" for of, what in counts]
    parts = f"; {', '.join(map(name_part, outcome.parts))}" if outcome.parts else ""
    return f"{', '.join(counted)} of each{parts}"


def list_columns(across: AcrossSuites) -> list[tuple[Comparison, ComparedRow]]:
    """Return the columns of methods by suites: the clean score once, then each suite's mean."""
    return [(comparison, row) for comparison, row in across.overview if row.name != comparison.suite.ratio_name]


def list_terms(across: AcrossSuites) -> list[tuple[str, str]]:
    """Return what those columns are: names and words."""
    ratios = {comparison.suite.ratio_name for comparison in across.comparisons}
    return [(name, words) for name, words in across.terms if name not in ratios]


def list_defined(comparison: Comparison, kinds: Sequence[str]) -> list[ComparedRow]:
    """Return the rows of some kinds, kind by kind, of which at least one method has a score.

    Groups are left out of a suite that has only one: its mean says as much.
    """
    known = [row for row in comparison.rows if any(value is not None for value in row.values)]
    n_groups = sum(row.kind == "group" for row in known)
    return [row for kind in kinds for row in known if row.kind == kind and (kind != "group" or n_groups > 1)]


def list_remarks(outcome: Outcome) -> list[str]:
    """Return the notes on a campaign, on its methods and on its pairs, each once."""
    notes = [*outcome.notes]
    for part in outcome.parts:
        of_pairs = [note for pair in part.pairs for one in pair.by_suite for note in one.notes]
        # Nothing is said of slices here, and of few trainings and of what was seen once for all methods.
        of_pairs = [note for note in of_pairs if note != OF_ALL and OF_FEW not in note and not note.startswith(SEEN_BY)]
        notes += [*part.across.notes, *_note_seen(part.across), *of_pairs]
    return list(dict.fromkeys(notes))


def _note_seen(across: AcrossSuites) -> list[str]:
    """Return notes on what each method has seen of the corruptions that it was measured on."""
    measured = {row.name for comparison in across.comparisons for row in comparison.rows if row.kind == "corruption"}
    found = [([name for name in seen if name in measured], list_unknown(seen)) for seen in across.seen]
    return spell_seen(across.names, found, "all methods")


def list_warnings(outcome: Outcome) -> list[str]:
    """Return why scores could be wrong, each once."""
    return list(dict.fromkeys(text for part in outcome.parts for text in part.across.warnings))


def name_part(part: PartOutcome) -> str:
    """Return what a part is called, with the places of its images: `all images`, or `reporting (1::2)`."""
    return f"{part.name} ({part.places})" if part.places else part.name


def describe_scores(part: PartOutcome) -> str:
    """Return what the scores of a part are: `PCK in percent on lspet, 200 images`."""
    first = part.across.first
    return f"{first.metric} in percent on {first.dataset}, {part.across.of_images}"


def name_sides(comparison: Comparison) -> str:
    """Return what is subtracted from what in a pair: `advmix less equalmix`."""
    reference, other = comparison.names[:2]
    return f"{other} less {reference}"


def count_seen(across: AcrossSuites, method: int) -> str:
    """Return how many corruptions of each suite a method has learned from: `2 of 10 in held-out`; nothing for none."""
    parts = []
    for comparison in across.comparisons:
        n_seen = len(across.list_seen(comparison)[method])
        total = sum(row.kind == "corruption" for row in comparison.rows)
        if n_seen and comparison.rows[0].values[method] is not None:
            parts.append(f"{n_seen} of {total} in {comparison.suite.name}")
    return ", ".join(parts)


def _title_pair(comparison: Comparison) -> tuple[str, ...]:
    return ("", *comparison.names[:2], "difference")


def _list_rows(comparison: Comparison, rows: Sequence[ComparedRow], before: str = "") -> Iterator[tuple[str, ...]]:
    for row in rows:
        scores = (row.spell(method) for method in range(2))
        yield (f"{before}{comparison.label(row)}", *scores, spell_difference(row.differences[1]))


def _explain_seen(rows: Sequence[Sequence[str]]) -> str:
    return SEEN if any(row[0].endswith(MARK) for row in rows) else ""


def _tell_state(runs: Sequence[RunState]) -> str:
    """Return how far one training and its benches are; a dash where there is no such training."""
    if not runs:
        return "–"
    training = [run.state for run in runs if run.bench is None and run.state != "done"]
    benches = [run for run in runs if run.bench is not None]
    done = _count(benches, "done")
    counted = [f"{done} of {len(benches)} benches"] if benches and (done or not training) else []
    others = [f"{n} {state}" for state in ("running", "failed") if (n := _count(benches, state))]
    return ", ".join([*training, *counted, *others]) or "done"


def _count(runs: Sequence[RunState], state: str) -> int:
    return sum(run.state == state for run in runs)
