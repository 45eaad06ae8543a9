"""A detector in the loop: one pass, files, resuming, and the two runs that are those of two benches with its files."""

import json

import numpy as np
import pytest

from tests.runs import files_of

WORDS = ("--corruptions", "fog,contrast", "--severities", "2", "--workers", 1, "--seed", 5, "--resamples", 40)
DETECTOR = "tests.test_detecting:find_bright"
MODEL = "tests.outside:guess_from_pixels"


def find_bright(image):
    """Find two boxes that depend on every pixel of the image."""
    height, width = image.shape[:2]
    mean = image.astype(float).mean(2)
    shift = mean.mean() / 256 * 7.1234567
    left = [2 + shift, 7, 0.4 * width + shift, height - 8.3, mean[:, : width // 2].mean() / 256]
    right = [0.5 * width, 3 + shift, width - 2.5, height - 20 + shift, mean[:, width // 2 :].mean() / 256]
    return np.array([left, right])


def data_of(folder):
    return ("--annotations", folder / "people.json", "--images", folder / "images")


@pytest.fixture(scope="module")
def both(tmp_path_factory, coco_folder):
    """The folder of both runs, made in one pass."""
    from robustpose.cli import main

    out = tmp_path_factory.mktemp("both") / "run"
    words = ("bench", "--model", MODEL, "--boxes", f"detect:{DETECTOR}", *data_of(coco_folder), *WORDS, "--out", out)
    with pytest.raises(SystemExit) as end:
        main([str(word) for word in words])
    assert not end.value.code
    return out


def test_runs_are_those_of_detect_and_two_benches(both, run, coco_folder, tmp_path):
    boxes, data = tmp_path / "detections", data_of(coco_folder)
    assert run("detect", "--model", DETECTOR, *data, *WORDS, "--out", boxes)[0] == 0
    assert without_paths(files_of(both / "detections")) == without_paths(files_of(boxes))
    for name, choice in (("clean-det", f"clean-det:{boxes}/clean.json"), ("corrupt-det", f"corrupt-det:{boxes}")):
        out = tmp_path / name
        assert run("bench", "--model", MODEL, "--boxes", choice, *data, *WORDS, "--out", out)[0] == 0
        assert without_paths(files_of(both / name)) == without_paths(files_of(out))


def test_boxes_differ_from_cell_to_cell_and_nothing_else_is_left(both):
    names = {path.name for path in both.iterdir()}
    assert names == {".lock", "both.json", "detections", "clean-det", "corrupt-det", "detector.json", "detector.md"}
    clean, fog = (json.loads((both / "detections" / name).read_text()) for name in ("clean.json", "fog-2.json"))
    assert len(clean) == len(fog) == 18
    assert clean[0]["bbox"] != fog[0]["bbox"]
    assert all(round(number, 3) == number for entry in clean for number in entry["bbox"])


def test_table_says_what_the_detector_loses(both):
    table = json.loads((both / "detector.json").read_text())
    rows = {(row["kind"], row["name"]): row for row in table["rows"]}
    runs = {name: json.loads((both / name / "summary.json").read_text()) for name in ("clean-det", "corrupt-det")}
    fog = rows["cell", "fog/2"]
    assert fog["clean-det"] == runs["clean-det"]["cells"]["fog/2"]
    assert fog["lost"] == fog["clean-det"] - runs["corrupt-det"]["cells"]["fog/2"]
    scores = json.loads((both / "detections/scores.json").read_text())
    assert fog["box_AP"] == scores["cells"]["fog/2"] == scores["figures"]["fog/2"]["box_AP"]
    assert rows["headline", "clean"]["lost"] == 0


def test_table_says_what_part_of_the_whole_loss_is_the_detectors(both):
    table = json.loads((both / "detector.json").read_text())
    rows = {(row["kind"], row["name"]): row for row in table["rows"]}
    fog, clean = rows["corruption", "fog"], rows["headline", "clean"]
    assert fog["whole_loss"] == clean["clean-det"] - fog["corrupt-det"]
    assert clean["share"] is None
    lines = (both / "detector.md").read_text().splitlines()
    titles = ["", "box AP", "clean-det", "corrupt-det", "whole loss", "detector's part", "share %"]
    assert f"| {' | '.join(titles)} |" in lines
    assert next(line for line in lines if line.startswith("| AP")).endswith("| – | – | – |")
    assert any(line.startswith("mPC and rPC need clean and all 75 cells") for line in lines)
    assert any("what the detector costs on clean images is not in it" in line for line in lines)


@pytest.mark.parametrize(
    ("scores", "spread", "share"),
    [((0.8, 0.5, 0.4), 0.01, 0.25), ((0.8, 0.8, 0.78), 0.2, None), ((0.8, 0.7, 0.799), 0.0, None)],
)
def test_share_is_of_a_loss_that_is_there(scores, spread, share):
    from robustpose.benchmark.detecting.both import find_losses

    noise = np.random.default_rng(1).normal(0, spread, (3, 400))
    among = tuple(np.array(scores)[:, None] + noise)
    losses = find_losses(scores, among, True)
    assert losses["share"] == pytest.approx(share)
    assert (losses["share_interval"] is None) == (share is None)
    if share is not None:
        low, high = losses["share_interval"]
        expected = np.quantile((among[1] - among[2]) / (among[0] - among[2]), [0.025, 0.975])
        assert [low, high] == pytest.approx(list(expected))
    alone = find_losses(scores, None, False)
    assert (alone["whole_loss"], alone["lost"]) == (scores[0] - scores[2], scores[1] - scores[2])


def test_killed_run_goes_on_to_the_same_bytes(both, run, coco_folder, tmp_path, monkeypatch):
    from robustpose.benchmark.detecting import work

    out = tmp_path / "stopped"
    words = ("bench", "--model", MODEL, "--boxes", f"detect:{DETECTOR}", *data_of(coco_folder), *WORDS, "--out", out)
    keep, left = work.Detecting.keep, iter(range(4))

    def stop(self, found):
        if next(left, None) is None:
            raise KeyboardInterrupt
        keep(self, found)

    with monkeypatch.context() as patch:
        patch.setattr(work.Detecting, "keep", stop)
        assert run(*words)[0] == 130
    assert not (out / "detections").exists()
    assert run("report", out)[2].endswith(f"{out / 'corrupt-det'}\n")
    unit = next(path for path in sorted(out.glob("pass/*/units/*/*.npz")))
    unit.write_bytes(b"rubbish")
    assert run(*words)[0] == 0
    assert without_paths(files_of(out)) == without_paths(files_of(both))


def without_paths(files):
    """Return the files of a folder but for those that say where it is."""
    return {name: content for name, content in files.items() if not name.endswith("inputs.json")}


def test_each_image_is_decoded_and_corrupted_once(run, coco_folder, tmp_path, monkeypatch):
    from robustpose.data.corrupted import MadeImages
    from robustpose.data.readers import FileReader

    counts = {"decoded": 0, "corrupted": 0}
    corrupt, decode = MadeImages.read, FileReader.__call__

    def count_corrupted(self, frame, cell):
        counts["corrupted"] += 1
        return corrupt(self, frame, cell)

    def count_decoded(self):
        counts["decoded"] += 1
        return decode(self)

    monkeypatch.setattr(MadeImages, "read", count_corrupted)
    monkeypatch.setattr(FileReader, "__call__", count_decoded)
    words = ("bench", "--model", MODEL, "--boxes", f"detect:{DETECTOR}", *data_of(coco_folder), *WORDS)
    assert run(*words, "--no-report", "--quiet", "--out", tmp_path / "run")[0] == 0
    tried = 1  # image, on which the detector is tried before
    assert counts == {"decoded": 9 + tried, "corrupted": 9 * 2}


def test_weak_boxes_are_not_looked_at_and_stay_in_the_files(both, run, coco_folder, tmp_path):
    words = (*data_of(coco_folder), *WORDS, "--no-report", "--min-box-score", 0.43)
    out, alone = tmp_path / "run", tmp_path / "alone"
    assert run("bench", "--model", MODEL, "--boxes", f"detect:{DETECTOR}", *words, "--out", out)[0] == 0
    assert (out / "detections/fog-2.json").read_bytes() == (both / "detections/fog-2.json").read_bytes()
    assert (
        run("bench", "--model", MODEL, "--boxes", f"corrupt-det:{out / 'detections'}", *words, "--out", alone)[0] == 0
    )
    assert without_paths(files_of(out / "corrupt-det")) == without_paths(files_of(alone))
    n_boxes = sum(entry["score"] >= 0.43 for entry in json.loads((out / "detections/fog-2.json").read_text()))
    assert 0 < n_boxes == len(json.loads((out / "corrupt-det/predictions/fog-2.json").read_text())) < 18
    assert json.loads((out / "corrupt-det/summary.json").read_text())["provenance"]["dataset"]["min_box_score"] == 0.43


def test_boxes_say_their_category_where_there_are_several(run, coco_content, coco_folder, tmp_path):
    coco_content["categories"] = [{**coco_content["categories"][0], "id": 5 + i, "name": f"kind{i}"} for i in range(3)]
    for number, person in enumerate(coco_content["annotations"]):
        person["category_id"] = 5 + number % 3
    (tmp_path / "people.json").write_text(json.dumps(coco_content))
    data = ("--annotations", tmp_path / "people.json", "--images", coco_folder / "images", "--category", "all")
    words, out = (*data, "--corruptions", "none", "--workers", 1, "--no-report"), tmp_path / "run"
    boxes = "detect:tests.test_detecting:find_kinds"
    code, _, errors = run("bench", "--model", MODEL, "--boxes", boxes, *words, "--out", out)
    assert code == 0, errors
    detections = json.loads((out / "detections/clean.json").read_text())
    assert [entry["category_id"] for entry in detections[:2]] == [5, 7]
    poses = json.loads((out / "corrupt-det/predictions/clean.json").read_text())
    assert {entry["category_id"] for entry in poses} == {5, 7}
    alone = tmp_path / "alone"
    assert (
        run("bench", "--model", MODEL, "--boxes", f"corrupt-det:{out / 'detections'}", *words, "--out", alone)[0] == 0
    )
    assert without_paths(files_of(out / "corrupt-det")) == without_paths(files_of(alone))


def find_kinds(image):
    """Find the same boxes, each of a class."""
    boxes = find_bright(image)
    return np.concatenate([boxes, [[0], [2]]], axis=1)


find_kinds.names = ["kind0", "kind1", "kind2"]


@pytest.mark.filterwarnings("default:there are no annotations")
def test_images_alone_have_boxes_without_scores(run, coco_folder, tmp_path):
    words = ("--images", coco_folder / "images", *WORDS)
    assert run("detect", "--model", DETECTOR, *words, "--out", tmp_path / "boxes")[0] == 0
    assert not (tmp_path / "boxes/scores.json").exists()
    code, _, errors = run("bench", "--model", MODEL, "--boxes", f"detect:{DETECTOR}", *words, "--out", tmp_path / "run")
    assert code == 0, errors
    assert errors.count("there are no annotations") <= 1
    table = json.loads((tmp_path / "run/detector.json").read_text())
    assert table["metric"] == "consistency"
    assert {row["box_AP"] for row in table["rows"]} == {None}
    words = (tmp_path / "run/detector.md").read_text()
    assert "box AP" not in words
    assert words.count("there are no annotations") == 1


def find_nothing(image):
    """Find nothing."""
    return np.zeros((0, 5))


def find_fractions(image):
    """Find a box, in fractions of the image."""
    return np.array([[0.1, 0.1, 0.5, 0.9, 0.9]])


LOOP = ("bench", "--model", MODEL, "--boxes")


@pytest.mark.parametrize(
    ("words", "line"),
    [
        ((*LOOP, "detect"), "--boxes detect needs a detector: detect:MODEL"),
        (
            (*LOOP, "detect:tests.test_detecting:find_fractions"),
            "boxes of the detector are fractions of the image, at most 0.8: expected px, x1 y1 x2 y2",
        ),
        ((*LOOP, f"detect:{DETECTOR}", "--preview"), "--preview does not go with --boxes detect:MODEL"),
        ((*LOOP, f"detect:{DETECTOR}", "--fail-under", "clean=3%"), "--fail-under does not go with --boxes detect:"),
        (
            ("bench", "--model", "results:{both}/clean-det/predictions", "--boxes", f"detect:{DETECTOR}"),
            "is for a model that looks at images",
        ),
        (("bench", "--model", MODEL, "--detector-set", "a=1"), "--detector-set goes with --boxes detect:MODEL"),
        (("bench", "--model", MODEL, "--min-box-score", 0.2), "goes with detected boxes: annotated ones, gt, have no"),
        ((*LOOP, "corrupt-det:{both}/detections", "--min-box-score", 0.99), "leaves no box on the clean images"),
        (("detect", "--model", MODEL), "cannot be called as f(image)"),
    ],
)
def test_mistakes_are_one_line_and_nothing_is_written(words, line, both, run, coco_folder, tmp_path):
    words = [str(word).replace("{both}", str(both)) for word in words]
    small = ("--corruptions", "fog", "--severities", 2, "--workers", 1)
    code, _, errors = run(*words, *data_of(coco_folder), *small, "--out", tmp_path / "run")
    assert (code, errors.count("\n")) == (2, 1), errors
    assert line in errors
    assert not (tmp_path / "run").exists()


@pytest.mark.filterwarnings("default")
def test_detector_that_found_nobody_is_named_at_the_end(run, coco_folder, tmp_path):
    small = ("--corruptions", "none", "--workers", 1, "--out", tmp_path / "run")
    code, _, errors = run(*LOOP, "detect:tests.test_detecting:find_nothing", *data_of(coco_folder), *small)
    assert code == 2
    assert "finds nothing in 8 clean images: is it of other classes (classes=), or its min_score (0.05) too" in errors
    assert "detector 'tests.test_detecting:find_nothing' found nobody in the 9 clean images: is it" in errors
    assert "form=" not in errors
    assert "holds no box" not in errors


@pytest.mark.filterwarnings("default")
def test_detector_that_finds_nothing_is_doubted_before_the_work(run, coco_folder, tmp_path):
    words = ("--corruptions", "none", "--workers", 1, "--out", tmp_path / "boxes")
    code, _, errors = run("detect", "--model", "tests.test_detecting:find_nothing", *data_of(coco_folder), *words)
    assert code == 0
    assert errors.index("finds nothing in 8 clean images") < errors.index("detecting:")
    assert json.loads((tmp_path / "boxes/clean.json").read_text()) == []
    assert json.loads((tmp_path / "boxes/scores.json").read_text())["clean"] == 0
