"""Inline: runs and comparisons as small HTML tables, for notebooks. Text from files is escaped; nothing is run."""

from __future__ import annotations

import html
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from robustpose.printing import one_line
from robustpose.results.compared import Comparison, Difference
from robustpose.results.doubts import read_doubts
from robustpose.results.published import count_images
from robustpose.results.rows import (
    Interval,
    data_name,
    explain_no_mean,
    model_name,
    percent,
    row_of_chosen,
    rows_of,
    tabulate_cells,
)
from robustpose.results.seen import mark_seen, seen_in_run

_CELL = "padding:1px 7px;text-align:right"
_HEAD, _FIRST = f"{_CELL};font-weight:600", "padding:1px 7px;text-align:left"


def run_to_html(summary: Mapping[str, Any], folder: Path, verdict: str) -> str:
    """Return what a run found in words, its headline in percent, and a row for each corruption, a column a severity."""
    headline, seen = rows_of(summary, "headline"), seen_in_run(summary)
    parts = [
        f"<p><b>{spell_html(model_name(summary))}</b> on {spell_html(describe_data(summary))}; {_metric(summary)}</p>"
    ]
    parts.append(f"<p>{spell_html(verdict)}</p>")
    cells = [[f"{percent(row.value)}{_range(row.interval)}" for row in headline]]
    parts.append(tabulate_html([row.label for row in headline], cells, has_names=False))
    if reason := explain_no_mean(summary):
        chosen = row_of_chosen(summary)
        words = reason + (f" The mean of these is {percent(chosen.value)}{_range(chosen.interval)}." if chosen else "")
        parts.append(f"<p>{spell_html(words)}</p>")
    if summary["corruptions"]:
        titles, lines = tabulate_cells(summary)
        rows = [[mark_seen(name, seen), *(percent(row.value) for row in rows)] for name, rows in lines]
        parts.append(
            tabulate_html(["corruption", *titles], rows, [[None, *(row.value for row in of)] for _, of in lines])
        )
    parts += [f'<p style="color:#b35900">⚠ {spell_html(text)}</p>' for text in read_doubts(summary)]
    page = folder / "report.html"
    shown = f"<code>{spell_html(page)}</code>"
    if page.is_file():
        shown = f'<a href="{html.escape(page.resolve().as_uri())}" target="_blank">{shown}</a>'
    parts.append(f"<p>report: {shown}</p>")
    return "".join(parts)


def comparison_to_html(comparison: Comparison) -> str:
    """Return the scores of runs side by side in percent, with the differences to the first: all but single cells."""
    named = zip(comparison.letters, comparison.titles, strict=True)
    parts = [f"<p>{'<br>'.join(f'{letter}: <b>{spell_html(name)}</b>' for letter, name in named)}</p>"]
    where = f"{comparison.metric} in percent on {comparison.dataset}, {comparison.of_images}"
    where = "; ".join(filter(None, (where, comparison.note_on_groups)))
    parts.append(f"<p>{spell_html(where)}; {spell_html(comparison.note_on_marks)}</p>")
    parts.append(f"<p>{spell_html(' '.join(comparison.verdict))}</p>")
    titles = ["", *comparison.letters, *(f"{letter} − A" for letter in comparison.letters[1:])]
    rows = [
        [comparison.label(row), *map(row.spell, range(len(row.values))), *map(spell_difference, row.differences[1:])]
        for row in comparison.rows
        if row.kind != "cell"
    ]
    parts.append(tabulate_html(titles, rows))
    parts += [f"<p>note: {spell_html(note)}</p>" for note in comparison.notes]
    parts += [f'<p style="color:#b35900">⚠ {spell_html(text)}</p>' for text in comparison.warnings]
    return "".join(parts)


def describe_data(summary: Mapping[str, Any]) -> str:
    """Return the name of a run's data, with how many images they are, if that is known."""
    n_images = count_images(summary)
    name = data_name(summary)
    return name if n_images is None else f"{name}, {n_images} image{'s' * (n_images != 1)}"


def spell_difference(difference: Difference | None) -> str:
    """Return a difference in percent with its interval, behind its mark."""
    if difference is None:
        return "–"
    digits = difference.digits
    return f"{difference.mark}{100 * difference.value:+.{digits}f}{_range(difference.interval, digits)}"


def _metric(summary: Mapping[str, Any]) -> str:
    intervals = summary.get("intervals")
    level = "; 95 % intervals" if intervals else ""
    return spell_html(f"{summary['metric']} in percent{level}")


def _range(interval: Interval | None, digits: int = 1) -> str:
    return "" if interval is None else f" [{100 * interval[0]:.{digits}f}, {100 * interval[1]:.{digits}f}]"


def tabulate_html(
    titles: Sequence[str],
    rows: Iterable[Sequence[str]],
    shades: Sequence[Sequence[float | None]] = (),
    has_names: bool = True,
) -> str:
    """Return a table; a cell of `shades` in 0..1 colours the one in its place. The first column may hold names."""
    head = "".join(
        f'<th style="{_FIRST if has_names and not at else _HEAD}">{spell_html(t)}</th>' for at, t in enumerate(titles)
    )
    body = []
    for at, row in enumerate(rows):
        shade = shades[at] if shades else [None] * len(row)
        cells = [
            f'<td style="{_FIRST if has_names and not column else _CELL}{_color(shade[column])}">'
            f"{spell_html(word)}</td>"
            for column, word in enumerate(row)
        ]
        body.append(f"<tr>{''.join(cells)}</tr>")
    return f'<table style="font-size:90%"><thead><tr>{head}</tr></thead><tbody>{"".join(body)}</tbody></table>'


def _color(value: float | None) -> str:
    """Return a background that is the stronger the higher a score is."""
    return "" if value is None else f";background:rgba(46,125,180,{0.05 + 0.45 * min(max(value, 0.0), 1.0):.2f})"


def spell_html(text: object) -> str:
    """Return a text on one line, as HTML shows it."""
    return html.escape(one_line(text))
