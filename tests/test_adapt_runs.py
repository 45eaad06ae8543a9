"""Runs of networks that adapt: the same bytes however they are made, and said wherever their scores stand."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import robustpose
from robustpose.benchmark.job import Job
from robustpose.benchmark.predict import Predicting
from robustpose.corruptions.suites import choose_cells
from robustpose.data.corrupted import MadeImages
from robustpose.data.spec import DataSpec
from robustpose.estimators.carrying import NamedModel
from robustpose.evaluation import predict_all
from robustpose.pose.protocols import Dataset, Estimator, adopt
from robustpose.pose.skeletons import COCO
from robustpose.pose.types import Frame, Poses
from robustpose.results.about import read_about
from robustpose.results.adapted import spell_adapting
from robustpose.results.entries import check_entry, make_entry
from robustpose.results.leaderboard import read_boards
from robustpose.work import cut_chunks
from tests.people import assert_same_poses
from tests.runs import files_of
from tests.test_cli import one_line_error

CELLS = ("--corruptions", "contrast", "--severities", "5", "--resamples", "0", "--no-report")
BENCH = ("bench", "--model", "demo", "--data", "toy", *CELLS)
GROUPS = ("--adapt", "bn", "--adapt-images", "3")
LIMIT = 10


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of 10 images in groups of 3, by one worker."""
    from robustpose.cli import main

    out = tmp_path_factory.mktemp("adapted") / "run"
    with pytest.raises(SystemExit) as end:
        main([*BENCH, *GROUPS, "--limit", str(LIMIT), "--workers", "1", "--out", str(out)])
    assert not end.value.code
    return out


def bench(run: Any, out: Path, *words: Any) -> None:
    code, _, errors = run(*BENCH, "--limit", LIMIT, "--out", out, *words)
    assert code == 0, errors


def predictions_of(out: Path) -> dict[str, bytes]:
    return {name: content for name, content in files_of(out).items() if name.startswith("predictions")}


def test_two_workers_and_another_batch_size_and_words_give_the_same_bytes(run: Any, whole: Path, tmp_path: Path):
    options = ("--model-set", "adapt=bn", "--model-set", "adapt_images=3", "--batch-size", 2)
    bench(run, tmp_path / "run", *options, "--workers", 2)
    assert files_of(tmp_path / "run") == files_of(whole)


def test_python_gives_the_same_bytes(whole: Path, tmp_path: Path) -> None:
    robustpose.bench(
        "demo", "toy", limit=LIMIT, corruptions="contrast", severities=5, resamples=0, report=False, progress=False,
        out=tmp_path / "run", workers=1, adapt="bn", adapt_images=3,
    )  # fmt: skip
    assert files_of(tmp_path / "run") == files_of(whole)


def test_what_a_stopped_run_lacks_is_made_as_it_was(run: Any, whole: Path, tmp_path: Path, monkeypatch: Any) -> None:
    from robustpose.benchmark import predict

    with monkeypatch.context() as patch:
        patch.setattr(predict, "gather_cell", lambda *words: 1 / 0)
        with pytest.raises(AssertionError, match="division by zero"):
            bench(run, tmp_path / "run", *GROUPS, "--workers", 1)
    units = sorted((tmp_path / "run/units").glob("*/*.npz"))
    assert len(units) == 4  # of 6 and of 4 images, in two cells
    for unit in units[::3]:
        unit.unlink()
    bench(run, tmp_path / "run", *GROUPS, "--workers", 1)
    assert files_of(tmp_path / "run") == files_of(whole)


def test_shards_make_the_same_run(run: Any, whole: Path, tmp_path: Path) -> None:
    shard = [word for word in BENCH if word not in ("--no-report", "--resamples", "0")]
    for number in (1, 2):
        words = ("--limit", LIMIT, *GROUPS, "--workers", 1, "--out", tmp_path / "run", "--shard", f"{number}/2")
        assert run(*shard, *words)[0] == 0
    assert run("merge", tmp_path / "run", "--resamples", 0, "--no-report")[0] == 0
    assert predictions_of(tmp_path / "run") == predictions_of(whole)


def test_in_a_detectors_boxes_it_is_as_in_a_file_of_them(run: Any, coco_folder: Path, tmp_path: Path) -> None:
    data = ("--annotations", coco_folder / "people.json", "--images", coco_folder / "images", "--workers", 1)
    words = ("bench", "--model", "demo", *data, *CELLS[:4], "--resamples", 0, "--adapt", "bn", "--adapt-images", 6)
    both = tmp_path / "both"
    code, _, errors = run(*words, "--boxes", "detect:tests.test_detecting:find_bright", "--out", both)
    assert code == 0, errors
    boxes = f"corrupt-det:{both}/detections"
    assert run(*words, "--boxes", boxes, "--no-report", "--out", tmp_path / "run")[0] == 0
    assert predictions_of(tmp_path / "run") == predictions_of(both / "corrupt-det")


def test_other_machines_find_the_same(whole: Path) -> None:
    cells = choose_cells(["contrast"], [5])
    make = NamedModel("demo", {"adapt": "bn", "adapt_images": 3})
    job = Job(DataSpec(name="toy", limit=LIMIT).open, make, MadeImages("release"), whole)
    here = Predicting(job, {}, cells)
    opened, tasks = here.open(), [(chunk, cells) for chunk in cut_chunks(LIMIT, 3)]
    carried = here.carry(opened)
    there: Any = carried.work
    estimator = there.open()
    for task in tasks:
        for one, other in zip(here.do(opened, task), there.do(estimator, carried.pack(task)), strict=True):
            assert_same_poses(one.poses, other.poses)


def test_a_run_takes_more_images_where_its_groups_stay(run: Any, whole: Path, tmp_path: Path) -> None:
    bench(run, tmp_path / "run", *GROUPS, "--limit", 6, "--workers", 1)
    bench(run, tmp_path / "run", *GROUPS, "--workers", 1)
    assert predictions_of(tmp_path / "run") == predictions_of(whole)
    shutil.copytree(whole, tmp_path / "whole")
    result = run(*BENCH, "--limit", 12, *GROUPS, "--out", tmp_path / "whole")
    one_line_error(result, "holds results of 10 images, which the model looks at in groups of 3: the last group would")
    assert predictions_of(tmp_path / "whole") == predictions_of(whole)


def test_another_setup_is_refused(run: Any, whole: Path, tmp_path: Path) -> None:
    shutil.copytree(whole, tmp_path / "run")
    for words, message in (
        ((), "adapt"),
        (("--adapt", "bn", "--adapt-images", 1), "images_per_group"),
        ((*GROUPS, "--adapt-prior", 0), "adapt_prior"),
    ):
        one_line_error(run(*BENCH, "--limit", LIMIT, *words, "--out", tmp_path / "run"), message)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--adapt-images", "4"), "adapt_images goes with adapt=bn or adapt=tent: name one, or leave it out"),
        (("--adapt", "bn", "--model-set", "adapt=bn"), "--adapt and --model-set adapt= are the same"),
        (("--adapt", "mean"), "option 'adapt' must be none, bn or tent, got 'mean'"),
        (("--adapt", "bn", "--workers", "2", "--network-processes", "1"), "that do not adapt"),
    ],
)
def test_words_that_cannot_be_are_one_line(run: Any, tmp_path: Path, words: Any, message: str) -> None:
    one_line_error(run(*BENCH, "--limit", 2, *words, "--out", tmp_path / "run"), message)


# Where it is said


def test_results_say_it(run: Any, whole: Path, tmp_path: Path) -> None:
    about = json.loads((whole / "summary.json").read_text())["provenance"]["estimator"]
    assert (about["adapt"], about["images_per_group"], about["adapt_prior"]) == ("bn", 3, 16)
    code, out, errors = run(*BENCH, "--limit", LIMIT, *GROUPS, "--out", whole, "--dry-run")
    assert code == 0, errors
    assert "adapted by bn to 3 images, prior 16" in out + errors


def test_boards_entries_and_comparisons_say_it(run: Any, whole: Path, tmp_path: Path) -> None:
    shutil.copytree(whole, tmp_path / "runs/adapted")
    bench(run, tmp_path / "runs/plain", "--workers", 1)
    (board,), _ = read_boards(tmp_path / "runs")
    said = {entry.run: (entry.name, entry.model["adapting"]) for entry in board.entries}
    how = "adapted by bn to 3 images, prior 16"
    name = json.loads((whole / "summary.json").read_text())["provenance"]["estimator"]["name"]
    assert said == {"plain": (name, None), "adapted": (f"{name}, {how}", how)}
    entry = check_entry(make_entry(tmp_path / "runs/adapted", {}))
    assert (entry["model"]["adapting"], entry["model"]["name"]) == (how, f"{name}, {how}")
    code, out, errors = run("compare", tmp_path / "runs/plain", tmp_path / "runs/adapted", "--out", tmp_path / "both")
    assert code == 0, errors
    assert how in out
    assert read_about(json.loads((whole / "summary.json").read_text())).network is None


def test_findings_take_no_network_name_for_it(run: Any, whole: Path) -> None:
    code, out, errors = run("findings", whole)
    assert code == 0, errors
    assert f"{whole.name} adapted at test time, and so stands for no network" in out + errors
    assert "network is not known" not in out + errors
    for key in ("network=hrnet_w32", "series=mine"):
        said = run("findings", whole, "--set", f"{whole.name}.{key}")
        one_line_error(said, "adapted at test time, and no longer stands for its network: leave out")


def test_a_preview_would_be_of_other_groups(run: Any, tmp_path: Path) -> None:
    words = ("bench", "--model", "demo", "--data", "toy", "--limit", 4, "--preview", "--out", tmp_path / "run")
    one_line_error(run(*words, *GROUPS), "--preview draws some of the images, and this model looks at 3 consecutive")
    assert not (tmp_path / "run").exists()


def test_steps_are_said_to_be_tent_style() -> None:
    about = {"adapt": "tent", "images_per_group": 1, "adapt_prior": 0, "adapt_steps": 1}
    about |= {"adapt_rate": 0.001, "adapt_temperature": 0.1}
    said = spell_adapting(about)
    assert said == "adapted by TENT-style to 1 image, prior 0, steps 1, rate 0.001, temperature 0.1"


# Groups


class Neighbours:
    """An estimator of somebody's own: joints are where as many images as it was handed at once say."""

    skeleton = COCO
    needs_boxes = False
    images_per_group = 3

    def predict(self, frames: list[Frame]) -> list[Poses]:
        found = []
        for start in range(0, len(frames), 3):
            group = frames[start : start + 3]
            xy = np.full((1, 17, 2), float(sum(int(frame.image.mean()) for frame in group)))
            found += [Poses(frame.image_id, xy, np.ones((1, 17)), np.ones(1)) for frame in group]
        return found


def test_groups_stay_together_whatever_is_done_at_once() -> None:
    from robustpose.data.toy import ToyPeople

    toy = adopt(ToyPeople(7), Dataset, "the dataset")
    own = adopt(Neighbours(), Estimator, "the estimator")
    found = [[poses.xy.tolist() for poses in predict_all(toy, own, n)] for n in (1, 3, 5, 16)]
    assert all(one == found[0] for one in found)
    assert [chunk.indices.stop for chunk in cut_chunks(10, 3)] == [6, 10]
    assert cut_chunks(300, 1) == cut_chunks(300)


def test_a_number_of_images_that_cannot_be_is_refused() -> None:
    class None_(Neighbours):
        images_per_group = 0

    with pytest.raises(robustpose.UserError, match="a whole number from 1 as its 'images_per_group', got 0"):
        robustpose.bench(None_(), "toy", limit=2, corruptions="fog", severities=3, progress=False)
