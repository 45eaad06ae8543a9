"""Tables of a run: Markdown, CSV and LaTeX, in the column order of the paper's Table 1."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from typing import Any

from robustpose.results.rows import SHORT_NAMES, columns, headline, model_name, percent, severities_of


def to_markdown(summary: Mapping[str, Any]) -> str:
    """Return the headline, the means by group, and every cell, in percent."""
    lines = [
        f"# {model_name(summary)} on {summary['provenance']['dataset'].get('name')}",
        "",
        _markdown_row([name for name, _ in headline(summary)]),
        _markdown_rule(3),
        _markdown_row([percent(value) for _, value in headline(summary)]),
        "",
    ]
    if summary["mPC"] is None:
        lines += [f"mPC and rPC need clean and all 75 cells; this run has {len(summary['cells'])}.", ""]
    if summary["groups"]:
        lines += [
            _markdown_row([*summary["groups"]]),
            _markdown_rule(len(summary["groups"])),
            _markdown_row([percent(value) for value in summary["groups"].values()]),
            "",
        ]
    if summary["corruptions"]:
        severities = severities_of(summary)
        lines += [
            _markdown_row(["corruption", "mean", *map(str, severities)]),
            "|---" + _markdown_rule(1 + len(severities)),
        ]
        for name in summary["corruptions"]:
            cells = [summary["cells"].get(f"{name}/{severity}") for severity in severities]
            lines.append(_markdown_row([name, percent(summary["corruptions"][name]), *map(percent, cells)]))
        lines.append("")
    return "\n".join(lines)


def to_csv(summary: Mapping[str, Any]) -> str:
    """Return one row in the paper's column order, scores in 0..1, empty where undefined."""
    names = columns(summary)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["model", "dataset", "metric", "clean", "mPC", "rPC", *names])
    writer.writerow(
        [
            model_name(summary),
            summary["provenance"]["dataset"].get("name"),
            summary["metric"],
            *(_or_empty(value) for _, value in headline(summary)),
            *(_or_empty(summary["corruptions"].get(name)) for name in names),
        ]
    )
    return text.getvalue()


def to_latex(*summaries: Mapping[str, Any], labels: Sequence[str] | None = None) -> str:
    """Return a booktabs table with a row a run in the paper's column order, in percent.

    Of several runs, which have the same metric, the best of every column is bold, as it is printed.

    Args:
        summaries: of the runs.
        labels: what the rows are called; by default by the model.
    """
    names = list(dict.fromkeys(name for summary in summaries for name in columns(summary)))
    titles = ["Model", *(name.replace("*", "$^*$") for name, _ in headline(summaries[0]))]
    titles += [SHORT_NAMES.get(name, _escape_latex(name)) for name in names]
    rows = [
        [percent(value) for _, value in headline(summary)]
        + [percent(summary["corruptions"].get(name)) for name in names]
        for summary in summaries
    ]
    if len(rows) > 1:
        rows = [list(row) for row in zip(*(_embolden_best(column) for column in zip(*rows, strict=True)), strict=True)]
    row_names = [model_name(summary) for summary in summaries] if labels is None else labels
    return "\n".join(
        [
            "% needs \\usepackage{booktabs}",
            f"\\begin{{tabular}}{{l*{{{len(titles) - 1}}}{{r}}}}",
            "\\toprule",
            " & ".join(titles) + " \\\\",
            "\\midrule",
            *(
                " & ".join([_escape_latex(name), *(value.replace("–", "--") for value in row)]) + " \\\\"
                for name, row in zip(row_names, rows, strict=True)
            ),
            "\\bottomrule",
            "\\end{tabular}",
            "",
        ]
    )


def _markdown_row(values: list[str]) -> str:
    return "| " + " | ".join(value.replace("|", "\\|") for value in values) + " |"


def _markdown_rule(n_columns: int) -> str:
    return "|" + "---:|" * n_columns


def _or_empty(value: float | None) -> str:
    return "" if value is None else repr(value)


def _embolden_best(column: Sequence[str]) -> list[str]:
    """Return numbers as words with the largest of them bold; all of them that are printed alike."""
    numbers = [float(value) for value in column if value != "–"]
    return [f"\\textbf{{{value}}}" if value != "–" and float(value) == max(numbers) else value for value in column]


def _escape_latex(text: str) -> str:
    special = {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"}
    special |= {"<": r"\textless{}", ">": r"\textgreater{}", "|": r"\textbar{}"}
    return "".join(special.get(c, "\\" + c if c in "&%$#_{}" else c) for c in text)
