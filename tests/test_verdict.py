"""Verdicts: what a run found, in words that its intervals bear."""

import numpy as np
import pytest

from robustpose.corruptions.suites import COCO_C, HELD_OUT
from robustpose.pose.cell import CLEAN, Cell
from robustpose.results.summary import summarize
from robustpose.results.verdict import judge_run


def make_run(scores=None, clean=0.5, metric="AP", cells=COCO_C.cells, suite=COCO_C, spread=0.02, **data):
    """Return the summary of a run: `scores` of some corruptions, half of `clean` in the others."""
    value = {cell: clean if cell == CLEAN else (scores or {}).get(cell.corruption, clean / 2) for cell in cells}
    noise = np.linspace(-(spread or 0), spread or 0, 101)
    resampled = {cell: np.clip(score + noise, 0, 1) for cell, score in value.items()} if spread else None
    if metric == "consistency":
        value[CLEAN], resampled[CLEAN] = 1.0, np.ones(101)
    dataset = {"name": "people.json", "n_images": 200, **data}
    provenance = {"dataset": dataset, "estimator": {"name": "net"}}
    figures = {cell: {metric: score} for cell, score in value.items()}
    return summarize(metric, figures, cells, provenance, resampled, suite)


def make_slices(*rows, kind="size", column="rPC"):
    """Return slices of a kind: rows of name, number of people, what they keep and its interval."""
    named = ("kind", "name", "n_people", "clean", column, f"{column}_interval")
    return {"slices": [dict(zip(named, (kind, name, n, 0.5, kept, ends), strict=True)) for name, n, kept, ends in rows]}


SIZES = (
    ("below 32 px", 6, 0.1, [0.05, 0.2]),
    ("32 to 64 px", 90, 0.4, [0.35, 0.45]),
    ("from 256 px", 40, 0.8, [0.7, 0.9]),
)


def test_full_run_says_what_it_keeps_what_costs_most_and_who_keeps_least():
    kept, costs, who = judge_run(make_run({"fog": 0.1, "zoom_blur": 0.2}), make_slices(*SIZES))
    assert (
        kept
        == "Keeps 47 % (95 % interval 45 to 49) of its clean AP: from 50.0 on clean images to 23.7 under corruption."
    )
    assert costs == "Fog costs most, 40.0 points."
    assert who == "People of 32 to 64 px keep least, 40 % (35 to 45); those from 256 px 80 % (70 to 90)."


def test_corruption_that_moves_pixels_is_said_to_and_the_others_are_looked_at():
    (_, costs) = judge_run(make_run({"zoom_blur": 0.1, "fog": 0.15, "snow": 0.155}))
    assert costs == (
        "Zoom blur costs most, 40.0 points. It moves pixels while the truth stays, so a part of this is not the "
        "model's fault. Of those that leave pixels in place, fog and snow cost most, 35.0 and 34.5 points, too close "
        "to say which."
    )


def test_none_is_called_the_worst_where_intervals_overlap():
    (_, costs) = judge_run(make_run())
    assert costs == "No corruption stands out: gaussian noise costs 25.0 points, 14 others may cost as much."


def test_loss_within_the_intervals_is_none_for_sure():
    some = [CLEAN, Cell("fog", 3), Cell("snow", 3)]
    _, costs = judge_run(make_run({"fog": 0.49, "snow": 0.49}, cells=some, spread=0.03))
    assert costs == "No corruption clearly costs anything: snow comes first with 1.0 points."
    kept, costs = judge_run(make_run(dict.fromkeys(COCO_C.corruptions, 0.5)))
    assert costs == "No corruption costs anything."
    assert kept.endswith("from 50.0 on clean images to 50.0 under corruption, so that it may lose nothing.")


def test_paired_interval_of_the_ratio_tells_more_than_intervals_that_overlap():
    kept, costs = judge_run(make_run(dict.fromkeys(COCO_C.corruptions, 0.49), spread=0.03))
    assert kept.startswith("Keeps 98 % (95 % interval 98 to 98) of its clean AP")
    assert costs == "No corruption stands out: gaussian noise costs 1.0 points, 14 others may cost as much."


def test_slices_whose_intervals_overlap_are_not_ranked():
    rows = [(name, 50, kept, [0.3, 0.9]) for name, kept in (("below 32 px", 0.5), ("from 256 px", 0.6))]
    assert (
        judge_run(make_run(), make_slices(*rows))[-1]
        == "No kind of those in the slices clearly keeps less than another."
    )
    middle = ("64 to 96 px", 50, 0.5, [0.4, 0.6])
    said = judge_run(make_run(), make_slices(*SIZES, middle))[-1]
    assert said == "People of 32 to 64 px keep less than those from 256 px: 40 % (35 to 45) against 80 % (70 to 90)."


@pytest.mark.parametrize(
    ("kind", "name", "data", "words"),
    [
        ("crowding", "IoU above 0.3", {}, "People whose box overlaps another much keep least"),
        ("visible joints", "1 to 4", {}, "People with 1 to 4 visible joints keep least"),
        ("visible joints", "1 to 1", {}, "People with 1 visible joints keep least"),
        ("category", "<b>", {"category": "all", "categories": ["<b>", "dog"]}, "Category <b> keeps least"),
        ("crowd index", "hard", {}, "Images of crowd level hard keep least"),
        ("size", "below 32 px", {"category": "all", "categories": ["cat", "dog"]}, "Instances below 32 px keep least"),
        ("made here", "x\u202ey", {}, "People x\\u202ey keep least"),
    ],
)
def test_each_kind_of_slice_has_its_words(kind, name, data, words):
    rows = [(name, 50, 0.3, [0.2, 0.4]), ("other", 50, 0.6, [0.5, 0.7])]
    assert judge_run(make_run(**data), make_slices(*rows, kind=kind))[-1].startswith(words)


def test_consistency_is_agreement_and_no_score():
    slices = make_slices(*SIZES, column="consistency")
    kept, costs, who = judge_run(make_run(metric="consistency", clean=0.6), slices)
    assert kept.startswith("Poses agree to 30 % (95 % interval 28 to 32) with those on clean images;")
    assert kept.endswith("Nothing is said of how right they are.")
    assert costs.startswith("No corruption stands out: gaussian noise costs 70.0 points")
    assert who.startswith("People of 32 to 64 px agree least, 40 %")


def test_other_metrics_and_suites_keep_their_names():
    cells = HELD_OUT.cells
    assert " of its clean PCKh: " in judge_run(make_run(metric="PCKh", suite=HELD_OUT, cells=cells))[0]


def test_run_of_some_cells_says_which():
    one = [CLEAN, Cell("fog", 3)]
    (kept,) = judge_run(make_run(cells=one))
    assert kept == "Under fog at severity 3, AP goes from 50.0 on clean images to 25.0: 50 % is kept."
    many = [CLEAN, *(Cell("fog", level) for level in range(1, 6))]
    assert judge_run(make_run(cells=many))[0].startswith("Under fog at severities 1 to 5, AP goes")
    two = [CLEAN, *(Cell(name, level) for name in ("mine:darken", "fog") for level in (1, 5))]
    kept, costs = judge_run(make_run({"mine:darken": 0.1}, cells=two), make_slices(*SIZES))
    assert kept.startswith("In the 4 cells of this run, AP goes from 50.0")
    assert costs == "mine:darken costs most, 40.0 points."
    assert judge_run(make_run(cells=[CLEAN])) == ["AP is 50.0 % on clean images; no corruption was run."]


def test_what_speaks_against_a_verdict_is_said_with_it():
    _, costs, last = judge_run(make_run({"fog": 0.2001, "snow": 0.2}, spread=0))
    assert costs == "Snow and fog cost most, 30.0 and 30.0 points, too close to say which."
    assert last == "There are no intervals: how much of this is chance is not known."
    few = judge_run(make_run(n_images=12), make_slices(*SIZES))
    assert few[0] == "Keeps 50 % of its clean AP: from 50.0 on clean images to 25.0 under corruption."
    assert few[-1] == "This is of 12 images only, too few for intervals to hold: others may tell otherwise."
    assert not any("People" in text for text in few)
    doubtful = {**make_run(), "warnings": ["the colours are a guess"]}
    assert judge_run(doubtful)[-1] == "The run has warnings: these numbers could be wrong."
    note = {**make_run(), "warnings": ["only 12 of the 14 annotated joints are scored"]}
    assert judge_run(note) == judge_run(make_run())


@pytest.mark.parametrize("clean", [0.0, 0.03])
def test_nothing_is_found_of_a_model_that_finds_nothing(clean):
    (said,) = judge_run(make_run(clean=clean), make_slices(*SIZES))
    assert said == f"AP is {100 * clean:.1f} % on clean images, next to nothing: what corruption costs says little."
