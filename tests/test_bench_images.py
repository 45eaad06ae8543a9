"""bench on images without annotations, from the command to pages: consistency, called so everywhere, and only it."""

import json
import re
import shutil

import pytest

import robustpose
from robustpose.errors import UserError
from tests.conftest import make_onnx
from tests.runs import bench_predictions, files_of, write_predictions
from tests.test_cli import one_line_error

pytestmark = pytest.mark.filterwarnings("ignore:there are no annotations")  # which every such run says
MODEL = "tests.outside:guess_from_pixels"
CELLS = ("--corruptions", "fog,contrast", "--severities", "1,4", "--workers", 1)
NOT_OF_CONSISTENCY = re.compile(r"\bAP\b|mPC|rPC|consistency\*|clean\*")


def write_boxes(path, images):
    """Write a detection file that names images by their files."""
    found = [
        {"image_id": image.name, "category_id": 1, "bbox": box, "score": score}
        for image in sorted(images.iterdir())
        for box, score in (([5.0, 8.0, 40.0, 70.0], 0.9), ([45.0, 10.0, 38.0, 60.0], 0.6))
    ]
    path.write_text(json.dumps(found))
    return path


@pytest.fixture(scope="module")
def images(coco_folder, tmp_path_factory):
    return shutil.copytree(coco_folder / "images", tmp_path_factory.mktemp("alone") / "street")


@pytest.fixture(scope="module")
def boxes(images):
    return write_boxes(images.parent / "boxes.json", images)


def bench_images(run, images, boxes, out, *words):
    data = ("--images", images, "--boxes", f"clean-det:{boxes}")
    return run("bench", "--model", MODEL, *data, *CELLS, "--out", out, *words)


def test_whole_run_says_consistency_everywhere_and_nothing_of_scores(run, images, boxes, tmp_path):
    out = tmp_path / "run"
    code, printed, errors = bench_images(run, images, boxes, out, "--fail-under", "consistency.fog=0.1")
    assert code == 0, errors
    assert "passed: fog" in printed
    summary = json.loads((out / "summary.json").read_text())
    assert (summary["metric"], summary["clean"], summary["intervals"]["clean"]) == ("consistency", 1.0, [1.0, 1.0])
    assert {"mPC", "rPC", "AP"}.isdisjoint(summary)
    assert "there are no annotations" in summary["warnings"][0]
    assert all(0 < score < 1 for score in summary["cells"].values())
    assert summary["cells"]["contrast/4"] < summary["cells"]["contrast/1"]
    cells = [json.loads(line) for line in (out / "results.jsonl").read_text().splitlines()]
    for corruption, change in summary["changes"].items():
        of = [cell for cell in cells if cell["corruption"] == corruption]
        assert change == {name: pytest.approx(sum(cell[name] for cell in of) / 2) for name in ("lost", "new")}
    assert "people lost and new" in printed
    assert "people lost and new" in (out / "report.html").read_text()
    assert "| corruption | lost | new |" in (out / "table.md").read_text()
    for kind in ("cells", "corruptions"):
        ends = summary["intervals"][kind]
        assert all(ends[name][0] <= score <= ends[name][1] for name, score in summary[kind].items())
    texts = [printed, *((out / name).read_text() for name in ("table.md", "table.csv", "slices.json", "results.jsonl"))]
    assert all("consistency" in text and not NOT_OF_CONSISTENCY.search(text) for text in texts)
    page = (out / "report.html").read_text()
    page = re.sub(r"<(script|style).*?</\1>", "", page, flags=re.DOTALL)
    assert "The paper has no consistency" in page
    assert not NOT_OF_CONSISTENCY.search(re.sub(r"<[^>]+>", " ", page))
    before = files_of(out)
    for command in ("score", "report"):
        assert run(command, out)[0] == 0
        assert files_of(out) == before


def test_mean_over_a_whole_suite_is_called_consistency(run, images, boxes, tmp_path):
    data = ("--images", images, "--boxes", f"clean-det:{boxes}", "--suite", "held-out", "--corruptions", "all")
    out = tmp_path / "run"
    words = ("--limit", 2, "--workers", 1, "--resamples", 40, "--no-report", "--out", out)
    code, printed, errors = run("bench", "--model", MODEL, *data, *words, "--fail-under", "consistency=0.1")
    assert code == 0, errors
    assert re.search(r"clean 100\.0 \[100\.0, 100\.0\] +consistency \d", printed)
    assert "passed: consistency 0." in printed
    summary = json.loads((out / "summary.json").read_text())
    assert {"mPH", "rPH"}.isdisjoint(summary)
    assert summary["consistency"] == pytest.approx(sum(summary["cells"].values()) / len(summary["cells"]))
    found = robustpose.load_run(out)
    assert (found.mean, found.ratio, found.consistency) == (summary["consistency"], None, summary["consistency"])
    with pytest.raises(AttributeError, match="it has no mPH"):
        found.mPH  # noqa: B018


def test_predictions_of_an_annotated_run_have_the_consistency_that_their_images_alone_have(
    run, coco_folder, images, tmp_path
):
    predictions = write_predictions(tmp_path / "predictions", coco_folder, 2.0)
    annotated = bench_predictions(run, coco_folder, predictions, tmp_path / "a", "--metric", "consistency")
    words = ("--images", images, *CELLS, "--out", tmp_path / "b")
    code, _, errors = run("bench", "--model", f"results:{predictions}", *words)
    assert code == 0, errors
    first, second = (json.loads((out / "summary.json").read_text()) for out in (annotated, tmp_path / "b"))
    for name in ("clean", "cells", "corruptions", "intervals"):
        assert first[name] == second[name]
    of_run = bench_predictions(run, coco_folder, predictions, tmp_path / "ap")  # whose poses may be of annotated people
    code, _, errors = run("bench", "--model", f"results:{of_run}", "--images", images, *CELLS, "--out", tmp_path / "c")
    assert code == 0, errors
    assert json.loads((tmp_path / "c" / "summary.json").read_text())["cells"] == first["cells"]


def test_consistency_stands_beside_consistency_alone(run, coco_folder, images, boxes, tmp_path):
    runs = tmp_path / "runs"
    for name in ("a", "b"):
        assert bench_images(run, images, boxes, runs / name, "--no-report")[0] == 0
    code, printed, errors = run("compare", runs / "a", runs / "b", "--out", tmp_path / "beside")
    assert code == 0, errors
    assert "consistency in percent on street, 9 images" in printed
    shutil.rmtree(runs / "b")
    predictions = write_predictions(tmp_path / "predictions", coco_folder, 2.0)
    bench_predictions(run, coco_folder, predictions, runs / "ap", "--no-report")
    one_line_error(
        run("compare", runs / "a", runs / "ap"), "have no scores in common: their scores are consistency and AP"
    )
    code, printed, errors = run("leaderboard", runs, "--out", tmp_path / "board")
    assert code == 0, errors
    assert "consistency in percent" not in printed
    assert "left out: a: its consistency says how much poses change, not how right they are" in errors
    assert "note: left out: a has consistency, which no claim is about" in run("findings", runs, "--resamples", 40)[1]
    one_line_error(run("findings", runs / "a"), "there is no run with scores that a claim is about")


def test_stopped_run_goes_on_and_shards_make_the_same(run, images, boxes, tmp_path):
    bench_images(run, images, boxes, tmp_path / "whole", "--no-report")
    bench_images(run, images, boxes, tmp_path / "more", "--no-report", "--limit", 4)
    bench_images(run, images, boxes, tmp_path / "more", "--no-report")
    for shard in ("1/2", "2/2"):
        assert bench_images(run, images, boxes, tmp_path / "parts", "--shard", shard)[0] == 0
    code, _, errors = run("merge", tmp_path / "parts", "--no-report")
    assert code == 0, errors
    expected = files_of(tmp_path / "whole")
    for other in ("more", "parts"):
        found = files_of(tmp_path / other)
        differing = {name for name in expected if found.get(name) != expected[name]} - {"run.json", "inputs.json"}
        assert not differing


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["--boxes", "gt"], "this model looks into boxes, and nothing says where people are in these images: name"),
        (["--metric", "coco_ap"], "images without annotations are scored by consistency alone"),
        (["--preview", "--corruptions", "all"], "--preview estimates the mean of a score"),
        (["--fail-under", "mPC=0.3"], "no score is called 'mPC'"),
        (["--fail-under", "consistency=0.3"], "consistency needs clean and all 75 cells of coco-c"),
        (["--category", "person"], "data 'images' takes no category (--category)"),
        (["--only-with-people"], "no image is left by --only-with-people"),
    ],
)
def test_what_images_alone_cannot_have_is_one_line_before_anything_is_written(
    run, images, boxes, tmp_path, words, expected
):
    cells = [] if "--corruptions" in words else ["--corruptions", "fog", "--severities", 1]
    given = [] if "--boxes" in words else ["--boxes", f"clean-det:{boxes}"]
    out = tmp_path / "run"
    one_line_error(run("bench", "--model", MODEL, "--images", images, *given, *cells, "--out", out, *words), expected)
    assert not out.exists()


def test_nobody_on_the_clean_images_is_one_line_and_no_number(run, images, tmp_path):
    found = tmp_path / "found"
    found.mkdir()
    pose = {"image_id": "000001.jpg", "category_id": 1, "keypoints": [1.0] * 51, "score": 0.5}
    for clean, expected in (
        ([], "nobody was found on the 9 clean images"),
        ([{**pose, "score": -1.0}], "all poses on clean images have a score of 0 or below"),
    ):
        (found / "clean.json").write_text(json.dumps(clean))
        (found / "fog-1.json").write_text(json.dumps([pose]))
        words = ("--corruptions", "fog", "--severities", 1, "--out", tmp_path / "run", "--fresh")
        one_line_error(run("bench", "--model", f"results:{found}", "--images", images, *words), expected)
        assert not (tmp_path / "run" / "summary.json").exists()


def test_detector_in_the_loop_gives_both_runs_their_consistency(run, images, tmp_path):
    words = ("--images", images, *CELLS, "--resamples", 40, "--limit", 4, "--no-report")
    detector = ("--boxes", "detect:tests.test_detecting:find_bright")
    code, printed, errors = run("bench", "--model", MODEL, *detector, *words, "--out", tmp_path / "both")
    assert code == 0, errors
    assert not NOT_OF_CONSISTENCY.search(printed.replace("box AP", ""))
    found = tmp_path / "both" / "detections"
    summaries = {}
    for name, boxes in (("clean-det", f"clean-det:{found / 'clean.json'}"), ("corrupt-det", f"corrupt-det:{found}")):
        out = tmp_path / name
        code, _, errors = run("bench", "--model", MODEL, "--boxes", boxes, *words, "--out", out)
        assert code == 0, errors
        summaries[name] = json.loads((out / "summary.json").read_text())
        assert summaries[name]["cells"] == json.loads((tmp_path / "both" / name / "summary.json").read_text())["cells"]
    assert summaries["clean-det"]["cells"] != summaries["corrupt-det"]["cells"]


def test_joints_are_those_that_the_model_has(images, boxes, tmp_path):
    hands = make_onnx(tmp_path / "hands.onnx", n_joints=21)
    data = {"images": images, "boxes": f"clean-det:{boxes}", "limit": 2, "corruptions": "fog", "severities": 3}
    with pytest.warns(UserWarning, match="joints are those of hand-21, by the names that the model gives"):
        found = robustpose.bench(f"onnx:{hands}", **data, workers=1, resamples=40, report=False, progress=False)
    assert found.summary["provenance"]["dataset"]["skeleton"] == "hand-21"
    assert len(found.joints) == 21
    named = robustpose.bench(
        f"onnx:{hands}", **data, skeleton="hand-21", workers=1, resamples=40, report=False, progress=False
    )
    assert named.cells == found.cells


def test_clean_images_alone_are_not_evaluated_by_consistency(images):
    with pytest.raises(UserError, match=r"^consistency compares poses under corruption"):
        robustpose.evaluate("demo", "toy", limit=2, metric="consistency", progress=False)
