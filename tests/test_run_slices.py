import json

import numpy as np
import pytest

from robustpose.corruptions.suites import COCO_C, choose_cells
from robustpose.errors import UserError
from robustpose.metrics import make_metric
from robustpose.metrics.robustness import take_means
from robustpose.metrics.score_tables import JointTable
from robustpose.pose.skeletons import COCO
from robustpose.pose.types import Poses
from robustpose.results.cell_score import JOINT, cut_people, score_cell
from robustpose.results.resampling import draw_weights
from robustpose.results.slices import describe_slices
from robustpose.results.slices_model import read_slices
from robustpose.results.sufferers import is_usable
from tests.people import draw_people

PART = choose_cells(["fog"], [1, 4])


def score_all(cells, metric="coco_ap", n_resamples=40, n_images=16):
    """Return arguments of `describe_slices`: of poses that get worse with the severity."""
    rng = np.random.default_rng(0)
    pairs = draw_people(0, n_images)
    truths = [truth for _, truth in pairs]
    slices = cut_people(truths, 17)
    weights = draw_weights(n_images, n_resamples) if n_resamples else None
    scores = {}
    for cell in cells:
        poses = [Poses(1, p.xy + rng.normal(0, 3 * cell.severity, p.xy.shape), p.confidence, p.score) for p, _ in pairs]
        scores[cell], _ = score_cell(cell, poses, truths, make_metric(metric, COCO), slices, weights)
    return scores, slices, truths, COCO.joints


@pytest.fixture(scope="module")
def full():
    arguments = score_all(COCO_C.cells)
    return describe_slices("AP", *arguments), arguments[0]


def test_every_slice_and_joint_has_clean_mpc_and_rpc_with_intervals(full):
    found, scores = full
    rows = {(row["kind"], row["name"]): row for row in found["slices"]}
    rows |= {(JOINT, row["name"]): row for row in found["joints"]}
    assert set(rows) == set(scores[COCO_C.cells[0]].slices)
    for key, row in rows.items():
        means = take_means({cell: scores[cell].slices[key].value for cell in COCO_C.cells}, COCO_C.cells)
        assert (row["clean"], row["mPC"], row["rPC"]) == (means.clean, means.mean, means.ratio)
        assert row["groups"] == means.groups
        assert row["severities"] == {str(severity): value for severity, value in means.severities.items()}
        for name in ("clean", "mPC", "rPC"):
            if row[f"{name}_interval"] is not None:
                low, high = row[f"{name}_interval"]
                assert 0 <= low <= high


def test_joints_are_worse_under_corruption_and_in_the_skeletons_order(full):
    found, _ = full
    assert [row["name"] for row in found["joints"]] == list(COCO.joints)
    assert found["joint_figure"] == "mean keypoint similarity"
    for row in found["joints"]:
        assert row["mPC"] < row["clean"]
        assert list(row["severities"].values()) == sorted(row["severities"].values(), reverse=True)


def test_people_are_counted_once_for_each_kind_of_slice(full):
    found, _ = full
    truths = [truth for _, truth in draw_people(0, 16)]
    counted = [~t.crowd & (t.visible > 0).any(1) for t in truths]
    n_people = sum(int(who.sum()) for who in counted)
    for kind in ("size", "visible joints", "crowding"):
        assert sum(row["n_people"] for row in found["slices"] if row["kind"] == kind) == n_people
    n_visible = sum((t.visible[who] > 0).sum(0) for t, who in zip(truths, counted, strict=True))
    assert [row["n"] for row in found["joints"]] == n_visible.tolist()


def test_calibration_is_there_for_every_cell(full):
    found, scores = full
    assert found["calibration"] == {cell.key: scores[cell].calibration for cell in COCO_C.cells}


def test_it_can_be_written_as_strict_json(full):
    text = json.dumps(full[0], allow_nan=False)
    assert json.loads(text) == full[0]


def test_part_of_the_grid_has_no_mpc():
    found = describe_slices("AP", *score_all(PART))
    for row in (*found["slices"], *found["joints"]):
        assert row["clean"] is not None
        assert (row["mPC"], row["mPC_interval"], row["rPC"], row["groups"]) == (None, None, None, {})


def test_metric_without_scores_has_no_calibration():
    found = describe_slices("PCK", *score_all(PART, "pck:box@0.1"))
    assert found["calibration"] is None
    assert found["joint_figure"] == "PCK"


def test_without_resamples_there_are_no_slices():
    assert describe_slices("AP", *score_all(PART, n_resamples=0)) is None


def test_slice_without_a_figure_is_null_and_not_zero(monkeypatch):
    # People who count and cannot be measured: without the limb that PCK is normalised by.
    scores, slices, truths, joints = score_all(PART, "pck:left_hip-right_hip@0.5")
    key = next(iter(slices))
    nothing = JointTable(np.zeros(16), np.zeros(16))
    for cell in scores:
        scores[cell].slices[key] = type(scores[cell].slices[key])(
            float(nothing.score()[0]), nothing.score(draw_weights(16, 30))
        )
    row = describe_slices("PCK", scores, slices, truths, joints)["slices"][0]
    assert (row["clean"], row["clean_interval"]) == (None, None)


def test_slices_are_read_back_as_they_were(full, tmp_path):
    assert read_slices(tmp_path, {"metric": "AP"}) is None
    (tmp_path / "slices.json").write_text(json.dumps(full[0]))
    assert read_slices(tmp_path, {"metric": "AP"}) == json.loads(json.dumps(full[0]))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda content: [], "it must be a group (key: value), got []"),
        (lambda content: content | {"metric": "PCK"}, "it is of PCK, and the summary of AP"),
        (lambda content: content | {"slices": {}}, "slices must be a list"),
        (lambda content: content | {"slices": [{}] * 20_000}, "slices must be of at most 10000 entries"),
        (lambda content: content | {"joints": [3]}, "joints.0 must be a group"),
        (lambda content: content | {"joint_figure": None}, "'joint_figure' is missing"),
        (lambda content: content | {"calibration": {"../x/3": {"bins": []}}}, "a cell is 'clean' or"),
        (lambda content: content | {"calibration": {"clean": {"bins": [{"score": "a", "oks": 1, "n": 1}]}}},
         "calibration.clean.bins.0.score must be a number, got 'a'"),
        (lambda content: spoil(content, clean="0.5"), "left_eye: values.clean must be a number, got '0.5'"),
        (lambda content: spoil(content, mPC_interval=[1]), "left_eye: intervals.mPC must be an interval"),
        (lambda content: spoil(content, groups={"noise": 50}), "joints.1.groups.noise must be a number from 0 to 1"),
        (lambda content: spoil(content, severities=[]), "joints.1.severities must be a group"),
        (lambda content: content["slices"][0].update(keeps_less=[None]) or content, "'keeps_less' must have an"),
        (lambda content: spoil(content, n=-3), "joints.1.n must be at least 0"),
        (lambda content: spoil(content, name=["x"]), "joints.1.name must be text"),
    ],
)  # fmt: skip
def test_slices_that_make_no_sense_are_one_short_line(full, tmp_path, change, words):
    (tmp_path / "slices.json").write_text(json.dumps(change(json.loads(json.dumps(full[0])))))
    with pytest.raises(UserError, match=r"slices\.json is damaged: .*; robustpose score .* writes it anew") as error:
        read_slices(tmp_path, {"metric": "AP"})
    assert words in str(error.value)
    assert "\n" not in str(error.value)
    assert len(str(error.value)) < 500 + 2 * len(str(tmp_path))


def spoil(content, **changes):
    content["joints"][1].update(changes)
    return content


def test_row_that_keeps_least_of_its_kind_has_the_intervals_of_how_much_less_it_keeps(monkeypatch):
    monkeypatch.setattr("robustpose.results.sufferers.FEW_IMAGES", 5)
    arguments = score_all(COCO_C.cells)
    rows = describe_slices("AP", *arguments)["slices"]
    paired = [row for row in rows if "keeps_less" in row]
    assert {row["kind"] for row in paired} == {"size", "visible joints", "crowding"}
    for row in paired:
        assert 5 <= row["n_images"] <= 16
        assert row["rPC"] == min(
            other["rPC"] for other in rows if other["kind"] == row["kind"] and is_usable(other, "rPC")
        )
        assert any(bounds is not None for bounds in row["keeps_less"])
        assert row["keeps_less"][rows.index(row)] is None
