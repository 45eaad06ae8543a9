import json
import shutil
from dataclasses import replace

import numpy as np
import pytest

import robustpose
from robustpose.data.corrupted import MadeImages
from robustpose.data.spec import DataSpec
from robustpose.errors import UserError
from robustpose.pose.cell import CLEAN, Cell
from robustpose.results.compare import compare_runs
from robustpose.results.parts import Part
from robustpose.results.run_folder import RunFolder
from robustpose.results.run_images import NoImages, open_shared_images
from robustpose.show.pages.compare_gallery import list_pairs, make_compare_gallery
from robustpose.show.pages.worst_cases import list_losses
from tests.runs import write_predictions


@pytest.fixture(scope="module")
def dataset(coco_folder):
    return DataSpec(annotations=coco_folder / "people.json", images=coco_folder / "images").open()


def bench(tmp_path, coco_folder, name, noise, **options):
    """Return the folder of a run of predictions that are off by some px."""
    predictions = write_predictions(tmp_path / f"{name}-predictions", coco_folder, noise)
    data = {"annotations": coco_folder / "people.json", "images": coco_folder / "images"}
    chosen = {"corruptions": ["fog", "contrast"], "severities": [1, 4], "workers": 1, "resamples": 40}
    robustpose.bench(
        f"results:{predictions}", **data, **chosen, out=tmp_path / name, report=False, progress=False, **options
    )
    return tmp_path / name


@pytest.fixture(scope="module")
def runs(tmp_path_factory, coco_folder):
    """Two runs of the same images: good predictions, and bad ones."""
    folder = tmp_path_factory.mktemp("runs")
    return [bench(folder, coco_folder, name, noise) for name, noise in (("good", 1.0), ("bad", 6.0))]


@pytest.fixture
def copies(tmp_path, runs):
    """The same runs, to be spoilt."""
    return [shutil.copytree(run, tmp_path / run.name) for run in runs]


def make(runs, dataset, images=None):
    return make_compare_gallery([[run] for run in runs], compare_runs(runs, 40), dataset, images or MadeImages(5))


def test_gallery_of_a_part_shows_no_other_images(runs, dataset):
    part = Part("1::2")
    gallery = make_compare_gallery([[run] for run in runs], compare_runs(runs, 40, part=part), dataset, MadeImages(5))
    places = {str(dataset.frame(index).image_id): index for index in range(len(dataset))}
    assert {places[str(image["id"])] for image in gallery["images"]} == {1, 3, 5, 7}
    assert gallery["n_images"] == 4


def test_losses_are_of_many_images_and_then_of_many_cells():
    drops = np.array([[0.9, 0.1, np.nan, 0.0], [0.8, 0.3, -0.2, 0.0]])
    assert list_losses(drops, 2) == [(0, 0), (1, 1)]
    assert list_losses(drops, 5) == [(0, 0), (1, 0), (1, 1)]
    assert list_losses(-drops, 5) == [(1, 2)]


def test_cases_are_where_the_second_run_is_worse_with_the_poses_of_both(runs, dataset):
    content = make(runs, dataset)
    cells = [CLEAN, *(Cell.from_key(key) for key in content["cells"][1:])]
    qualities = [RunFolder(folder).read_quality(cells) for folder in runs]
    assert content["pairs"] == [[0, 1]]
    assert len({case["image"] for case in content["cases"]}) == len(content["images"])
    for case in content["cases"]:
        cell, image = cells[case["cell"]], content["images"][case["image"]]
        index = next(i for i in range(len(dataset)) if str(dataset.frame(i).image_id) == image["id"])
        assert case["quality"] == [round(1000 * quality[cell][index]) for quality in qualities]
        assert set(case["poses"]) == {0, 1}
        assert f"{case['image']} {case['cell']}" in content["thumbnails"]
        assert 0 <= case["person"] < len(image["regions"])
    losses = [case["quality"][0] - case["quality"][1] for case in content["cases"]]
    assert max(losses) > 100


def test_runs_that_do_not_differ_have_no_gallery(runs, dataset):
    assert make([runs[0], runs[0]], dataset) is None


def test_a_group_counts_as_its_trainings_on_average_and_shows_the_nearest_one(runs, dataset):
    comparison = replace(compare_runs(runs, 40), trainings=(("r0",), ("r0", "r1", "r2")))
    content = make_compare_gallery([[runs[0]], [runs[0], runs[1], runs[1]]], comparison, dataset, MadeImages(5))
    alone = make(runs, dataset)
    quality = {(c["image"], c["cell"]): c["quality"] for c in alone["cases"]}
    both = [case for case in content["cases"] if (case["image"], case["cell"]) in quality]
    for case in both:
        good, bad = quality[case["image"], case["cell"]]
        assert case["quality"][1] == pytest.approx((good + 2 * bad) / 3, abs=1)
        assert case["trainings"] == {0: 0, 1: 1}
    assert content["trainings"] == [["r0"], ["r0", "r1", "r2"]]


def test_images_that_are_not_to_be_had_are_the_clean_ones_and_the_reason_is_said(runs, dataset):
    content = make(runs, dataset, images=NoImages("they went away"))
    assert content["lacking"] == ["they went away"]
    assert {key.split()[1] for key in content["thumbnails"]} == {"0"}


def test_other_images_and_runs_that_rate_none_are_refused(copies, dataset, coco_folder):
    fewer = DataSpec(annotations=coco_folder / "people.json", images=coco_folder / "images", limit=5).open()
    with pytest.raises(UserError, match=r"is of 9 images, the dataset has 5"):
        make(copies, fewer)
    comparison = compare_runs(copies, 40)
    for path in (copies[1] / "matches").glob("*.npz"):
        path.unlink()
    with pytest.raises(UserError, match=r"does not say how good the poses of each image are: robustpose score"):
        make_compare_gallery([[run] for run in copies], comparison, dataset, MadeImages(5))


def test_many_runs_are_each_held_against_the_first():
    assert list_pairs(40) == [(0, run) for run in range(1, 40)]


def test_poses_on_clean_images_stand_for_the_truth_of_each_run(tmp_path, coco_folder, dataset):
    noises = {"one": 1.0, "two": 5.0}
    folders = [bench(tmp_path, coco_folder, name, noise, metric="consistency") for name, noise in noises.items()]
    content = make(folders, dataset)
    assert content["is_against_clean"]
    assert all(case["truths"][0] != case["truths"][1] for case in content["cases"])


def test_images_are_those_of_the_first_run_that_can_open_them(copies):
    (copies[0] / "inputs.json").unlink()
    dataset, _ = open_shared_images(copies)
    assert len(dataset) == 9
    (copies[1] / "inputs.json").unlink()
    with pytest.raises(UserError, match="good does not say where its data are"):
        open_shared_images(copies)


def test_content_is_json_without_nan(runs, dataset):
    json.dumps(make(runs, dataset), allow_nan=False)
