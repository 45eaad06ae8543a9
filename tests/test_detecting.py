"""A detector in the loop: one pass, files, resuming, and the two runs that are those of two benches with its files."""

import json

import numpy as np
import pytest

from tests.runs import files_of

WORDS = ("--corruptions", "fog,contrast", "--severities", "2", "--workers", 1, "--seed", 5, "--resamples", 20)
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
    boxes, data = tmp_path / "boxes", data_of(coco_folder)
    assert run("detect", "--model", DETECTOR, *data, *WORDS, "--out", boxes)[0] == 0
    alone = files_of(boxes)
    assert alone.pop("inputs.json") != b""
    in_loop = files_of(both / "detections")
    in_loop.pop("inputs.json")
    assert in_loop == alone
    for name, choice in (("clean-det", f"clean-det:{boxes}/clean.json"), ("corrupt-det", f"corrupt-det:{boxes}")):
        out = tmp_path / name
        assert run("bench", "--model", MODEL, "--boxes", choice, *data, *WORDS, "--out", out)[0] == 0
        one, other = files_of(out), files_of(both / name)
        assert one.keys() == other.keys()
        differing = {path for path in one if one[path] != other[path]}
        assert differing <= {"inputs.json", "run.json", "summary.json", "report.html"}
        assert json.loads(one["summary.json"])["cells"] == json.loads(other["summary.json"])["cells"]


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
    unit = next(path for path in sorted(out.glob("pass/*/units/*/*.npz")))
    unit.write_bytes(b"rubbish")
    assert run(*words)[0] == 0
    assert without_paths(files_of(out)) == without_paths(files_of(both))


def without_paths(files):
    """Return the files of a folder but for those that say where it is."""
    return {name: content for name, content in files.items() if not name.endswith(("inputs.json", "report.html"))}


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
