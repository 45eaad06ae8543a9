"""Verdicts: what a run found, in words that its intervals bear."""

import numpy as np
import pytest

from robustpose.corruptions.suites import COCO_C, HELD_OUT
from robustpose.pose.cell import CLEAN, Cell
from robustpose.results.summary import summarize
from robustpose.results.verdict import judge_run
from robustpose.show.pages.page import spoken


def make_run(scores=None, clean=0.5, metric="AP", cells=COCO_C.cells, suite=COCO_C, spread=0.02, apart=0, **data):
    """Return the summary of a run: `scores` of some corruptions, half of `clean` in the others.

    Resamples are up to `spread` off, all scores by as much; in every second corruption up to `apart` the other way.
    """
    value = {cell: clean if cell == CLEAN else (scores or {}).get(cell.corruption, clean / 2) for cell in cells}
    noise = np.linspace(-1, 1, 101)
    others = COCO_C.corruptions[::2]
    off = {cell: -apart if apart and cell.corruption in others else spread for cell in value}
    resampled = {cell: np.clip(score + off[cell] * noise, 0, 1) for cell, score in value.items()} if spread else None
    if metric == "consistency":
        value[CLEAN], resampled[CLEAN] = 1.0, np.ones(101)
    dataset = {"name": "people.json", "n_images": 200, **data}
    provenance = {"dataset": dataset, "estimator": {"name": "net"}}
    figures = {cell: {metric: score} for cell, score in value.items()}
    return summarize(metric, figures, cells, provenance, resampled, suite)


def make_slices(*rows, kind="size", column="rPC"):
    """Return slices of a kind: rows of name, number of people, what they keep and its interval."""
    named = ("kind", "name", "n_people", "n_images", "clean", column, f"{column}_interval")
    return {
        "slices": [dict(zip(named, (kind, name, n, n, 0.5, kept, ends), strict=True)) for name, n, kept, ends in rows]
    }


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
    (_, costs) = judge_run(make_run({"zoom_blur": 0.1, "fog": 0.15, "frost": 0.155}, apart=0.02))
    assert costs == (
        "Zoom blur costs most, 40.0 points. It moves pixels while the truth stays, so a part of this is not the "
        "model's fault. Of those that leave pixels in place, fog and frost cost most, 35.0 and 34.5 points, too close "
        "to say which."
    )


def test_corruptions_that_move_pixels_are_said_to_when_two_of_them_cost_most():
    run = make_run({"zoom_blur": 0.1, "glass_blur": 0.105, "fog": 0.2}, apart=0.02)
    run["paired"]["more"]["zoom_blur"]["glass_blur"] = [-0.01, 0.02]
    costs = judge_run(run)[1]
    assert costs == (
        "Zoom blur and glass blur cost most, 40.0 and 39.5 points, too close to say which. They move pixels while the "
        "truth stays, so a part of this is not the model's fault. Of those that leave pixels in place, fog costs most, "
        "30.0 points."
    )
    run["paired"]["more"]["zoom_blur"] |= {"glass_blur": [0.001, 0.01], "fog": [-0.01, 0.2]}
    costs = judge_run(run)[1]
    assert "to say which. Zoom blur moves pixels while the truth stays" in costs
    assert "Of those" not in costs


def test_paired_resamples_tell_apart_what_overlaps_by_itself():
    names = dict.fromkeys(COCO_C.corruptions, 0.4)
    assert judge_run(make_run(names | {"fog": 0.39}))[1] == "Fog costs most, 11.0 points."
    assert judge_run(make_run(names | {"fog": 0.39}, apart=0.02))[1] == (
        "No corruption stands out: fog costs 11.0 points, 8 others may cost as much."
    )


def test_without_pairs_nothing_is_claimed_that_overlap_cannot_prove():
    run = make_run(dict.fromkeys(COCO_C.corruptions, 0.2) | {"fog": 0.1, "snow": 0.13})
    del run["paired"]
    assert (
        judge_run(run)[1] == "On these images fog costs most, 40.0 points; whether snow may cost as much is not known."
    )
    run = make_run({"fog": 0.1})
    del run["paired"]
    assert judge_run(run)[1] == "Fog costs most, 40.0 points."
    run = make_run({"fog": 0.49, "snow": 0.495}, cells=[CLEAN, Cell("fog", 3), Cell("snow", 3)])
    del run["paired"]
    assert judge_run(run)[1] == "On these images fog costs most, 1.0 points; of others these intervals do not tell."


def test_loss_within_the_interval_of_the_difference_is_none_for_sure():
    some = [CLEAN, Cell("fog", 3), Cell("frost", 3)]
    _, costs = judge_run(make_run({"fog": 0.495, "frost": 0.49}, cells=some, apart=0.03))
    assert costs == (
        "No corruption is shown to cost anything: frost comes first with 1.0 points (95 % interval -3.8 to 5.8)."
    )
    kept, costs = judge_run(make_run(dict.fromkeys(COCO_C.corruptions, 0.5)))
    assert costs == "Under no corruption is AP lower than on clean images."
    assert kept.endswith("from 50.0 on clean images to 50.0 under corruption, so that it may lose nothing.")


def test_paired_interval_of_the_ratio_tells_more_than_intervals_that_overlap():
    kept, costs = judge_run(make_run(dict.fromkeys(COCO_C.corruptions, 0.49), spread=0.03))
    assert kept.startswith("Keeps 98 % (95 % interval 98 to 98) of its clean AP")
    assert costs == "No corruption stands out: gaussian noise costs 1.0 points, 14 others may cost as much."


def test_slices_whose_intervals_overlap_are_not_ranked():
    rows = [(name, 50, kept, [0.3, 0.9]) for name, kept in (("below 32 px", 0.5), ("from 256 px", 0.6))]
    assert len(judge_run(make_run(), make_slices(*rows))) == 2
    middle = ("64 to 96 px", 50, 0.5, [0.4, 0.6])
    said = judge_run(make_run(), make_slices(*SIZES, middle))[-1]
    assert said == "People of 32 to 64 px keep less than those from 256 px: 40 % (35 to 45) against 80 % (70 to 90)."


def test_slices_are_told_apart_by_the_intervals_of_their_differences():
    rows = [("below 32 px", 50, 0.5, [0.3, 0.9]), ("from 256 px", 50, 0.6, [0.3, 0.9])]
    slices = make_slices(*rows)
    slices["slices"][0]["keeps_less"] = [None, [-0.1, 0.2]]
    assert judge_run(make_run(), slices)[-1] == "No kind of those in the slices is shown to keep less than another."
    slices["slices"][0]["keeps_less"] = [None, [0.05, 0.2]]
    assert (
        judge_run(make_run(), slices)[-1]
        == "People below 32 px keep least, 50 % (30 to 90); those from 256 px 60 % (30 to 90)."
    )


def test_those_who_keep_least_are_looked_for_in_all_kinds():
    crowding = [("alone", 50, 0.42, [0.40, 0.44]), ("IoU to 0.3", 50, 0.22, [0.20, 0.24])]
    both = {"slices": make_slices(*SIZES)["slices"] + make_slices(*crowding, kind="crowding")["slices"]}
    said = judge_run(make_run(), both)[-1]
    assert said.startswith(
        "People whose box overlaps another a little keep least, 22 % (20 to 24); those whose box touch"
    )
    both["slices"][3]["rPC_interval"] = [0.3, 0.5]
    both["slices"][4] |= {"rPC": 0.38, "rPC_interval": [0.36, 0.39]}  # which that of 32 to 64 px may keep, too
    both["slices"][3]["rPC_interval"] = [0.40, 0.44]
    assert judge_run(make_run(), both)[-1].startswith(
        "By crowding, people whose box overlaps another a little keep least"
    )


@pytest.mark.parametrize("few", [{"n_images": 29}, {"n_images": None, "n_people": 89}])
def test_nobody_on_few_images_is_spoken_of(few):
    slices = make_slices(*SIZES)
    slices["slices"][1] |= few
    assert len(judge_run(make_run(), slices)) == 2


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
    assert costs == "On these images snow and fog cost most, 30.0 points each."
    assert last == "There are no intervals: how much of this is chance is not known."
    few = judge_run(make_run(n_images=12), make_slices(*SIZES))
    assert few[0] == "Keeps 50 % of its clean AP: from 50.0 on clean images to 25.0 under corruption."
    assert few[-1] == "This is of 12 images only, too few for intervals to hold: others may tell otherwise."
    assert few[1] == "On these images 15 corruptions cost most, 25.0 points each."
    assert not any("People" in text for text in few)
    neither = judge_run(make_run(n_images=4, spread=0))
    assert neither[-1] == "This is of 4 images only, and without intervals: others may tell otherwise."
    doubtful = {**make_run(), "warnings": ["the colours are a guess"]}
    assert judge_run(doubtful)[-1] == "The run has warnings: these numbers could be wrong."
    note = {**make_run(), "warnings": ["only 12 of the 14 annotated joints are scored"]}
    assert judge_run(note) == judge_run(make_run())


@pytest.mark.parametrize("clean", [0.0, 0.03])
def test_nothing_is_found_of_a_model_that_finds_nothing(clean):
    (said,) = judge_run(make_run(clean=clean), make_slices(*SIZES))
    assert said == f"AP is {100 * clean:.1f} % on clean images, next to nothing: what corruption costs says little."


def test_name_of_somebodys_own_corruption_stays_as_options_take_it():
    own = [CLEAN, *(Cell(name, 1) for name in ("mycorruptions:dead_rows", "zoom_blur"))]
    told = " ".join(judge_run(make_run({"mycorruptions:dead_rows": 0.1, "zoom_blur": 0.3}, cells=own)))
    assert "mycorruptions:dead_rows costs most" in told
    assert spoken("mycorruptions:dead_rows") == "mycorruptions:dead_rows"
