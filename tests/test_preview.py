import json

import numpy as np
import pytest

from robustpose.benchmark.preview import WEIGHTS, choose_images, list_cells
from robustpose.corruptions.suites import COCO_C
from robustpose.data.coco import read_coco
from robustpose.results.doubts import doubt_few
from tests.runs import bench_predictions, write_predictions

# The data of these tests are few, which is said.
pytestmark = pytest.mark.filterwarnings("default:this is of . images? only, too few:UserWarning")


@pytest.fixture
def predictions(tmp_path, coco_folder):
    return write_predictions(tmp_path / "predictions", coco_folder, 2.0, cells=COCO_C.cells)


def preview(run, coco_folder, predictions, out, *words):
    data = ("--annotations", coco_folder / "people.json", "--images", coco_folder / "images")
    return run("bench", "--preview", "--model", f"results:{predictions}", *data, "--workers", 1, "--out", out, *words)


def test_preview_is_marked_as_an_estimate_and_writes_no_summary(run, coco_folder, predictions, tmp_path):
    code, output, errors = preview(run, coco_folder, predictions, tmp_path / "out", "--preview-images", 6)
    assert code == 0, errors
    assert "ESTIMATE from 6 of 9 images" in output
    content = json.loads((tmp_path / "out" / "preview.json").read_text())
    assert content["is_estimate"] is True
    assert content["images"] == 6
    low, high = content["intervals"]["mPC"]
    assert low < content["mPC"] < high
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert not names & {"summary.json", "results.jsonl", "report.html", "table.md"}


def test_with_all_images_only_two_severities_are_guessed(run, coco_folder, predictions, tmp_path):
    preview(run, coco_folder, predictions, tmp_path / "out", "--resamples", 50)
    full = bench_predictions(run, coco_folder, predictions, tmp_path / "full", "--corruptions", "all")
    estimate = json.loads((tmp_path / "out" / "preview.json").read_text())
    summary = json.loads((full / "summary.json").read_text())
    assert estimate["clean"] == summary["clean"]
    cells = summary["cells"]
    fog = sum(weight * cells[f"fog/{severity}"] for severity, weight in WEIGHTS.items())
    assert estimate["corruptions"]["fog"] == pytest.approx(fog, abs=1e-12)
    assert estimate["mPC"] == pytest.approx(summary["mPC"], abs=0.03)


def test_full_bench_refuses_a_previews_folder_and_the_other_way_round(run, coco_folder, predictions, tmp_path):
    preview(run, coco_folder, predictions, tmp_path / "out")
    data = ("--annotations", coco_folder / "people.json", "--images", coco_folder / "images", "--workers", 1)
    code, _, errors = run("bench", "--model", f"results:{predictions}", *data, "--out", tmp_path / "out")
    assert code == 2
    assert "preview" in errors
    code, _, errors = run("report", tmp_path / "out")
    assert code == 2
    assert "it holds a preview" in errors
    full = bench_predictions(run, coco_folder, predictions, tmp_path / "full")
    code, _, errors = preview(run, coco_folder, predictions, full)
    assert code == 2
    assert "preview" in errors


def test_same_images_are_chosen_every_time(coco_folder):
    def make():
        return read_coco(coco_folder / "people.json", coco_folder / "images")

    first, second = choose_images(make, 4), choose_images(make, 4)
    ids = [first.truth(index).image_id for index in range(len(first))]
    assert ids == [second.truth(index).image_id for index in range(len(second))]
    assert len(set(ids)) == 4
    assert first.frame(2).image_id == ids[2]
    assert len(choose_images(make, 100)) == 9


def test_preview_chooses_its_cells_itself(run, coco_folder, predictions, tmp_path):
    code, _, errors = preview(run, coco_folder, predictions, tmp_path / "out", "--corruptions", "fog")
    assert code == 2
    assert "leave out --corruptions" in errors
    assert preview(run, coco_folder, predictions, tmp_path / "out", "--preview-images", 0)[0] == 2


def test_weights_of_the_severities_are_those_of_a_line():
    scores = np.array([0.5, 0.4, 0.3, 0.2, 0.1])
    assert sum(weight * scores[severity - 1] for severity, weight in WEIGHTS.items()) == pytest.approx(scores.mean())
    assert sum(WEIGHTS.values()) == pytest.approx(1)
    assert len(list_cells(COCO_C)) == 46


def test_preview_of_too_few_images_says_so(run, coco_folder, predictions, tmp_path):
    told = "this is of 1 image only, too few for intervals to hold: others may tell otherwise"
    _, _, errors = preview(run, coco_folder, predictions, tmp_path / "out", "--preview-images", 1)
    assert told in " ".join(errors.split())
    assert told in json.loads((tmp_path / "out" / "preview.json").read_text())["warnings"]
    assert doubt_few(30) == []
