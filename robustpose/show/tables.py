"""Tables of a run: Markdown, CSV and LaTeX, in the column order of the paper's Table 1."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from robustpose.results.rows import (
    CHANGES,
    CHANGES_NOTE,
    Row,
    data_name,
    explain_no_mean,
    model_name,
    percent,
    require_one_suite,
    rows_of,
    tabulate_cells,
    tabulate_changes,
    tabulate_cuts,
)
from robustpose.results.scored import count_title, list_joints_scored
from robustpose.results.seen import mark_seen, read_seen, seen_in_run, tell_seen
from robustpose.results.spelling import spell_csv, spell_latex, spell_markdown, tabulate_markdown
from robustpose.results.unseen import row_of_unseen

DAGGER = "$^\\dagger$"  # in LaTeX, behind scores under corruptions that were seen in training


def to_markdown(summary: Mapping[str, Any]) -> str:
    """Return the headline, the means by group, and every cell, in percent."""
    seen = seen_in_run(summary)
    parts = [[f"# {spell_markdown(model_name(summary))} on {spell_markdown(data_name(summary))}"]]
    parts.append(_write_across(rows_of(summary, "headline")))
    if reason := explain_no_mean(summary):
        parts.append([spell_markdown(reason)])
    for sentence in tell_seen(seen, read_seen(summary)):
        parts.append([spell_markdown(sentence)])
    if (unseen := row_of_unseen(summary)) is not None:
        parts.append([spell_markdown(f"{unseen.label}: {percent(unseen.value)}")])
    if joints := list_joints_scored(summary["provenance"]["dataset"]):
        parts.append([spell_markdown(f"Joints scored: {', '.join(joints)}.")])
    if summary["groups"]:
        parts.append(_write_across(rows_of(summary, "group")))
    dataset = summary["provenance"].get("dataset") or {}
    for kind, (titles, of_kind) in tabulate_cuts(summary).items():
        rows = [[name, f"{n_people}", *_percents(of)] for name, n_people, of in of_kind]
        parts.append(tabulate_markdown([kind, count_title(kind, dataset), *titles], rows, 1))
    if summary["corruptions"]:
        titles, lines = tabulate_cells(summary)
        marked = [[mark_seen(name, seen), *_percents(rows)] for name, rows in lines]
        parts.append(tabulate_markdown(["corruption", *titles], marked, 1))
    titles, changes = tabulate_changes(summary)
    if changes:
        parts.append([f"{CHANGES} ({CHANGES_NOTE})"])
        parts.append(tabulate_markdown(["corruption", *titles], [[name, *map(percent, of)] for name, of in changes], 1))
    return "\n".join(line for part in parts for line in (*part, ""))


def to_csv(summary: Mapping[str, Any]) -> str:
    """Return one row in the paper's column order, scores in 0..1, empty where undefined.

    A run with corruptions that were seen in training has two columns more: their names, and the mean of the others.
    """
    rows, seen, unseen = rows_of(summary, "headline", "corruption"), seen_in_run(summary), row_of_unseen(summary)
    more = {"seen": " ".join(seen)} if seen else {}
    more |= {} if unseen is None else {unseen.name: repr(unseen.value)}
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(map(spell_csv, ["model", "dataset", "metric", *(row.name for row in rows), *more]))
    names = [
        model_name(summary),
        summary["provenance"]["dataset"].get("name") and data_name(summary),
        summary["metric"],
    ]
    scores = ("" if row.value is None else repr(row.value) for row in rows)
    writer.writerow(map(spell_csv, [*names, *scores, *more.values()]))
    return text.getvalue()


def to_latex(*summaries: Mapping[str, Any], labels: Sequence[str] | None = None) -> str:
    """Return a booktabs table with a row a run in the paper's column order, in percent.

    Of several runs, which have the same metric, the best of every column is bold, as it is printed. A dagger is behind
    scores under corruptions that were seen in training. `labels` are the names of the rows, by default those of the
    models.
    """
    names = [model_name(summary) for summary in summaries] if labels is None else labels
    require_one_suite({f"run {number}": summary for number, summary in enumerate(summaries, 1)})
    by_name = [{row.name: row for row in rows_of(summary, "headline", "corruption")} for summary in summaries]
    columns = {name: row for rows in by_name for name, row in rows.items()}
    titles = ["Model", *(spell_title(row) for row in columns.values())]
    body = [_write_column([rows.get(name) for rows in by_name]) for name in columns]
    rows = list(zip(map(spell_latex, names), *body, strict=True))
    notes = [f"% {DAGGER} seen in training"] if any(row.is_seen for of in by_name for row in of.values()) else []
    return "\n".join(["% needs \\usepackage{booktabs}", *notes, *lay_out(titles, rows), ""])


def lay_out(titles: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Return the lines of a booktabs table in LaTeX, the first of whose columns holds words."""
    head, *lines = (" & ".join(row) + " \\\\" for row in (titles, *rows))
    begin = f"\\begin{{tabular}}{{l*{{{len(titles) - 1}}}{{r}}}}"
    return [begin, "\\toprule", head, "\\midrule", *lines, "\\bottomrule", "\\end{tabular}"]


def _percents(rows: Iterable[Row | None]) -> list[str]:
    return [percent(None if row is None else row.value) for row in rows]


def _write_across(rows: Sequence[Row]) -> list[str]:
    """Return a Markdown table with a column for each row: its label, and its value below."""
    return tabulate_markdown([row.label for row in rows], [_percents(rows)])


def _write_column(rows: Sequence[Row | None]) -> list[str]:
    """Return percents for LaTeX; of several, the largest is bold, and so is every one that is printed alike."""
    percents = _percents(rows)
    best = max((float(value) for value in percents if value != "–"), default=None) if len(percents) > 1 else None
    bold = [f"\\textbf{{{value}}}" if value != "–" and float(value) == best else value for value in percents]
    marks = [DAGGER if row is not None and row.is_seen and row.value is not None else "" for row in rows]
    return [value.replace("–", "--") + mark for value, mark in zip(bold, marks, strict=True)]


def spell_title(row: Row) -> str:
    """Return what stands above the column of a row in LaTeX."""
    label = spell_latex(row.short)
    # The star of the paper's AP* and PCKh*.
    return f"{label.removesuffix('{*}')}$^*$" if row.kind == "headline" and label.endswith("{*}") else label
