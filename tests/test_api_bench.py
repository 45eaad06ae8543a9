import asyncio
import os
import subprocess
import sys
import threading
import warnings
from functools import partial

import numpy as np
import pytest

import robustpose
from robustpose.api.arguments import read_cells
from robustpose.data.spec import DataSpec
from robustpose.data.toy import ToyPeople
from robustpose.errors import DoubtWarning, UserError
from robustpose.results.run_folder import RunFolder
from tests import outside
from tests.runs import files_of

quiet = partial(robustpose.bench, corruptions="contrast", severities=3, workers=1, resamples=40, progress=False)


@pytest.fixture
def small(coco_folder):
    """The small dataset, as arguments."""
    return {"annotations": coco_folder / "people.json", "images": str(coco_folder / "images")}


def test_run_of_the_command_and_of_python_are_the_same_to_the_byte(run, small, tmp_path, onnx_file):
    model = f"onnx:{onnx_file}"
    words = ["--annotations", small["annotations"], "--images", small["images"], "--resamples", 40, "--workers", 1]
    words += ["--corruptions", "contrast", "--severities", 3, "--batch-size", 2]
    code, _, errors = run("bench", "--model", model, *words, "--out", tmp_path / "command")
    assert code == 0, errors
    made = quiet(model, **small, batch_size=2, out=tmp_path / "python")
    assert files_of(made.folder) == files_of(tmp_path / "command")


def test_python_goes_on_where_the_command_was_and_the_command_where_python_was(run, small, tmp_path, monkeypatch):
    model = "tests.outside:guess_from_pixels"
    words = ["--annotations", small["annotations"], "--images", small["images"], "--workers", 1, "--out", tmp_path]
    assert run("bench", "--model", model, *words, "--corruptions", "none", "--resamples", 40)[0] == 0
    written = []
    write_unit = RunFolder.write_unit
    monkeypatch.setattr(RunFolder, "write_unit", lambda *given: written.append(given[1].key) or write_unit(*given))
    assert set(quiet(model, **small, out=tmp_path).cells) == {"contrast/3"}
    assert set(written) == {"contrast/3"}
    code, _, errors = run("bench", "--model", model, *words, "--corruptions", "contrast,fog", "--severities", 3)
    assert code == 0, errors
    assert set(written) == {"contrast/3", "fog/3"}


def test_stopped_run_in_a_temporary_folder_is_gone_on_with(small, monkeypatch):
    written = []
    write_unit = RunFolder.write_unit

    def stop_at_second(folder, cell, *rest):
        if len(written) == 1:
            written.append("stop")
            raise KeyboardInterrupt
        written.append(folder.path)
        write_unit(folder, cell, *rest)

    monkeypatch.setattr(RunFolder, "write_unit", stop_at_second)
    with pytest.raises(KeyboardInterrupt):
        quiet(outside.guess_from_pixels, **small)
    run = quiet(outside.guess_from_pixels, **small)
    assert run.folder == written[0]
    again = quiet(outside.guess_from_pixels, **small)
    assert again.folder != run.folder  # a finished one is its run's own
    assert again.summary == run.summary


def test_cells_are_chosen_by_names_groups_functions_and_lists(small):
    def choose(corruptions, severities=None):
        return [cell.key for cell in read_cells("coco-c", corruptions, severities)[1][1:]]

    assert choose(["fog,contrast"], [np.int64(2)]) == ["fog/2", "contrast/2"]
    assert choose(outside.darken, range(1, 2)) == ["tests.outside:darken/1"]
    assert choose("none") == []
    assert choose(["noise"], "1") == choose(("noise",), 1) == choose({"noise"}, np.array([1]))
    assert len(choose("all")) == 75
    run = quiet(outside.guess_from_pixels, **small, corruptions=[outside.darken])
    assert list(run.corruptions) == ["tests.outside:darken"]


def test_data_are_a_word_a_description_fields_or_an_object(small):
    bench = partial(quiet, outside.guess_from_pixels, corruptions="none")
    scores = [
        bench("toy", limit=2).clean,
        bench(DataSpec(name="toy"), limit=2).clean,
        bench({"name": "toy", "limit": 5}, limit=2).clean,
        bench(ToyPeople(), limit=np.int64(2)).clean,
        bench(ToyPeople, limit=2).clean,
    ]
    assert len(set(scores)) == 1
    assert bench(outside.Squares()).summary["provenance"]["dataset"]["name"] == "Squares"
    assert bench(outside.Squares(), metric="tests.outside:MeanScore").metric == "mean score"
    assert bench(DataSpec(**small), limit=2).summary["provenance"]["dataset"]["limit"] == 2


class Nobody(outside.Squares):
    """A dataset without images."""

    def __len__(self):
        return 0


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"data": None}, "name the data: either data=NAME, or annotations=FILE and images=DIR"),
        ({"data": "toi"}, r"unknown dataset 'toi' \(did you mean 'toy'\?\)"),
        ({"data": "/tmp/people.json"}, "got a path, /tmp/people.json: files go by annotations= and images="),
        ({"model": "onnx:"}, "^name the ONNX file: model=onnx:FILE$"),
        ({"limit": True}, "^limit must be something other than true or false, got True$"),
        ({"fresh": "no"}, "fresh= must be True or False, got 'no'"),
        ({"progress": 2}, "progress= must be True or False, got 2"),
        ({"data": 5}, r"data= takes a name such as 'toy', a DataSpec or its fields, or an object .* got int"),
        ({"data": object()}, "data object lacks 'skeleton', 'metric'"),
        ({"data": Nobody()}, "the dataset has no images"),
        (
            {"data": outside.Squares(), "boxes": "gt"},
            "takes limit, metric, joints and only_with_people beside it, not boxes=",
        ),
        ({"limit": 0}, "^limit= must be at least 1, got 0$"),
        ({"limit": "two"}, "^limit must be a whole number, got 'two'$"),
        ({"name": 3}, "name= takes what the run is called, got 3"),
        ({"name": " "}, "name= must have letters in it, got ' '"),
        ({"report": None}, "report= must be True or False, got None"),
        ({"corruption": "fog"}, r"there is no argument 'corruption' \(did you mean 'corruptions'\?\)"),
        ({"limitt": 3}, r"there is no argument 'limitt' \(did you mean 'limit'\?\)"),
        ({"corruptions": ["fgo"]}, r"unknown corruption 'fgo' \(did you mean 'fog'\?\)"),
        ({"corruptions": []}, r"corruptions= must name some, got \[\]"),
        ({"corruptions": 3}, "corruptions= takes 'all', names"),
        ({"corruptions": [3]}, "corruptions= takes names and functions"),
        ({"corruptions": lambda image, severity, rng: image}, "write it with def, outside other functions"),
        ({"severities": [7]}, "the suite's severities are 1, 2, 3, 4 and 5, got 7"),
        ({"severities": True}, r"severities= takes whole numbers, such as \[1, 3, 5\], got True"),
        ({"severities": 2.5}, "severities= takes whole numbers"),
        ({"severities": []}, r"severities= must name some, got \[\]"),
        ({"suite": "coco"}, r"unknown suite 'coco' \(did you mean 'coco-c'\?\)"),
        ({"suite": 3}, "suite= takes the name of a suite"),
        ({"seed": "7"}, "seed= must be 'release' or a whole number, got '7'"),
        ({"seed": True}, "seed= must be 'release' or a whole number, got True"),
        ({"seed": 3, "corrupted_root": "x"}, "corrupted_root= reads images that were made before: leave out seed="),
        ({"workers": 0}, "workers= must be a whole number of at least 1, got 0"),
        ({"workers": 1.5}, "workers= must be a whole number of at least 1, got 1.5"),
        ({"resamples": -1}, "resamples= must be a whole number of at least 0, got -1"),
        ({"batch_size": "x"}, "batch_size= must be a whole number of at least 1, got 'x'"),
        ({"batch_size": 2, "options": {"batch_size": 3}}, "batch_size= and options={'batch_size': …} are the same"),
        ({"options": ["a"]}, "options= takes the model's options by name, .* got list"),
        ({"options": {"fliptest": 1}}, r"there is no option 'fliptest' \(did you mean 'flip_test'\?\)"),
        ({"model": None}, "model must be"),
        ({"model": "tests.outside:nobody"}, "'tests.outside' has no 'nobody'"),
        ({"root": "x"}, "data 'toy' takes no root="),
        ({"out": 3}, "out= takes the path of a folder, got int"),
        ({"out": ""}, "out= takes the path of a folder, got ''"),
    ],
)
def test_mistake_is_one_line_and_nothing_is_written(given, message, tmp_path):
    call = {"model": "demo" if "options" in given else outside.guess_from_pixels, "data": "toy"}
    call |= {"out": tmp_path / "out", **given}
    with pytest.raises(UserError, match=message) as caught:
        quiet(call.pop("model"), call.pop("data"), **call)
    assert "\n" not in str(caught.value)
    assert "--" not in str(caught.value)
    assert not (tmp_path / "out").exists()


def test_path_in_the_place_of_data_is_told_where_it_goes(small):
    with pytest.raises(UserError, match="files go by annotations= and images="):
        quiet(outside.guess_from_pixels, small["annotations"])


def test_callable_that_raises_is_named_with_its_line(small):
    with pytest.raises(UserError, match=r"fails' raised RuntimeError: the model fell over \(tests/outside.py, line"):
        quiet(outside.fails, **small)


def test_folder_of_another_setup_is_refused_and_fresh_starts_over(small, tmp_path, capsys):
    quiet(outside.guess_from_pixels, **small, out=tmp_path / "run")
    with pytest.raises(UserError, match="choose another out=, or start over with fresh=True"):
        quiet(outside.guess_from_pixels, **small, seed=3, out=tmp_path / "run")
    run = quiet(outside.guess_from_pixels, **small, seed=3, out=tmp_path / "run", fresh=True)
    assert run.summary["provenance"]["seed"] == 3
    assert capsys.readouterr() == ("", "")  # without progress, nothing is printed


def test_run_has_the_name_that_it_is_given_and_no_page_if_none_is_wanted(small, tmp_path):
    run = quiet(outside.guess_from_pixels, **small, name="mine", report=False, out=tmp_path / "run")
    assert run.name == robustpose.load_run(tmp_path / "run").name == "mine"
    assert not (tmp_path / "run/report.html").exists()
    assert run.report().is_file()


def test_doubts_are_warnings_at_the_line_of_the_caller_and_stay_with_the_run(small):
    def find_nobody(image, boxes):
        return np.zeros((len(boxes), 17, 3))

    with pytest.warns(DoubtWarning, match="next to nothing") as heard:
        run = quiet(find_nobody, **small)
    assert {warning.filename for warning in heard} == {__file__}
    assert [text for text in run.warnings if "next to nothing" in text]


def test_runs_in_a_thread_and_in_an_event_loop(small):
    found = []

    async def work():
        found.append(quiet(outside.guess_from_pixels, **small))

    asyncio.run(work())
    thread = threading.Thread(target=lambda: found.append(quiet(outside.guess_from_pixels, **small)))
    thread.start()
    thread.join()
    assert found[0].summary == found[1].summary


def test_what_cannot_be_sent_is_done_here_with_a_warning(small):
    with pytest.warns(
        UserWarning, match="cannot be sent to worker processes .*; this process does all the work itself"
    ):
        run = quiet(lambda image, boxes: outside.guess_from_pixels(image, boxes), **small, workers=2)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DoubtWarning)
        assert quiet(outside.guess_from_pixels, **small).clean == run.clean


SCRIPT = """
import sys
import robustpose
from tests.outside import guess_from_pixels
print("once")
run = robustpose.bench(
    guess_from_pixels, "toy", limit=8, corruptions="contrast", severities=3, workers=2, resamples=0, progress=False
)
print(run.folder, len(run.cells))
"""


def test_program_without_guard_has_workers_and_leaves_no_temporary_folder(tmp_path):
    (tmp_path / "script.py").write_text(SCRIPT)
    words = {"PYTHONPATH": ".", "TMPDIR": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path)}
    command = [sys.executable, str(tmp_path / "script.py")]
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, **words}, check=False)
    assert done.returncode == 0, done.stderr
    once, last = done.stdout.splitlines()
    assert (once, last.split()[1]) == ("once", "1")
    assert last.startswith(str(tmp_path))
    assert not list(tmp_path.glob("robustpose-*"))


def test_worker_that_comes_to_the_call_says_so_and_starts_none(small, monkeypatch):
    monkeypatch.setenv("ROBUSTPOSE_WORKER", "0")
    with pytest.raises(UserError, match='comes to the same call: put the call below if __name__ == "__main__":'):
        quiet(outside.guess_from_pixels, **small)


def test_dry_run_returns_the_plan_and_writes_nothing(tmp_path):
    words = {"limit": 2, "corruptions": "fog", "severities": 3, "workers": 1, "report": False, "progress": False}
    for out in (None, tmp_path / "run"):
        plan = robustpose.bench("demo", "toy", out=out, dry_run=True, **words)
        assert (plan.n_images, plan.n_cells, plan.n_done) == (2, 2, 0)
        assert plan.seconds > 0
        assert str(plan).startswith("2 images × 2 cells, 2 people, gt boxes, demo.safetensors: ")
    assert not list(tmp_path.iterdir())
    robustpose.bench("demo", "toy", out=tmp_path / "run", **words)
    assert robustpose.bench("demo", "toy", out=tmp_path / "run", dry_run=True, **words).n_done == 4
    with pytest.raises(UserError, match=r"^dry_run= must be True or False, got 'no'$"):
        robustpose.bench("demo", "toy", dry_run="no", **words)


def test_numbers_that_programs_draw_are_those_without_bench():
    code = (
        "import random, robustpose; random.seed(1); state = random.getstate()\n"
        "robustpose.bench('demo', 'toy', limit=1, corruptions='none', workers=1, progress=False)\n"
        "assert random.getstate() == state"
    )
    subprocess.run([sys.executable, "-W", "ignore", "-c", code], check=True)


def test_floats_are_computed_alike_whatever_the_program_has_set(small):
    expected = quiet("tests.outside:guess_from_pixels", **small)
    with np.errstate(all="raise"):
        made = quiet("tests.outside:guess_from_pixels", **small)
        assert (made.summary, made.worst()) == (expected.summary, expected.worst())
        (made.folder / "report.html").unlink()
        made.report()
        robustpose.compare(made, expected, names=["one", "other"])
        assert np.geterr()["under"] == "raise"
