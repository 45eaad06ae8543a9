import json

import numpy as np
import pytest

from robustpose.corruptions.suites import COCO_C
from robustpose.errors import UserError
from robustpose.results.resampling import interval
from robustpose.results.slice_resamples import read_slice_resamples, take_slice_resamples, write_slice_resamples
from robustpose.results.slices import describe_slices
from tests.test_run_slices import PART, score_all

SUMMARY = {"metric": "AP", "suite": COCO_C.identity, "cells": {}}


@pytest.fixture(scope="module")
def part():
    arguments = score_all(PART)
    return describe_slices("AP", *arguments), arguments[0]


@pytest.fixture
def folder(tmp_path, part):
    content, scores = part
    write_slice_resamples(tmp_path, take_slice_resamples(content, scores, COCO_C))
    return tmp_path


def test_resamples_that_are_read_give_the_intervals_of_slices_json(folder, part):
    content, _ = part
    found = read_slice_resamples(folder, SUMMARY, content)
    rows = {(row["kind"], row["name"]): row for row in content["slices"]}
    rows |= {("joint", row["name"]): row for row in content["joints"]}
    assert list(found) == list(rows)
    for key, row in rows.items():
        assert list(found[key]) == ["clean", "mPC", "rPC", "mean_of_chosen"]
        again = interval(found[key]["clean"])
        assert again == pytest.approx(row["clean_interval"], abs=1e-6) if row["clean_interval"] else again is None
        assert np.isnan(found[key]["mPC"]).all()  # of a few cells there is none


def test_a_mean_of_chosen_cells_is_that_of_their_corruptions(part):
    content, scores = part
    row = content["slices"][1]
    cells = [score.slices[row["kind"], row["name"]].value for cell, score in scores.items() if cell.corruption]
    assert row["mean_of_chosen"] == pytest.approx(sum(cells) / len(cells))


def test_a_run_that_kept_none_has_none(tmp_path, part):
    assert read_slice_resamples(tmp_path, SUMMARY, part[0]) is None


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda arrays: {"slices": arrays["slices"]}, "lacks joints"),
        (lambda arrays: {**arrays, "slices": arrays["slices"][1:]}, "not of the slices in slices.json"),
        (lambda arrays: {**arrays, "joints": arrays["joints"][::-1]}, "not of the slices in slices.json"),
        (lambda arrays: {**arrays, "slices": arrays["slices"].astype(float)}, "not of the slices in slices.json"),
        (lambda arrays: {**arrays, "slices": arrays["slices"][:, :, :0]}, "not of the slices in slices.json"),
    ],
)
def test_resamples_of_something_else_are_refused(folder, part, damage, message):
    arrays = damage(dict(np.load(folder / "slices.npz")))
    np.savez(folder / "slices.npz", **arrays)
    with pytest.raises(UserError, match=message):
        read_slice_resamples(folder, SUMMARY, part[0])


def test_bench_keeps_them_and_drops_those_of_other_scores(finished_run):
    content = json.loads((finished_run / "slices.json").read_text())
    summary = json.loads((finished_run / "summary.json").read_text())
    found = read_slice_resamples(finished_run, summary, content)
    assert len(found["joint", "nose"]["clean"]) == 1000
