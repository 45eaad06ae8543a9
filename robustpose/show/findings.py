"""Findings for people: a table of claims in the terminal, and a page of Markdown with every comparison."""

from __future__ import annotations

import json
from pathlib import Path

from robustpose.errors import UserError, spell_list
from robustpose.files import write_text
from robustpose.printing import print_line, print_table
from robustpose.results.comparisons import Verdict
from robustpose.results.findings import Finding, Findings, show_comparison
from robustpose.results.measurement import Measurement
from robustpose.results.rows import percent
from robustpose.results.spelling import spell_markdown, tabulate_markdown

HEADING = "# Findings"  # the first words of the page
LEGEND = (
    "supports: each comparison does, with all of its 95 % interval;  contradicts: some do, none supports;  "
    "partly: some support, some contradict;  cannot tell: the rest"
)
LEGEND_PRINTED = "as printed: the paper's tables have no intervals, so each printed number is taken as it is"


def print_findings(findings: Findings) -> None:
    """Print what was looked at, and the verdict on every claim."""
    titles, lines = _tabulate_measurements(findings)
    if findings.resamples is not None:  # the paper's rows are in list rows
        print_table("runs, scores in percent", titles, lines, 140, texts=range(7))
    title = "claims of the paper, on " + ("its own tables" if findings.resamples is None else "these runs")
    legend = LEGEND_PRINTED if findings.resamples is None else LEGEND
    rows = [
        [one.claim.name, f"{one.claim.sentence} ({one.claim.source})", _verdicts(one, findings), one.reason]
        for one in findings.findings
    ]
    print_table(title, ["claim", "in our words", "verdict", "why"], rows, 160, texts=range(4), legend=legend)
    for note in findings.notes:
        print_line(f"note: {note}")


def write_findings(path: Path, findings: Findings) -> None:
    """Write findings as JSON or Markdown, by the end of the file's name."""
    is_json = path.suffix.lower() == ".json"
    write_text(path, json.dumps(findings.to_json(), indent=1) + "\n" if is_json else to_markdown(findings))


def check_out(path: Path) -> None:
    """Raise UserError unless findings can be written to a file of this name: nothing else is written over."""
    if path.suffix.lower() not in (".json", ".md"):
        raise UserError(f"--out must end with .json or .md, got {path}")
    if path.is_file() and not _is_ours(path):
        raise UserError(f"{path} is there and holds no findings: name another file with --out")


def to_markdown(findings: Findings) -> str:
    """Return a page: the verdicts, then each claim with all of its comparisons, then what was looked at."""
    legend = LEGEND_PRINTED if findings.resamples is None else LEGEND
    lines = [HEADING, "", spell_markdown(legend), ""]
    rows = [[one.claim.name, one.claim.sentence, _verdicts(one, findings)] for one in findings.findings]
    lines += [*tabulate_markdown(["claim", "in our words", "verdict"], rows, 3), ""]
    for one in findings.findings:
        lines += [
            f"## {spell_markdown(one.claim.name)}",
            "",
            spell_markdown(f"{one.claim.sentence} ({one.claim.source})"),
        ]
        lines += [
            "",
            spell_markdown(f"{_verdicts(one, findings)}: {one.reason}"),
            "",
            *_list_comparisons(one, findings),
        ]
    titles, rows = _tabulate_measurements(findings)
    lines += ["## Measured", "", *tabulate_markdown(titles, rows, 7), ""]
    return "\n".join([*lines, *(f"- {spell_markdown(note)}" for note in findings.notes)]).rstrip() + "\n"


def _list_comparisons(finding: Finding, findings: Findings) -> list[str]:
    rows = [
        [findings.data[one.pixels], one.what, one.of, one.verdict, show_comparison(one)] for one in finding.comparisons
    ]
    return [*tabulate_markdown(["data", "number", "of", "verdict", "value"], rows, 4), ""] if rows else []


def _verdicts(finding: Finding, findings: Findings) -> str:
    """Return the verdict; with that on each data set, if they differ."""
    if len(set(finding.by_data.values())) < 2:
        return finding.verdict
    by_verdict: dict[Verdict, list[str]] = {}
    for pixels, verdict in finding.by_data.items():
        by_verdict.setdefault(verdict, []).append(findings.data[pixels])
    parts = [f"{verdict} on {spell_list(names)}" for verdict, names in by_verdict.items()]
    return f"{finding.verdict} ({'; '.join(parts)})"


def _tabulate_measurements(findings: Findings) -> tuple[list[str], list[list[str]]]:
    """Return titles and lines of a table of what was looked at; its last three columns are numbers."""
    titles = [
        "run" if findings.resamples is not None else "row",
        "network",
        "input",
        "training",
        "boxes",
        "data",
        "intervals",
    ]
    rows = [_describe(one, findings) for one in findings.measurements]
    return [*titles, "clean", "mean", "ratio"], rows


def _describe(one: Measurement, findings: Findings) -> list[str]:
    known = [getattr(one.about, name) or "?" for name in ("network", "input", "training", "boxes")]
    has_intervals = "yes" if one.resampled is not None else "no"
    scores = [percent(value) for value in (one.means.clean, one.means.mean, one.means.ratio)]
    return [one.name, *known, findings.data[one.pixels], has_intervals, *scores]


def _is_ours(path: Path) -> bool:
    with path.open("rb") as file:
        beginning = file.read(20)
    return beginning.startswith((HEADING.encode(), b'{\n "findings"'))
