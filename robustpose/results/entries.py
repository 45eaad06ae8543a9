"""Entries of leaderboards: made from finished runs, read, and checked: nothing in one contradicts the rest of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from robustpose.config import check_settings, describe
from robustpose.errors import UserError
from robustpose.metrics.robustness import take_means
from robustpose.pose.cell import CLEAN, Cell
from robustpose.reading import read_json
from robustpose.results.about import read_about
from robustpose.results.adapted import spell_adapting
from robustpose.results.doubts import read_doubts
from robustpose.results.entry_checks import (
    check_cells,
    check_clean,
    check_data,
    check_intervals,
    check_keys,
    check_setup,
)
from robustpose.results.entry_form import VERSION, EntryForm
from robustpose.results.links import is_relative, tell_lost
from robustpose.results.names import check_name
from robustpose.results.one_model import hash_identity
from robustpose.results.published import count_benched
from robustpose.results.resampling import LEAST_RESAMPLES, draw_weights
from robustpose.results.rows import data_name, label_headline, model_name, nest_means, percent, suite_of, title_chosen
from robustpose.results.run_folder import RunFolder
from robustpose.results.run_scores import read_tables
from robustpose.results.seen import read_seen
from robustpose.results.summary import find_intervals, read_summary
from robustpose.results.summary_model import check_summary

MOST_BYTES = 1 << 20  # of a file; those of all cells of coco-c have 12,000
SETUP = ("profile", "seed", "frost_textures", "box_protocol")
PIXELS = ("corrupted_images", "corruption_code")  # of provenance, where there are some
ONLY_ENTRIES = {"model", "data", "setup", "scores"}  # of what must be there, what no summary has
NOT_RECOMPUTED = "its scores could not be recomputed from the run, whose metric keeps no matches"


def make_entry(
    folder: Path, links: Mapping[str, str], name: str | None = None, said: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Return the entry of a finished run. All of its numbers are recomputed from the run's matches.

    `said` are fields of `model` that no run knows, such as `parameters`.

    Raises:
        UserError: the run has not finished, its summary is not what its matches give, or something said cannot be.
    """
    summary = read_summary(folder)
    provenance, estimator = summary["provenance"], summary["provenance"]["estimator"]
    dataset = {key: value for key, value in provenance["dataset"].items() if key != "code"}  # what it gave is there
    scores, intervals, n_images, doubts = _recompute(folder, summary)
    about = read_about(summary)
    known = {"kind": estimator.get("kind"), "sha256": estimator.get("sha256"), "adapting": spell_adapting(estimator)}
    known["identity"] = hash_identity(summary)
    seen = read_seen(summary)
    model = {
        "name": model_name(summary) if name is None else check_name(name),
        **{key: value for key, value in known.items() if isinstance(value, str)},
        **{"input": about.input, "training": about.training},
        "seen": None if seen is None else list(seen),
        **(said or {}),
    }
    row = provenance.get("row")
    content = {
        "entry": VERSION,
        "model": {key: value for key, value in model.items() if value is not None},
        "links": dict(links),
        "metric": summary["metric"],
        "suite": suite_of(summary).identity,
        "data": {"name": dataset.get("name"), **dataset, "images": n_images},
        "setup": {key: provenance.get(key, "unknown") for key in SETUP}
        | {key: provenance[key] for key in PIXELS if provenance.get(key)},
        "scores": scores,
        "intervals": intervals,
        "warnings": [*read_doubts(summary), *doubts],
        "row": row and {"name": row["name"], "differences": list(row.get("differences", ()))},
        "versions": dict(provenance.get("versions", {})),
    }
    try:
        check_entry(content)
    except UserError as error:
        hint = "; --name says another one" if "model.name" in str(error) and name is None else ""
        raise UserError(f"{folder.absolute()} makes no entry: {error}{hint}") from error
    return content


def _recompute(
    folder: Path, summary: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[str, Any] | None, int | None, list[str]]:
    """Return the scores and intervals of a run, its number of images, and what is to be doubted."""
    suite = suite_of(summary)
    scores = {CLEAN: summary["clean"], **{Cell.from_key(key): score for key, score in summary["cells"].items()}}
    means = nest_means(take_means(scores, list(scores), suite), suite)
    n_images, said = count_benched(summary["provenance"]["dataset"]), summary.get("intervals")
    if said is None and not RunFolder(folder).matches_path(CLEAN).exists():
        return means, None, n_images, [NOT_RECOMPUTED]
    tables = read_tables(folder, scores)
    n_found = tables[CLEAN].n_images
    if n_images not in (None, n_found):
        raise UserError(f"{folder} has matches of {n_found} images, by its summary.json of {n_images}: score it again")
    if said is None:
        return means, None, n_found, []
    if n_found == 1 or said["resamples"] < LEAST_RESAMPLES:
        return means, None, n_found, []  # what they would say is nothing
    weights = draw_weights(n_found, said["resamples"])
    resampled = {cell: table.score(weights) for cell, table in tables.items()}
    return means, find_intervals(resampled, list(scores), suite, read_seen(summary) or ()), n_found, []


def is_entry(content: Any) -> bool:
    """Tell whether the content of a JSON file is meant as an entry, whatever is wrong with it."""
    return isinstance(content, dict) and ("entry" in content or len(ONLY_ENTRIES & content.keys()) >= 3)


def read_entry(path: Path) -> dict[str, Any]:
    """Return the entry in a file; UserError, which names it, for another file, or what `check_entry` refuses."""
    content, _ = read_json(path.absolute(), "entry", MOST_BYTES)
    if not is_entry(content):
        what = f'is no entry of a leaderboard: it must have "entry": {VERSION}'
        if isinstance(content, dict) and {"provenance", "cells"} <= content.keys():
            what = "is the summary of a run, and no entry: robustpose leaderboard entry RUN --out FILE makes one"
        raise UserError(f"{path.absolute()} {what}")
    try:
        return check_entry(content)
    except UserError as error:
        raise UserError(f"{path.absolute()}: {error}") from error


def check_entry(content: Mapping[str, Any]) -> dict[str, Any]:
    """Return an entry as it is; UserError, which does not name it, where its form or its numbers are wrong."""
    if type(content.get("entry")) is not int or content["entry"] != VERSION:
        raise UserError(f"its form has version {describe(content.get('entry'))}, and this robustpose reads {VERSION}")
    check_settings(EntryForm, content, "")
    check_cells(content)
    summary = summarize_entry(content)
    check_summary(summary)
    check_keys(content, summary)
    check_intervals(summary)
    check_data(content)
    check_setup(content)
    check_clean(summary)
    return dict(content)


def list_entry_files(places: Sequence[Path]) -> list[Path]:
    """Return files, and of folders the JSON files in them at any depth, but for pages' own; UserError for none."""
    files: list[Path] = []
    for place in places:
        if place.is_dir():
            found = sorted(path for path in place.rglob("*.json") if path.name != "leaderboard.json")
            if not found:
                raise UserError(f"{place} has no JSON file in it: expected a folder of entries")
            files += found
        else:
            files.append(place)
    return list(dict.fromkeys(files))


def tell_entry(content: Mapping[str, Any]) -> str:
    """Return an entry in a few words, such as `Nano, mPC 30.1, AP* 51.6 on val.json, 161 images`."""
    summary = summarize_entry(content)
    suite = suite_of(summary)
    named = [(suite.mean_name, suite.mean_name), ("clean", label_headline("clean", summary["metric"]))]
    scores = [f"{label} {percent(summary[name])}" for name, label in named if summary[name] is not None]
    if summary["mean_of_chosen"] is not None:
        scores.insert(0, f"{title_chosen(summary)} {percent(summary['mean_of_chosen'])}")
    images = content["data"]["images"]
    count = "" if images is None else f", {images:,} image{'s' * (images != 1)}"
    return f"{content['model']['name']}, {', '.join(scores)} on {data_name(summary)}{count}"


def check_links(path: Path, content: Mapping[str, Any], folder: Path | None = None) -> None:
    """Raise UserError where a relative link of an entry leads to no file, or out of the folder of a leaderboard."""
    for name, link in content.get("links", {}).items():
        if is_relative(link) and (why := tell_lost(link, path, folder)):
            raise UserError(f"{path.absolute()}: links.{name} {why}")


def check_same(path: Path, content: Mapping[str, Any], folder: Path) -> None:
    """Raise UserError unless the numbers of an entry are those that are recomputed from a run."""
    made = make_entry(folder, {})
    for part in ("metric", "suite", "data", "setup", "scores", "intervals"):
        ours, theirs = made[part], content.get(part)
        if ours != theirs:
            keys: Sequence[str] = []
            if isinstance(ours, dict) and isinstance(theirs, dict):
                keys = [key for key in {**ours, **theirs} if ours.get(key) != theirs.get(key)]
            raise UserError(
                f"{path.absolute()}: its {'.'.join([part, *keys[:1]])} is not that of the run in {folder.absolute()}"
            )


def summarize_entry(content: Mapping[str, Any]) -> dict[str, Any]:
    """Return the summary that a run would have which an entry is of. Its means are those of its cells."""
    data, model, scores = content["data"], content["model"], content["scores"]
    named = {"suite": content["suite"], "metric": content["metric"]}
    suite = suite_of(named)
    of_cells = {CLEAN: scores["clean"], **{Cell.from_key(key): score for key, score in scores["cells"].items()}}
    means = nest_means(take_means(of_cells, list(of_cells), suite), suite)
    by_corruption = list(means["corruptions"].values())
    dataset = {key: value for key, value in data.items() if key != "images"}
    if data["images"] is not None and count_benched(dataset) is None:
        dataset["n_images"] = data["images"]  # which board it is on depends on that, too
    has_other_mean = means[suite.mean_name] is None and by_corruption
    return {
        **named,
        **means,
        **scores,
        **{key: {**means[key], **scores.get(key, {})} for key in ("corruptions", "groups", "geometric")},
        "mean_of_chosen": sum(by_corruption) / len(by_corruption) if has_other_mean else None,
        "intervals": content.get("intervals"),
        "warnings": list(content.get("warnings", ())),
        "provenance": {
            **content["setup"],
            "dataset": dataset,
            "estimator": {
                **{"name": model["name"], "kind": model.get("kind"), "input": model.get("input")},
                **({} if model.get("seen") is None else {"seen": list(model["seen"])}),
            },
            "versions": dict(content.get("versions", {})),
            "row": content.get("row"),
        },
    }
