"""The page of a campaign: methods by suites on each part of the images, pairs by corruption, and all of its runs."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any

from robustpose.files import write_text
from robustpose.reading import read_json
from robustpose.results.across import AcrossSuites
from robustpose.results.compared import ComparedRow, Comparison
from robustpose.results.links import link_file
from robustpose.results.outcome import Outcome, PairOutcome, PartOutcome, RunState
from robustpose.show.campaign_markdown import MARKDOWN_BEGINS, campaign_to_markdown
from robustpose.show.campaign_tables import (
    FULL,
    count_seen,
    describe_scores,
    list_columns,
    list_defined,
    list_remarks,
    list_terms,
    list_warnings,
    name_part,
    name_sides,
    tell_campaign,
    tell_progress,
)
from robustpose.show.pages.campaign_charts import chart_corruptions, chart_methods
from robustpose.show.pages.page import render_page
from robustpose.show.replacing import check_json, check_page, check_text, follow

Links = Mapping[Path, str]


def write_campaign(out: Path, outcome: Outcome) -> Path:
    """Write campaign.html, campaign.md and results.json to the campaign's folder, and return the page's path."""
    check_campaign_place(out)
    reports = {run.folder: run.folder / "report.html" for run in outcome.runs}
    links = {folder: link_file(page.as_posix()) for folder, page in reports.items() if (out / page).is_file()}
    texts = {
        "results.json": json.dumps(outcome.to_json(), indent=1) + "\n",
        "campaign.md": campaign_to_markdown(outcome),
        "campaign.html": render_campaign(outcome, links),
    }
    for name, text in texts.items():
        write_text(follow(out / name), text)
    return out / "campaign.html"


def check_campaign_place(out: Path) -> None:
    """Raise UserError where other files than those of a campaign would be lost in a folder."""
    check_json(out / "results.json", "campaign", "--out")
    check_text(out / "campaign.md", MARKDOWN_BEGINS, "--out")
    check_page(out / "campaign.html", "campaign", "--out")


def holds_results(out: Path) -> bool:
    """Tell whether a campaign's folder has a page on which methods are compared."""
    path = out / "results.json"
    return path.is_file() and bool(dict(read_json(path, "results")[0]).get("parts"))


def render_campaign(outcome: Outcome, links: Links = MappingProxyType({})) -> str:
    """Return the HTML page. Text from files is escaped; `links` lead to the reports of runs, by their folders."""
    charts = {}
    for number, part in enumerate(outcome.parts):
        if len(part.across.names) > 1:
            charts[f"methods-{number}"] = chart_methods(part.across)
            if (by_corruption := chart_corruptions(part))["choices"]:
                charts[f"corruptions-{number}"] = by_corruption
    return render_page(
        "campaign.html.j2",
        outcome=outcome,
        about=tell_campaign(outcome),
        progress=tell_progress(outcome),
        parts=[_describe(part) for part in outcome.parts],
        benches=list(dict.fromkeys(run.bench for run in outcome.runs if run.bench is not None)),
        lines=_list_lines(outcome.runs),
        links=links,
        notes=list_remarks(outcome),
        warnings=list_warnings(outcome),
        charts=charts,
    )


def _describe(part: PartOutcome) -> dict[str, Any]:
    """Return what the template shows of a part, beside the part itself."""
    across = part.across
    name, methods = name_part(part), range(len(across.names))
    return {
        "across": across,
        "title": name[:1].upper() + name[1:],
        "scores": describe_scores(part),
        "columns": list_columns(across),
        "terms": list_terms(across),
        "seen": [f"seen in training: {words}" if words else "" for words in map(partial(count_seen, across), methods)],
        "pairs": [_describe_pair(pair, across) for pair in part.pairs if pair.by_suite],
    }


def _describe_pair(pair: PairOutcome, across: AcrossSuites) -> dict[str, Any]:
    """Return what the template shows of a pair: methods have the letters of the table of all."""
    known = dict(zip(across.names, across.letters, strict=True))
    sides = pair.by_suite[0].names[:2]
    letters = [known.get(name, letter) for name, letter in zip(sides, "AB", strict=True)]
    return {
        "name": pair.name,
        "sides": name_sides(pair.by_suite[0]),
        "letters": letters,
        "named": ", ".join(f"{letter}: {name}" for letter, name in zip(letters, sides, strict=True)),
        "suites": [(one, *_name_rows(one)) for one in pair.by_suite],
    }


def _name_rows(comparison: Comparison) -> tuple[list[ComparedRow], dict[str, str]]:
    """Return the rows of a suite, by the names that people read, and the marks of those that were seen in training."""
    rows = [
        row if row.kind == "corruption" else replace(row, name=comparison.label(row))
        for row in list_defined(comparison, FULL)
    ]
    return rows, dict.fromkeys(comparison.seen, "seen in training")


def _list_lines(runs: Sequence[RunState]) -> list[tuple[str, int, dict[str | None, RunState]]]:
    """Return a line for each training and seed: its runs by their bench, None for the training itself."""
    lines: dict[tuple[str, int], dict[str | None, RunState]] = {}
    for run in runs:
        lines.setdefault((run.training, run.seed), {})[run.bench] = run
    places = {name: place for place, name in enumerate(dict.fromkeys(run.training for run in runs))}
    return [(*key, lines[key]) for key in sorted(lines, key=lambda key: (places[key[0]], key[1]))]
