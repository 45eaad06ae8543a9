"""The table of a comparison for a paper: LaTeX, a row for each run or group, in the column order of the paper."""

from __future__ import annotations

from collections.abc import Iterator

from robustpose.results.compared import ComparedRow, Comparison
from robustpose.results.resampling import FEW_IMAGES
from robustpose.results.rows import Row, percent
from robustpose.results.spelling import spell_latex
from robustpose.show.tables import lay_out, spell_title


def comparison_to_latex(comparison: Comparison) -> str:
    """Return a booktabs table in percent: the headline, then corruptions, those of the suite first.

    Of groups, a mean ± the standard deviation between the trainings. A number is bold if it is the highest of its
    column and can be told from each other one there, so a column may have none.
    """
    columns = [row for kind in ("headline", "corruption") for row in comparison.rows if row.kind == kind]
    columns = [row for row in columns if any(value is not None for value in row.values)]
    titles = ["Model", *(spell_title(_as_row(row, comparison)) for row in columns)]
    rows = [[spell_latex(name), *(_spell(row, run) for row in columns)] for run, name in enumerate(comparison.names)]
    return "\n".join(["% needs \\usepackage{booktabs}", *_explain(comparison), *lay_out(titles, rows), ""])


def _as_row(row: ComparedRow, comparison: Comparison) -> Row:
    """Return a row that has the short name of its column."""
    group = next((group for group, names in comparison.suite.groups.items() if row.name in names), None)
    return Row(row.kind, row.name, row.name, None, group=group)


def _spell(row: ComparedRow, run: int) -> str:
    value = percent(row.values[run]).replace("–", "--")
    if row.leaders == (run,) and len(row.values) > 1 and None not in row.values:
        value = f"\\textbf{{{value}}}"
    spread = row.spreads[run] if row.spreads else None
    return value if spread is None else f"{value}\\,{{\\scriptsize$\\pm$\\,{percent(spread)}}}"


def _explain(comparison: Comparison) -> Iterator[str]:
    """Yield comments that say what the numbers are, for whoever writes the caption."""
    yield f"% {spell_latex(comparison.metric)} in percent, {comparison.of_images}"
    of = "of paired differences over images"
    if comparison.trainings:
        named = zip(comparison.names, comparison.trainings, strict=True)
        counts = [f"{len(trainings)} of {spell_latex(name)}" for name, trainings in named]
        yield f"% means over trainings ({', '.join(counts)}) +- standard deviation between them"
        of = "over trainings and images"
    if comparison.n_images < FEW_IMAGES:
        yield f"% nothing is bold: intervals of fewer than {FEW_IMAGES} images are too narrow to tell anything apart"
    else:
        yield f"% bold: told from all others of its column by 95 % intervals {of}"
