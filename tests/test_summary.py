import json
import os

import numpy as np
import pytest

from robustpose import CLEAN, UserError
from robustpose.corruptions.suites import COCO_C, choose_cells
from robustpose.results.summary import find_intervals, read_summary, summarize

FIGURES = {cell: {"AP": 0.8 - 0.1 * cell.severity, "AR": 0.9} for cell in COCO_C.cells}
RESAMPLED = {cell: figures["AP"] + np.random.default_rng(0).normal(0, 0.01, 100) for cell, figures in FIGURES.items()}


def test_without_resamples_there_are_no_intervals_and_the_figures_are_the_same():
    plain, full = summarize("AP", FIGURES, COCO_C.cells, {}), summarize("AP", FIGURES, COCO_C.cells, {}, RESAMPLED)
    assert plain["intervals"] is None
    assert full["intervals"] == find_intervals(RESAMPLED, COCO_C.cells)
    assert {**plain, "intervals": 0, "paired": 0} == {**full, "intervals": 0, "paired": 0}


def test_losses_are_of_the_same_resamples_as_the_clean_score():
    noise = np.random.default_rng(0).normal(0, 0.1, 100)
    among = {cell: figures["AP"] + noise for cell, figures in FIGURES.items()}
    paired = summarize("AP", FIGURES, COCO_C.cells, {}, among)["paired"]
    np.testing.assert_allclose(paired["losses"]["fog"], 0.3)  # which no resample changes
    moved = {cell: {"AP": 0.1} if cell.corruption == "zoom_blur" else figures for cell, figures in FIGURES.items()}
    more = summarize("AP", moved, COCO_C.cells, {}, among)["paired"]["more"]
    assert list(more) == ["zoom_blur", "gaussian_noise"]  # the lowest, and the lowest of those that move no pixels
    assert set(more["zoom_blur"]) == set(COCO_C.corruptions) - {"zoom_blur"}


def test_mpc_with_and_without_the_corruptions_that_move_pixels_is_given_beside_mpc():
    figures = {c: {"AP": 0.2 if c.corruption in COCO_C.moves_pixels else 0.6} for c in COCO_C.cells}
    summary = summarize("AP", figures, COCO_C.cells, {})
    assert summary["geometric"]["corruptions"] == list(COCO_C.moves_pixels)
    assert summary["geometric"]["mPC_without"] == pytest.approx(0.6)
    assert summary["geometric"]["mPC_only"] == pytest.approx(0.2)
    assert summary["mPC"] == pytest.approx((3 * 0.2 + 12 * 0.6) / 15)
    assert summarize("AP", figures, choose_cells(["blur"], [1]), {})["geometric"] is None


def test_clean_only_has_no_mean_of_anything():
    summary = summarize("AP", FIGURES, (CLEAN,), {}, RESAMPLED)
    assert (summary["mPC"], summary["rPC"], summary["mean_of_chosen"]) == (None, None, None)
    assert summary["cells"] == {}


def test_clean_score_of_zero_leaves_rpc_undefined_and_so_its_interval():
    zero = {cell: np.zeros(100) for cell in COCO_C.cells}
    summary = summarize("AP", {cell: {"AP": 0.0} for cell in COCO_C.cells}, COCO_C.cells, {}, zero)
    assert (summary["mPC"], summary["rPC"], summary["intervals"]["rPC"]) == (0, None, None)


def test_summary_can_be_written_as_strict_json_and_read_back(tmp_path):
    summary = summarize("AP", FIGURES, COCO_C.cells, {"seed": 1, "dataset": {}, "estimator": {}}, RESAMPLED)
    (tmp_path / "summary.json").write_text(json.dumps(summary, allow_nan=False))
    assert read_summary(tmp_path) == summary


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({}, r"has no summary\.json: it is no run folder"),
        ({"run.json": "{}"}, r"has no summary\.json: its bench has not finished"),
        ({"summary.json": "{"}, r"the summary .*summary\.json is no JSON"),
        ({"summary.json": '{"metric": "AP"}'}, r"summary\.json lacks cells, clean, .*written by robustpose bench\?"),
    ],
)
def test_folder_without_a_whole_summary_is_one_line(tmp_path, files, message):
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    with pytest.raises(UserError, match=message) as error:
        read_summary(tmp_path)
    assert "\n" not in str(error.value)


FULL = json.loads(
    json.dumps(
        summarize(
            "AP",
            FIGURES,
            COCO_C.cells,
            {"dataset": {"name": "people", "n_images": 9}, "estimator": {"name": "net"}, "seed": "release"},
            RESAMPLED,
        )
    )
)


def put(tree, place, value):
    """Return a copy of nested values with another one at a place; DROP takes it out."""
    key, *rest = place
    changed = {**tree, key: put(tree.get(key) or {}, rest, value) if rest else value}
    return {name: one for name, one in changed.items() if one is not DROP}


DROP = object()
LARGE = {f"my.corruption{number}:f/1": 0.5 for number in range(80_000)}


@pytest.mark.parametrize(
    ("place", "value", "words"),
    [
        ("clean", "high", "clean must be a number from 0 to 1, got 'high'"),
        ("clean", True, "clean must be a number from 0 to 1, got True"),
        ("clean", 55.9, "clean must be a number from 0 to 1, got 55.9"),
        ("clean", -0.1, "clean must be a number from 0 to 1, got -0.1"),
        ("clean", None, "clean must be a number from 0 to 1, got None"),
        ("metric", ["AP"], "metric must be text, got ['AP']"),
        ("metric", "x" * 20_000, "metric must be text of at most 10000 letters"),
        ("cells", [], "cells must be a group"),
        ("cells/evil:fog;3", 0.3, "the summary needs 5 cells, 4 are missing: evil:fog/1"),
        ("cells/fog;³", 0.3, "a cell is 'clean' or 'corruption/severity' such as 'fog/3', got 'fog/³'"),
        ("cells/fog;1000000000", 0.3, "got 'fog/1000000000'"),
        ("cells/..;..;fog;3", 0.3, "got '../../fog/3'"),
        ("cells/clean", 0.3, "clean is one of its corrupted cells"),
        ("cells/fog;3", 0.1, "its means are not those of its cells: mPC is "),
        ("cells/fog;3", float("nan"), "cells.fog/3 must be a number from 0 to 1, got nan"),
        ("cells/fog;3", DROP, "the summary needs"),
        ("mPC", 0.99, "mPC is 0.99 and must be 0.5"),
        ("mPC", None, "mPC is None and must be 0.5"),
        ("rPC", 0.99, "rPC is 0.99 and must be"),
        ("rPC", DROP, "it lacks rPC"),
        ("corruptions/fog", 0.99, "corruptions.fog is 0.99"),
        ("corruptions/smoke", 0.5, "corruptions.smoke is 0.5, without cells"),
        ("groups/noise", 0.99, "groups.noise is 0.99"),
        ("geometric/mPC_only", 0.99, "geometric.mPC_only is 0.99"),
        ("intervals", 3, "intervals must be a group"),
        ("intervals/clean", [0.1], "intervals.clean must be an interval [low, high], got [0.1]"),
        ("intervals/mPC", [0.9, 0.1], "intervals.mPC must be an interval"),
        ("intervals/cells/fog;3", [0.1, "x"], "intervals.cells.fog/3 must be an interval"),
        ("intervals/cells", {"a": 3}, "intervals.cells.a must be an interval [low, high], got 3"),
        ("intervals/resamples", -1, "intervals.resamples must be at least 0"),
        ("warnings", "none", "warnings must be a list, got 'none'"),
        ("warnings", [{}], "warnings.0 must be text"),
        ("provenance", [], "provenance must be a group"),
        ("provenance/dataset", None, "provenance.dataset must be a group"),
        ("provenance/dataset/name", ["a"], "provenance.dataset.name must be"),
        ("provenance/dataset/n_images", 10**12, "provenance.dataset.n_images must be at most"),
        ("provenance/dataset/limit", "20", "provenance.dataset.limit must be a number"),
        ("provenance/dataset/limit", True, "provenance.dataset.limit must be a number"),
        ("provenance/estimator", "net", "provenance.estimator must be a group"),
        ("provenance/versions", {"robustpose": {}}, "provenance.versions.robustpose must be text"),
        ("provenance/row", {"differences": []}, "'provenance.row.name' is missing"),
        ("provenance/row", {"name": "a", "differences": "x"}, "provenance.row.differences must be a list"),
        ("suite", "coco-c", "its suite must be a name and a version"),
        ("suite", {"name": ["coco-c"]}, "unknown suite"),
        ("cells", LARGE, "cells must be of at most 10000 entries, got a group"),
    ],
)
def test_summary_that_makes_no_sense_is_one_short_line(tmp_path, place, value, words):
    content = put(FULL, [key.replace(";", "/") for key in place.split("/")], value)
    (tmp_path / "summary.json").write_text(json.dumps(content))
    with pytest.raises(UserError) as error:
        read_summary(tmp_path)
    assert words in str(error.value)
    assert "\n" not in str(error.value)
    assert len(str(error.value)) < 600 + len(str(tmp_path))


def test_what_others_say_of_their_data_is_kept(tmp_path):
    content = put(FULL, ["provenance", "dataset", "camera"], {"lens": [35, "mm"]})
    (tmp_path / "summary.json").write_text(json.dumps(content))
    assert read_summary(tmp_path) == content


@pytest.mark.parametrize(
    "content", [b"\xff\xfe{", b"[" * 100_000, b"{}", b"[]", b"3", b'{"a": 1', b"\r\n", b"1" * 6000]
)
def test_file_that_is_no_summary_is_one_line(tmp_path, content):
    (tmp_path / "summary.json").write_bytes(content)
    with pytest.raises(UserError, match=r"summary\.json") as error:
        read_summary(tmp_path)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("put_there", [os.mkfifo, os.mkdir])
def test_pipe_or_folder_in_the_place_of_a_summary_is_one_line(tmp_path, put_there):
    put_there(tmp_path / "summary.json")
    with pytest.raises(UserError, match=r"cannot read the summary .*: it is no file"):
        read_summary(tmp_path)
