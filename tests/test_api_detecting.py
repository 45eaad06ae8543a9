"""detect, and bench in a detector's boxes, from Python: what commands make, from objects in memory, too."""

import json

import pytest

import robustpose
from robustpose import UserError
from tests.test_detecting import DETECTOR, MODEL, find_bright

SMALL = {"corruptions": "fog", "severities": 2, "seed": 5, "resamples": 40, "workers": 1, "progress": False}


@pytest.fixture
def small(coco_folder):
    return {"annotations": coco_folder / "people.json", "images": coco_folder / "images", **SMALL}


@pytest.mark.filterwarnings("ignore:AP on clean")
def test_bench_in_boxes_gives_both_runs_and_what_is_lost(small, tmp_path):
    found = robustpose.bench(MODEL, boxes=f"detect:{DETECTOR}", detector_options={"min_score": 0.0}, **small)
    boxes = robustpose.detect(DETECTOR, options={"min_score": 0.0}, out=tmp_path / "boxes", **small)
    for name, run, choice in (
        ("clean-det", found.clean_det, f"clean-det:{boxes.folder / 'clean.json'}"),
        ("corrupt-det", found.corrupt_det, f"corrupt-det:{boxes.folder}"),
    ):
        alone = robustpose.bench(MODEL, boxes=choice, **small)
        assert run.folder == found.folder / name
        assert run.cells == alone.cells
        predictions = "predictions/fog-2.json"
        assert (run.folder / predictions).read_bytes() == (alone.folder / predictions).read_bytes()
    assert {row["name"] for row in found.table["rows"]} >= {"clean", "fog", "fog/2"}


def test_detector_in_memory_finds_the_boxes_of_one_that_is_named(small):
    named, held = (robustpose.detect(one, **small) for one in (DETECTOR, find_bright))
    for name in ("clean.json", "fog-2.json"):
        assert (named.folder / name).read_bytes() == (held.folder / name).read_bytes()
    assert held.scores["cells"] == named.scores["cells"]


def test_dry_run_writes_nothing(small, tmp_path):
    out = tmp_path / "not yet"
    plan = robustpose.detect(DETECTOR, out=out, dry_run=True, **small)
    assert (plan.n_images, plan.n_cells, plan.n_done) == (9, 2, 0)
    both = robustpose.bench(MODEL, boxes=find_bright, out=out, dry_run=True, **small)
    assert "in clean-det and corrupt-det boxes of" in str(both)
    assert not out.exists()


@pytest.mark.parametrize(
    ("call", "line"),
    [
        (lambda s: robustpose.detect(3, **s), "a detector must be a name such as .* got int"),
        (lambda s: robustpose.detect(find_bright, boxes="gt", **s), "boxes do not depend on boxes=: leave it out"),
        (lambda s: robustpose.detect(find_bright, options=3, **s), "options of a detector go by name"),
        (lambda s: robustpose.bench(MODEL, boxes="detect:", **s), "boxes= needs a detector after detect:"),
        (lambda s: robustpose.bench(MODEL, detector_options={"a": 1}, **s), "detector_options= go with boxes='detect:"),
        (lambda s: robustpose.bench(MODEL, "toy", boxes=find_bright, limit=2), "data 'toy' takes no boxes="),
    ],
)
def test_mistakes_are_one_line(small, call, line):
    with pytest.raises(UserError, match=line) as error:
        call(small)
    assert "\n" not in str(error.value)


def test_table_is_the_one_that_the_folder_holds(small, tmp_path):
    with pytest.warns(UserWarning, match="AP on clean"):
        found = robustpose.bench(MODEL, boxes=find_bright, out=tmp_path / "run", **small)
    assert json.loads((tmp_path / "run/detector.json").read_text()) == json.loads(json.dumps(found.table))
