from pathlib import Path

import pytest

from robustpose.corruptions.suites import COCO_C, HELD_OUT
from robustpose.errors import UserError
from robustpose.results.one_model import identify_model, order_suites, pair_models
from tests.summaries import make_summary

WEIGHTS = {"name": "net.pth", "kind": "heatmaps", "sha256": "a" * 64, "flip_test": True, "input": "192x256"}


def make(suite=COCO_C, boxes="gt", estimator=WEIGHTS, clean=0.7, **of_data):
    """Return the summary of a run of an estimator."""
    summary = make_summary(suite=suite, cells=suite.cells, boxes=boxes, clean=clean)
    summary["provenance"]["estimator"] = estimator
    summary["provenance"]["dataset"] = {**summary["provenance"]["dataset"], **of_data}
    return summary


def pair(*summaries):
    return pair_models([Path(f"runs/r{number}") for number in range(len(summaries))], summaries)


def test_one_model_is_known_by_weights_and_options_and_never_by_its_name():
    known = identify_model(make())
    for same in ({"name": "other.pth"}, {"device": "cuda"}, {"torch": "3.0"}, {"seen": ["fog"]}):
        assert identify_model(make(estimator=WEIGHTS | same)) == known
    for other in ({"sha256": "b" * 64}, {"flip_test": False}, {"input": "96x128"}, {"adapt": "bn"}):
        assert identify_model(make(estimator=WEIGHTS | other)) != known
    assert identify_model(make(estimator={"name": "net.pth", "kind": "heatmaps"})) is None


def test_code_of_ones_own_tells_models_apart_and_versions_of_libraries_do_not():
    codes = [{"net.py": "a" * 64, "numpy": "2.0"}, {"net.py": "a" * 64, "numpy": "2.1"}, {"net.py": "b" * 64}]
    known = [identify_model(make(estimator={"name": "m:f", "code": code})) for code in codes]
    assert known[0] == known[1] != known[2]


def test_runs_of_one_model_stand_in_one_row_in_the_order_of_first_runs():
    other = WEIGHTS | {"flip_test": False}
    models, notes = pair(make(HELD_OUT, estimator=other), make(), make(HELD_OUT))
    assert [dict(model.runs) for model in models] == [{"held-out 1": 0}, {"coco-c 1": 1, "held-out 1": 2}]
    assert not notes
    assert [suite.name for suite in order_suites([make(HELD_OUT), make()])] == ["coco-c", "held-out"]


def test_a_run_that_does_not_say_what_it_is_of_is_a_model_by_itself():
    unknown = {"name": "net.pth"}
    models, notes = pair(make(estimator=unknown), make(HELD_OUT, estimator=unknown))
    assert len(models) == 2
    assert "r0 does not say which weights or code it is of" in notes[0]


def test_results_files_in_two_folders_are_said_to_be_of_nobody_knows_whom():
    one, other = ({"kind": "results", "name": "p", "sha256": letter * 64} for letter in "ab")
    models, notes = pair(make(estimator=one), make(HELD_OUT, estimator=other))
    assert len(models) == 2
    assert "put the files of all suites in one folder" in notes[0]
    assert len(pair(make(estimator=one), make(HELD_OUT, estimator=one))[0]) == 1


@pytest.mark.parametrize(
    ("summaries", "message"),
    [
        ([make(), make()], r"r0 and .*r1 are of one model \(net.pth\) and one suite \(coco-c\): name one of them"),
        ([make(), make(boxes="clean-det")], "and differ in box protocol gt and clean-det: name one of them"),
        ([make(), make(HELD_OUT, boxes="clean-det")], "not measured in the same boxes: boxes gt and clean-det;"),
        (
            [make(boxes="clean-det", boxes_sha256="1"), make(HELD_OUT, boxes="clean-det", boxes_sha256="2")],
            "same boxes: boxes_sha256 1 and 2",
        ),
        ([make(), make(HELD_OUT, clean=0.69)], "score 70.000 and 69.000 on the same clean images: one of them is not"),
    ],
)
def test_what_is_not_one_measurement_of_one_model_is_refused_in_one_line(summaries, message):
    with pytest.raises(UserError, match=message):
        pair(*summaries)


def test_boxes_with_files_for_each_cell_may_be_other_files_for_each_suite():
    boxes = {"boxes": "corrupt-det", "boxes_sha256": "1"}
    models, notes = pair(make(**boxes), make(HELD_OUT, **boxes | {"boxes_sha256": "2"}))
    assert (len(models), notes) == (1, [])


def test_clean_scores_that_another_machine_may_explain_are_noted():
    _, notes = pair(make(), make(HELD_OUT, clean=0.7004))
    assert "r0 and r1 are of one model and score 70.000 and 70.040 on clean images" in notes[0]
