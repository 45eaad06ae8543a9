"""Tables of models by suites: Markdown to read, CSV to go on with, LaTeX for a paper."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator

from robustpose.results.across import AcrossSuites, list_corruptions, list_severities
from robustpose.results.compared import ComparedRow, Comparison
from robustpose.results.resampling import FEW_IMAGES
from robustpose.results.rows import Interval, Row, percent
from robustpose.results.spelling import spell_csv, spell_latex, spell_markdown, tabulate_markdown
from robustpose.show.across_suites import list_gains, spell_scores, title_column
from robustpose.show.tables import lay_out, spell_title

MARKDOWN_BEGINS = "# Models by suites on "
CSV_TITLES = (
    "model", "suite", "metric", "clean", "mean", "mean_low", "mean_high", "ratio", "ratio_low", "ratio_high",
    "gain", "gain_low", "gain_high", "gain_told_apart", "seen",
    "corruptions", "severities",
)  # fmt: skip
CSV_BEGINS = ",".join(CSV_TITLES[:4])


def across_to_markdown(across: AcrossSuites) -> str:
    """Return the verdict, models by suites in percent with intervals, and the gains over the first model."""
    first = across.first
    titles = ["model", *(title_column(across, *column) for column in across.overview)]
    of_models = zip(*(spell_scores(row) for _, row in across.overview), strict=True)
    rows = [[name, *scores] for name, scores in zip(across.names, of_models, strict=True)]
    heading = f"{first.metric} in percent, {across.of_images}"
    parts = [[MARKDOWN_BEGINS + spell_markdown(first.dataset)], [heading], tabulate_markdown(titles, rows, 1)]
    if across.gains:
        base = across.first.suite.name
        gains = [
            [across.names[gain.model], *row[1:]] for gain, row in zip(across.gains, list_gains(across), strict=True)
        ]
        titles = ["model", "on", f"gain on {base}", "gain there", "difference", "held"]
        parts += [[spell_markdown(f"Gains over {across.names[0]}, in points; {first.note_on_marks}.")]]
        parts += [tabulate_markdown(titles, gains, 2)]
    parts += [[spell_markdown(sentence)] for sentence in (*across.verdict, *across.notes)]
    return "\n".join(line for part in parts for line in (*part, ""))


def across_to_csv(across: AcrossSuites) -> str:
    """Return a row for each run, of a model on a suite: scores in 0..1, empty where undefined.

    `mean` is that of the suite, or of the cells that its runs have; `gain` is over the first model.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(CSV_TITLES)
    for comparison in across.comparisons:
        named = {row.name: row for row in comparison.rows if row.kind == "headline"}
        main, ratio = find_defined_main(comparison), named.get(comparison.suite.ratio_name)
        for model, name in enumerate(across.names):
            if comparison.rows[0].values[model] is None:
                continue
            gain = main.differences[model] if main is not None else None
            told = "" if gain is None else gain.is_distinguishable
            writer.writerow(
                [
                    *map(spell_csv, (name, comparison.suite.name, comparison.metric)),
                    comparison.rows[0].values[model],
                    *_spell_with_ends(main, model),
                    *_spell_with_ends(ratio, model),
                    *("" if gain is None else gain.value, *_spell_ends(None if gain is None else gain.interval)),
                    told,
                    spell_csv(" ".join(across.list_seen(comparison)[model])),
                    spell_csv(" ".join(list_corruptions(comparison))),
                    " ".join(map(str, list_severities(comparison))),
                ]
            )
    return text.getvalue()


def find_defined_main(comparison: Comparison) -> ComparedRow | None:
    """Return the mean of a suite, or of its cells, whatever models have it; None where there are clean images alone."""
    rows = [row for row in comparison.rows if row.kind == "chosen" or row.name == comparison.suite.mean_name]
    return next((row for row in rows if any(value is not None for value in row.values)), None)


def across_to_latex(across: AcrossSuites) -> str:
    """Return booktabs tables in percent: models by suites, and below it the gains over the first model.

    A number is bold if it is the highest of its column and can be told from each other one there.
    """
    columns = across.overview
    titles = ["Model", *(_title(across, *column) for column in columns)]
    rows = [[spell_latex(name), *(_spell(row, model) for _, row in columns)] for model, name in enumerate(across.names)]
    lines = ["% needs \\usepackage{booktabs}", *_explain(across), *lay_out(titles, rows)]
    if across.gains:
        base = spell_latex(across.first.suite.name)
        titles = ["Model", "Suite", f"Gain on {base}", "Gain there", "Difference", "Held"]
        gains = [
            [spell_latex(across.names[gain.model]), *map(_spell_words, row[1:])]
            for gain, row in zip(across.gains, list_gains(across), strict=True)
        ]
        of = spell_latex(across.names[0])
        lines += [
            "",
            f"% gains over {of} in points, with 95 % intervals of paired differences",
            *lay_out(titles, gains),
        ]
    return "\n".join([*lines, ""])


def _title(across: AcrossSuites, comparison: Comparison, row: ComparedRow) -> str:
    label = spell_title(Row(row.kind, row.name, across.label(comparison, row), None))
    return label if row == across.clean else f"{spell_latex(comparison.suite.name)} {label}"


def _spell(row: ComparedRow, model: int) -> str:
    value = percent(row.values[model]).replace("–", "--")
    known = [one for one in row.values if one is not None]
    return f"\\textbf{{{value}}}" if row.leaders == (model,) and len(known) > 1 else value


def _spell_words(text: str) -> str:
    return spell_latex(text.replace(" [", "~[")).replace("\\textasciitilde{}", "~")


def _explain(across: AcrossSuites) -> Iterator[str]:
    first = across.first
    yield f"% {spell_latex(first.metric)} in percent, {across.of_images}"
    if first.n_images < FEW_IMAGES:
        yield f"% nothing is bold: intervals of fewer than {FEW_IMAGES} images are too narrow to tell anything apart"
    elif len(across.names) > 1:
        yield "% bold: told from all others of its column by 95 % intervals of paired differences over images"


def _spell_with_ends(row: ComparedRow | None, model: int) -> list[float | str]:
    if row is None or row.values[model] is None:
        return [""] * 3
    value = row.values[model]
    return ["" if value is None else value, *_spell_ends(row.intervals[model])]


def _spell_ends(interval: Interval | None) -> list[float | str]:
    return ["", ""] if interval is None else list(interval)
