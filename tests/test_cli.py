import json
import re
import shutil

import numpy as np
import pytest

from robustpose.corruptions import corrupt
from robustpose.data.images import read_image, write_image
from robustpose.results.resampling import draw_weights
from tests.conftest import make_onnx
from tests.scenes import draw_scene


@pytest.fixture
def bench(run, coco_folder, tmp_path):
    """A function that runs bench on the small dataset; options can be replaced."""

    def run_bench(**changes):
        options = {
            "model": "tests.outside:guess_from_pixels",
            "annotations": coco_folder / "people.json",
            "images": coco_folder / "images",
            "corruptions": "contrast",
            "severities": "1",
            "workers": 1,
            "out": tmp_path / "run",
            **changes,
        }
        words = [word for key, value in options.items() for word in (f"--{key.replace('_', '-')}", value)]
        return run("bench", *words)

    return run_bench


def test_bench_prints_the_table_and_the_reports_path(bench, tmp_path):
    code, output, _ = bench()
    assert code == 0
    assert "contrast" in output
    assert "AP*" in output
    assert str(tmp_path / "run/report.html") in output
    assert (tmp_path / "run/report.html").is_file()


def test_report_command_prints_the_same_table_again(bench, run, tmp_path):
    _, output, _ = bench()
    assert run("report", tmp_path / "run") == (0, output, "")


def test_corrupt_writes_the_pixels_of_the_library(run, tmp_path):
    write_image(tmp_path / "a.png", draw_scene(40, 50))
    code, output, _ = run(
        "corrupt", tmp_path / "a.png", "--out", tmp_path / "o", "--corruptions", "fog,noise", "--severities", "2,5"
    )
    assert code == 0
    assert output.startswith("8 images in")
    assert len(list((tmp_path / "o").iterdir())) == 8
    expected = corrupt(draw_scene(40, 50), "fog", 5, "release")
    np.testing.assert_array_equal(read_image(tmp_path / "o/a-fog-5.png"), expected)


def test_corrupt_with_a_number_differs_from_image_to_image(run, tmp_path):
    for name in "ab":
        write_image(tmp_path / f"{name}.png", draw_scene(40, 50))
    run(
        "corrupt", tmp_path / "a.png", tmp_path / "b.png", "--out", tmp_path / "o", "--corruptions", "gaussian_noise",
        "--severities", "3", "--seed", "4",
    )  # fmt: skip
    one, other = (read_image(tmp_path / f"o/{name}-gaussian_noise-3.png") for name in "ab")
    assert (one != other).any()


def test_corrupt_says_where_its_frost_comes_from_if_it_is_not_the_original(run, tmp_path, monkeypatch):
    monkeypatch.setenv("ROBUSTPOSE_CACHE", str(tmp_path / "cache"))
    write_image(tmp_path / "a.png", draw_scene(40, 50))
    words = ["corrupt", tmp_path / "a.png", "--corruptions", "frost", "--severities", "3", "--seed", "1"]
    _, output, _ = run(*words, "--out", tmp_path / "o")
    assert "frost textures: generated" in output


@pytest.mark.parametrize("kind", ["models", "corruptions", "datasets"])
def test_list_names_what_there_is(run, kind):
    code, output, _ = run("list", kind)
    assert code == 0
    assert {"models": "onnx:FILE", "corruptions": "glass_blur", "datasets": "toy"}[kind] in output


def test_help_and_version_are_printed(run):
    code, output, _ = run("--help")
    assert code == 0
    assert "bench" in output
    assert "Exit codes: 0 done; 1 a fault of robustpose; 2 a mistake" in " ".join(output.split())
    code, output, _ = run("--version")
    assert output.startswith("robustpose ")


def one_line_error(result, message):
    code, _, errors = result
    assert code == 2
    lines = [line for line in errors.splitlines() if line.startswith("error: ")]
    assert len(lines) == 1, errors
    assert message in lines[0]
    assert "Traceback" not in errors


def test_missing_image_is_one_line_before_anything_starts(bench, coco_content, tmp_path, coco_folder):
    coco_content["images"][1]["file_name"] = "gone.jpg"
    (tmp_path / "people.json").write_text(json.dumps(coco_content))
    one_line_error(bench(annotations=tmp_path / "people.json"), "gone.jpg is missing")
    assert not (tmp_path / "run").exists()


def test_truncated_jpeg_is_one_line_and_finished_work_stays(bench, tmp_path, coco_folder):
    shutil.copytree(coco_folder, tmp_path / "data")
    broken = tmp_path / "data/images/000009.jpg"
    whole = broken.read_bytes()
    broken.write_bytes(whole[:-400])
    options = {"annotations": tmp_path / "data/people.json", "images": tmp_path / "data/images"}
    one_line_error(bench(**options), "000009.jpg cannot be read (image file is truncated")
    assert len(list((tmp_path / "run/units").rglob("*.npz"))) == 4


@pytest.mark.filterwarnings("default:the 3 joints")
@pytest.mark.filterwarnings("ignore:.*does not name its joints")
def test_annotations_of_another_skeleton_are_one_line(bench, coco_content, tmp_path, onnx_file):
    coco_content["categories"][0]["keypoints"] = ["antenna", "abdomen", "sting"]
    coco_content["categories"][0]["skeleton"] = []
    for person in coco_content["annotations"]:
        person["keypoints"] = person["keypoints"][:9]
    (tmp_path / "people.json").write_text(json.dumps(coco_content))
    result = bench(model=f"onnx:{onnx_file}", annotations=tmp_path / "people.json")
    one_line_error(result, "the model and the annotations have no joint in common, by name: the model finds nose,")


def test_onnx_file_with_another_output_is_one_line(bench, tmp_path):
    flat = make_onnx(tmp_path / "flat.onnx", flat=True)
    one_line_error(bench(model=f"onnx:{flat}"), "is this a top-down heatmap network?")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"corruptions": "fgo"}, "unknown corruption 'fgo' (did you mean 'fog'?)"),
        ({"severities": "7"}, "severities are 1, 2, 3, 4 and 5, got 7"),
        ({"severities": "x"}, "--severities must be numbers"),
        ({"seed": "abc"}, "--seed must be 'release' or a whole number, got 'abc'"),
        ({"out": "/dev/null/run"}, "cannot write /dev/null/run (/dev/null is no folder)"),
        ({"model": "nothing"}, "unknown model 'nothing'"),
        ({"model": "tests.outside:wrong_shape"}, "must return (2, 17, 3)"),
        ({"model": "demo", "model_set": "x"}, "--model-set takes KEY=VALUE"),
        ({"limit": 0}, "limit (--limit) must be at least 1, got 0"),
        ({"workers": 0}, "--workers must be at least 1"),
        ({"data": "toy"}, "data 'toy' takes no annotations (--annotations) or images (--images)"),
        ({"boxes": "none.json"}, "there is no none.json"),
        ({"frost": "/nowhere", "corruptions": "frost"}, "folder of frost textures /nowhere does not exist"),
    ],
)
def test_wrong_option_is_one_line(bench, changes, message):
    one_line_error(bench(**changes), message)


def test_release_frost_without_textures_is_one_line_before_anything_starts(bench, tmp_path, monkeypatch):
    monkeypatch.setenv("ROBUSTPOSE_CACHE", str(tmp_path / "cache"))
    one_line_error(bench(corruptions="frost"), "robustpose frost install")
    assert not (tmp_path / "run").exists()


def test_generated_frost_is_said_in_the_results(bench, tmp_path, monkeypatch):
    monkeypatch.setenv("ROBUSTPOSE_CACHE", str(tmp_path / "cache"))
    code, output, _ = bench(corruptions="frost", seed=1)
    assert code == 0
    assert "frost textures: generated" in output
    summary = json.loads((tmp_path / "run/summary.json").read_text())
    assert summary["provenance"]["frost_textures"] == "generated"
    assert "generated" in (tmp_path / "run/report.html").read_text()


def test_fault_in_somebodys_model_is_named_without_a_traceback(bench):
    result = bench(model="tests.outside:fails")
    where = r"\(.*tests/outside\.py, line \d+, in fails\)"
    assert re.search(
        rf"error: estimator 'tests.outside:fails' raised RuntimeError: the model fell over {where}$", result[2]
    )
    one_line_error(result, "raised RuntimeError")


def test_debug_shows_the_traceback(run):
    code, _, errors = run("bench", "--model", "nothing", "--data", "tests.outside:Squares", "--out", "x", "--debug")
    assert code == 2
    assert errors.startswith("Traceback")
    assert errors.splitlines()[-1].startswith("error: unknown model 'nothing'")


def test_damaged_run_folder_is_one_line(run, tmp_path):
    one_line_error(run("report", tmp_path), "it is no run folder")


def test_two_images_of_one_name_are_refused(run, tmp_path):
    (tmp_path / "d").mkdir()
    for path in (tmp_path / "a.png", tmp_path / "d/a.png"):
        write_image(path, draw_scene(40, 50))
    result = run("corrupt", tmp_path / "a.png", tmp_path / "d/a.png", "--out", tmp_path / "o")
    one_line_error(result, "have the same name")


@pytest.fixture
def recipe(tmp_path):
    """A recipe that is trained in a second."""
    path = tmp_path / "recipe.yaml"
    path.write_text(
        "model: tests.test_train_loop:Tiny\ninput_wh: [32, 64]\nsigma: 1.0\nepochs: 1\nbatch_size: 4\n"
        "train_data: {name: 'tests.test_train_loop:Dots'}\nval_data: {name: 'tests.test_train_loop:Dots'}\n"
        "engine: {accelerator: cpu, threads: 1}\n"
    )
    return path


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_train_prints_scores_and_where_the_weights_are(run, recipe, tmp_path):
    code, output, errors = run("train", "--recipe", recipe, "--out", tmp_path / "t", "--set", "lr=0.01", "--trust")
    assert code == 0
    assert "AP " in output
    assert (tmp_path / "t/model.safetensors").is_file()
    assert str(tmp_path / "t/model.safetensors") in output
    assert "training: 3/3" in errors


def test_mistake_in_a_recipe_is_one_line(run, recipe, tmp_path):
    result = run("train", "--recipe", recipe, "--out", tmp_path / "t", "--trust", "--set", "bach_size=3")
    one_line_error(result, "unknown key 'bach_size' (did you mean 'batch_size'?)")
    one_line_error(run("train", "--recipe", tmp_path / "none.yaml", "--out", tmp_path / "t"), "cannot read the recipe")


def test_bench_of_the_demo_model_on_drawn_people_finds_them(run, tmp_path):
    words = ["--model", "demo", "--data", "toy", "--limit", "12", "--workers", "1"]
    code, _, _ = run("bench", *words, "--corruptions", "none", "--out", tmp_path / "run")
    assert code == 0
    assert 0.2 < json.loads((tmp_path / "run/summary.json").read_text())["clean"] < 0.9


def test_cells_of_an_earlier_command_that_are_not_in_the_results_are_named(run, tmp_path):
    words = ["bench", "--model", "demo", "--data", "toy", "--limit", 1, "--severities", 1, "--workers", 1]
    words += ["--resamples", 0, "--out", tmp_path / "run"]
    assert "not asked for now" not in run(*words, "--corruptions", "contrast")[1]
    output = run(*words, "--corruptions", "brightness")[1]
    assert "not asked for now, so not in the results: contrast-1 of" in " ".join(output.split())


@pytest.mark.parametrize("seed", [10**20, -(2**63), 10**4000])
def test_seed_that_no_file_would_hold_is_one_line(run, tmp_path, seed):
    write_image(tmp_path / "a.png", draw_scene(40, 50))
    expected = "--seed must be of at most 18 digits"
    one_line_error(run("corrupt", tmp_path / "a.png", "--out", tmp_path / "o", "--seed", seed), expected)
    one_line_error(run("bench", "--model", "demo", "--data", "toy", "--out", tmp_path / "r", "--seed", seed), expected)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["bench", "--model", "demo", "--data", "toy", "--corruptions", ""], "--corruptions must name some, got ''"),
        (["bench", "--model", "demo", "--data", "toy", "--corruptions", " , "], "none is for clean images only"),
        (
            ["bench", "--model", "demo", "--data", "toy", "--severities", ","],
            "--severities must be numbers with commas",
        ),
        (["bench", "--model", "demo", "--data", "toy", "--corruptions", "none", "--severities", ""], "must be numbers"),
    ],
)
def test_option_without_any_word_is_not_taken_for_one_that_was_left_out(run, tmp_path, words, message):
    one_line_error(run(*words, "--out", tmp_path / "r"), message)


def test_ratios_to_next_to_nothing_do_not_spoil_a_run(run, tmp_path, monkeypatch):
    monkeypatch.setattr(
        "robustpose.benchmark.scoring.draw_if_any", draw_weights
    )  # of one image, which has no intervals, too
    words = ["bench", "--model", "demo", "--data", "toy", "--limit", 1, "--suite", "coco-c", "--workers", 1]
    code, _, errors = run(*words, "--out", tmp_path / "r")  # where a wrist's clean score is about 1e-17
    assert code == 0, errors
    assert json.loads((tmp_path / "r/slices.json").read_text())["joints"]
