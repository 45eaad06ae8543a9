"""Checks of entries: what contradicts the rest is refused in one line."""

import numpy as np
import pytest

from robustpose.errors import UserError
from robustpose.results.entries import check_entry
from tests.summaries import COCO_VAL
from tests.test_entries import change, write_entry


@pytest.fixture
def entry(tmp_path):
    return write_entry(tmp_path / "entry.json", dataset=COCO_VAL, bands=True)


WRONG = [
    ("scores.mPC", 0.9, "its means are not those of its cells: mPC is 0.9 and must be"),
    ("scores.groups.noise", 0.9, "groups.noise is 0.9 and must be"),
    ("scores.cells.fog/3", np.nan, "scores.cells.fog/3 must be a number from 0 to 1, got nan"),
    ("scores.cells.fog/3", 41.2, "must be a number from 0 to 1, got 41.2"),
    ("scores.cells.fog/3", ..., "1 are missing: fog/3"),
    ("scores.cells.clean", 0.5, "clean is one of its corrupted cells"),
    ("scores.mPX", 0.5, "unknown key 'scores.mPX'"),
    ("intervals.mPC", [0.95, 0.99], "intervals.mPC is [0.95, 0.99], and the score is"),
    ("intervals.cells.fog/3", [-1, 2], "must be an interval [low, high] from 0 to 1"),
    ("intervals.cells.rain/3", [0.1, 0.2], "intervals.cells.rain/3 is of no score"),
    ("data.images", 161, "data.images is 161, and by the other counts 5000 were used"),
    ("data.limit", 10, "data.images is 5000, and by the other counts 10 were used"),
    ("data.n_images", 118_287, "data.n_images is 118287, and person_keypoints_val2017.json has 5000"),
    ("data.metric", "pckh", "data.metric pckh gives PCKh, and metric is 'AP'"),
    ("data.boxes", "clean-det", "data.boxes is clean-det, and setup.box_protocol 'gt'"),
    ("data.annotations_sha256", "zz", "must be a SHA-256"),
    ("suite.name", "imagenet-c", "unknown suite 'imagenet-c'"),
    ("suite.version", 2, "version 2 of suite coco-c was asked for"),
    ("model.name", "a\nb", "letters that can be seen, on one line"),
    ("model.parameters", "28M", "model.parameters must be a whole number, got '28M'"),
    ("model.nmae", "x", "unknown key 'model.nmae' (did you mean 'model.name'?)"),
    ("links.paper", "javascript:alert(1)", "links.paper must be http://"),
    ("entry", 2, "its form has version 2, and this robustpose reads 1"),
    ("entry", True, "its form has version True"),
    ("row", {"name": "mpii-c/sbl_r50_256x256"}, "is of PCKh, and metric is 'AP'"),
    ("warnings", ["x"] * 99, "warnings must be of at most 50 entries"),
    ("extra", 1, "unknown key 'extra'"),
    ("scores.severities", {"1": 0.9}, "unknown key 'scores.severities'"),
    ("scores.geometric", {"mPC_without": 0.1}, "geometric.mPC_without is 0.1 and must be"),
    ("scores.cells.foggy/1", 0.4, "scores.cells.foggy/1: there is no corruption 'foggy' (did you mean 'fog'?)"),
    ("scores.cells.fog/6", 0.4, "a cell is 'clean' or 'corruption/severity'"),
    ("intervals.severities", {"1": [0.1, 0.2]}, "unknown key 'intervals.severities'"),
    ("intervals.mPX", [0.1, 0.2], "unknown key 'intervals.mPX'"),
    ("intervals.mean_of_chosen", [0.1, 0.2], "intervals.mean_of_chosen is of no score"),
    ("intervals.mean_of_chosen", "x", "intervals.mean_of_chosen must be an interval"),
    ("intervals.level", 0.5, "intervals.level must be 0.95"),
    ("intervals.level", 95, "intervals.level must be 0.95"),
    ("intervals.resamples", 39, "intervals.resamples must be at least 40, got 39"),
    ("intervals.resamples", 100_001, "intervals.resamples must be at most 100000, got 100001"),
    ("intervals.resamples", 1000.0, "intervals.resamples must be a whole number, got 1000.0"),
    ("data.images", 5000.0, "data.images must be a whole number, got 5000.0"),
    ("data.images", True, "data.images must be a whole number, got True"),
    ("data.n_images", 5000.0, "data.n_images must be a whole number, got 5000.0"),
    ("suite.version", 1.0, "suite.version must be a whole number, got 1.0"),
    ("model.parameters", 1.4e6, "model.parameters must be a whole number, got 1400000.0"),
    ("entry", "1", "its form has version '1'"),
    ("entry", 1.0, "its form has version 1.0"),
    ("entry", ..., "its form has version None"),
    ("setup.profile", "foo", "setup.profile must be one of release, independent, unknown, got 'foo'"),
    ("setup.profile", "independent", "setup.seed is 'release', and setup.profile independent"),
    ("setup.seed", 3, "setup.seed is 3, and setup.profile release"),
    ("setup.seed", "3", "setup.seed must be release, unknown or a whole number, got '3'"),
    ("setup.seed", 3.0, "setup.seed must be a whole number, got 3.0"),
    ("setup.frost_textures", "mine", "setup.frost_textures must be original, generated"),
    ("setup.frost_textures", "generated", "setup.profile release, which has the original ones"),
    ("setup.frost_textures", "unused", "setup.frost_textures is unused, and scores.cells has frost"),
    (
        "setup.box_protocol",
        "foo",
        "setup.box_protocol must be one of gt, clean-det, corrupt-det, none, unknown, got 'foo'",
    ),
    ("setup.box_protocol", "clean-det", "setup.box_protocol is clean-det, and data.boxes_sha256 is missing"),
    ("setup.box_protocol", "corrupt-det", "setup.box_protocol is corrupt-det, and data.boxes_sha256 is missing"),
]


@pytest.mark.parametrize(
    ("place", "value", "message"), WRONG, ids=[f"{place}={value!s:.20}" for place, value, _ in WRONG]
)
def test_what_contradicts_the_rest_is_refused_in_one_line(entry, place, value, message):
    check_entry(entry)
    with pytest.raises(UserError) as error:
        check_entry(change(entry, place, value))
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_good_scores_under_corruption_and_next_to_nothing_on_clean_images_are_refused(entry):
    scores = {"clean": 0.001, "cells": dict.fromkeys(entry["scores"]["cells"], 1.0)}
    with pytest.raises(UserError, match=r"scores\.clean is 0\.001, next to nothing, and mPC 1"):
        check_entry({**entry, "scores": scores, "intervals": None})
    scores["cells"] = {"fog/3": 1.0}
    with pytest.raises(UserError, match=r"scores\.clean is 0\.001, next to nothing, and mean of fog 1"):
        check_entry({**entry, "scores": scores, "intervals": None})


def test_one_image_has_no_intervals(entry):
    one = change(change(entry, "data.n_images", 1), "data.images", 1)
    with pytest.raises(UserError, match="intervals must be null for 1 image"):
        check_entry(one)
    check_entry({**one, "intervals": None})


def test_own_corruptions_and_those_of_other_suites_are_cells_too(entry):
    scores = {"clean": 0.5, "cells": {"my.module:rain/3": 0.4, "spatter/3": 0.4}}
    check_entry({**entry, "scores": scores, "intervals": None})
