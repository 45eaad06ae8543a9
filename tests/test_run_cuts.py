"""Categories and crowd levels in a run folder: summary.json, slices.json, tables, the terminal and compare agree."""

import contextlib
import io
import json

import numpy as np
import pytest

from robustpose import UserError, load_run
from robustpose.data.coco import Reading, read_coco
from robustpose.pose.cell import Cell
from robustpose.pose.results_json import write_results
from robustpose.pose.types import Poses
from robustpose.results.compare import compare_runs
from robustpose.results.rows import list_rows, tabulate_cuts
from robustpose.results.run_folder import RunFolder
from robustpose.results.summary import read_summary
from robustpose.show.pages.compare import render_comparison
from robustpose.show.tables import to_markdown
from tests.conftest import CATEGORY
from tests.runs import CELLS, bench_predictions, write_predictions

NAMES = ["dog", "cat", "horse"]


@pytest.fixture(scope="module")
def animals(coco_folder, tmp_path_factory):
    """A folder as `coco_folder` whose people are of three categories; one has an id that is text."""
    folder = tmp_path_factory.mktemp("animals")
    (folder / "images").symlink_to(coco_folder / "images")
    content = json.loads((coco_folder / "people.json").read_text())
    content["categories"] = [{**CATEGORY, "id": i, "name": name} for i, name in zip((3, 5, "h"), NAMES, strict=True)]
    for number, animal in enumerate(content["annotations"]):
        animal["category_id"] = (3, 5, 3, "h", 5)[number % 5]
    (folder / "people.json").write_text(json.dumps(content))
    return folder


@pytest.fixture
def bench(animals, run, tmp_path):
    """A function that benches animals found with some noise, and returns the run folder."""

    def bench(name, noise, is_silent=False):
        folder = tmp_path / name
        folder.mkdir()
        people = read_coco(animals / "people.json", animals / "images", reading=Reading(category="all"))
        rng = np.random.default_rng(0)
        (folder / "found").mkdir()
        for cell in CELLS:
            found = []
            for truth in (people.truth(index) for index in range(len(people))):
                xy = truth.xy + rng.normal(0, noise * (1 + cell.severity / 4), truth.xy.shape)
                categories = None if is_silent else truth.categories
                found.append(Poses(truth.image_id, xy, np.ones(xy.shape[:2]), rng.random(len(xy)), None, categories))
            write_results(folder / "found" / f"{cell.file_stem}.json", found, people.category_ids)
        return bench_predictions(run, animals, folder / "found", folder / "run", "--category", "all")

    return bench


def test_categories_have_scores_intervals_and_differences_everywhere(bench, animals):
    run, other = bench("one", 1.5), bench("other", 2.2)
    summary = read_summary(run)
    cuts = summary["cuts"]
    assert [(cut["kind"], cut["name"], cut["n_people"]) for cut in cuts] == [
        ("category", "dog", 8), ("category", "cat", 7), ("category", "horse", 3)
    ]  # fmt: skip
    assert summary["clean"] == pytest.approx(np.mean([cut["clean"] for cut in cuts]))
    assert summary["cells"]["fog/4"] == pytest.approx(np.mean([cut["cells"]["fog/4"] for cut in cuts]))
    slices = json.loads((run / "slices.json").read_text())["slices"][:3]
    lines = [json.loads(line) for line in (run / "results.jsonl").read_text().splitlines()]
    for cut, row in zip(cuts, slices, strict=True):
        assert [row[key] for key in ("kind", "name", "n_people")] == [cut[key] for key in ("kind", "name", "n_people")]
        assert row["clean"] == pytest.approx(cut["clean"])
        assert row["clean_interval"] == cut["intervals"]["clean"]
        figures = {line["cell"]: line["category"][cut["name"]] for line in lines}
        assert {key: figures[key]["AP"] for key in cut["cells"]} == pytest.approx(cut["cells"])
        assert cut["mean_of_chosen"] == pytest.approx(np.mean([*cut["cells"].values()]))
    assert load_run(run).score("dog clean") == load_run(run).score("dog AP*") == cuts[0]["clean"]
    assert [judged.is_passed for judged in load_run(run).check({"dog clean": 0.1, "Horse AP*": 1})] == [True, False]
    comparison = compare_runs([run, other])
    rows = {row.name: row for row in comparison.rows if row.kind == "category"}
    assert list(rows) == ["dog AP*", "cat AP*", "horse AP*"]
    difference = rows["dog AP*"].differences[1]
    assert difference.value == pytest.approx(read_summary(other)["cuts"][0]["clean"] - cuts[0]["clean"])
    assert difference.interval[0] <= difference.value <= difference.interval[1]
    assert rows["dog AP*"].intervals[0] == pytest.approx(cuts[0]["intervals"]["clean"])
    assert "Categories" in render_comparison(comparison)
    page = (run / "report.html").read_text()
    assert all(name in page for name in NAMES)


@pytest.mark.filterwarnings("default")
def test_poses_that_do_not_say_their_category_have_a_warning_in_the_results(bench, animals):
    summary = read_summary(bench("silent", 1.5, is_silent=True))
    assert len(summary["cuts"]) == 3
    assert summary["warnings"] == [
        "poses do not say of which of the 3 categories they are: all categories are scored as one, and AP is not the "
        "mean over categories that COCO's evaluation gives"
    ]


def test_tables_of_a_run_show_what_is_scored_alone(bench, run, tmp_path):
    folder = bench("one", 1.5)
    code, output, _ = run("score", folder)
    assert code == 0
    assert "AP in percent, by category" in output
    ran = list(read_summary(folder)["corruptions"])
    mean = f"mean of {ran[0]}" if len(ran) == 1 else f"mean of {len(ran)} corruptions"
    assert mean in output
    assert mean.replace("_", " ") in (folder / "report.html").read_text()
    assert "mean over 3 categories" in output
    titles, lines = tabulate_cuts(read_summary(folder))["category"]
    assert titles == ["AP*", mean]
    assert [name for name, *_ in lines] == NAMES
    assert f"| category | annotated | AP* | {mean} |" in to_markdown(read_summary(folder))
    summary = json.loads((folder / "summary.json").read_text())
    for change, message in (
        ({"clean": 0.1234}, "does not give the score of dog in clean"),
        ({"cells": {}}, "the cells of dog are others"),
        ({"mPC": 0.5}, "mPC of dog is 0.5 and must be None"),
        ({"kind": "headline"}, "category"),
        ({"n_people": -1}, "n_people"),
    ):
        changed = {**summary, "cuts": [{**summary["cuts"][0], **change}, *summary["cuts"][1:]]}
        (folder / "summary.json").write_text(json.dumps(changed))
        with pytest.raises(UserError, match=message):
            compare_runs([folder, folder])
    del summary["cuts"]
    (folder / "summary.json").write_text(json.dumps(summary))  # of an older version
    assert all(row.kind != "category" for row in list_rows(read_summary(folder)))
    assert compare_runs([folder, folder]).rows


def test_damaged_tables_of_cuts_are_one_line(bench):
    folder = bench("one", 1.5)
    run = RunFolder(folder)
    cell = Cell("fog", 4)
    assert len(run.read_cut_tables(cell)) == 3
    path = run.matches_path(cell)
    with np.load(path) as arrays:
        content = dict(arrays)
    assert {"0_verdict", "2_image", "cut0_verdict", "cut2_positives"} <= set(content)
    without = {name: array for name, array in content.items() if not name.startswith("cut1_")}
    for changed in (without, {**content, "cut1_verdict": content["cut1_verdict"] + 2}, {**content, "n_tables": [9]}):
        np.savez(path, **changed)
        with pytest.raises(UserError, match=r"fog-4\.npz is damaged: start the bench command") as error:
            run.read_cut_tables(cell)
        assert "\n" not in str(error.value)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_crowded_images_without_areas_are_scored_as_cocos_evaluation_does_those_of_each_level(
    coco_folder, run, tmp_path
):
    content = json.loads((coco_folder / "people.json").read_text())
    levels = {"easy": [0.0, 0.05, 0.0999], "medium": [0.1, 0.5, 0.79], "hard": [0.8, 0.9, 1.0]}
    indices = [index for of_level in levels.values() for index in of_level]
    levels |= {"easy below 0.2": [*levels["easy"], 0.1], "medium from 0.2": [0.5, 0.79]}
    for image, index in zip(content["images"], indices, strict=True):
        image["crowdIndex"] = index
    for person in content["annotations"]:
        del person["area"]
    (tmp_path / "people.json").write_text(json.dumps(content))
    (tmp_path / "images").symlink_to(coco_folder / "images")
    found = write_predictions(tmp_path / "found", coco_folder, 2.0)
    words = ("--area", "box", "--corruptions", "none")
    summary = read_summary(bench_predictions(run, tmp_path, found, tmp_path / "run", *words))
    for person in content["annotations"]:
        person["area"] = person["bbox"][2] * person["bbox"][3] * 0.53
    results = json.loads((found / "clean.json").read_text())
    assert [cut["name"] for cut in summary["cuts"]] == list(levels)
    for cut in summary["cuts"]:
        images = [image["id"] for image in content["images"] if image["crowdIndex"] in levels[cut["name"]]]
        assert cut["clean"] == pytest.approx(evaluate_officially(content, results, images), abs=1e-9)
        assert cut["n_people"] == 2 * len(levels[cut["name"]])


def evaluate_officially(content, results, images):
    """Return the AP that pycocotools gives of some images."""
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    with contextlib.redirect_stdout(io.StringIO()):
        truth = COCO()
        truth.dataset = content
        truth.createIndex()
        evaluation = COCOeval(truth, truth.loadRes([dict(result) for result in results]), "keypoints")
        evaluation.params.imgIds = images
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    return float(evaluation.stats[0])
