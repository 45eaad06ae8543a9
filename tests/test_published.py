from pathlib import Path

import pytest

from robustpose.corruptions.suites import COCO_C
from robustpose.models import family_of
from robustpose.results.published import (
    count_images,
    find_dataset,
    find_row,
    is_whole_dataset,
    published_rows,
    read_published,
)
from robustpose.results.recipe import read_bench_recipe

RECIPES = sorted((Path(__file__).parents[1] / "recipes").glob("*-c/*.yaml"))
COCO_VAL = {"name": "person_keypoints_val2017.json", "n_images": 5000}
OCHUMAN_VAL = {"name": "ochuman_coco_format_val_range_0.00_1.00.json", "n_images": 2500}
WITH_PEOPLE = 2693  # images of COCO val2017 with an annotated person
MPII_VALID = {"name": "MPII valid.json", "n_images": 2729, "n_people": 2958}


def make_run(dataset, metric="AP", boxes="clean-det", **estimator):
    return {"metric": metric, "provenance": {"dataset": dataset, "box_protocol": boxes, "estimator": estimator}}


def all_rows():
    return [
        *published_rows("COCO-C", "AP"),
        *published_rows("MPII-C", "PCKh"),
        *published_rows("OCHuman-C", "AP"),
    ]


def test_tables_are_those_of_the_paper_in_percent(shared):
    assert read_published()["columns"] == list(COCO_C.corruptions)
    assert (shared / "paper_tables.json").read_text().strip() == (
        Path(__file__).parents[1] / "robustpose/results/published.json"
    ).read_text().strip()


def test_rows_are_shares_and_rpc_is_mpc_over_clean():
    rows = all_rows()
    assert len(rows) == 30 + 1 + 6 + 3 + 4  # Tables 1, 2, 3 and 4
    for row in rows:
        assert 0 < row.mPC < row.clean < row.rPC + row.clean
        assert row.rPC == pytest.approx(row.mPC / row.clean, abs=0.002)  # one decimal of a percent
        if row.corruptions:
            assert list(row.corruptions) == list(COCO_C.corruptions)
            # AdvMix+Stylized of Table 4: its columns have the mean 56.4, and 56.5 is printed.
            assert sum(row.corruptions.values()) / 15 == pytest.approx(row.mPC, abs=0.0015)


def test_another_metric_or_dataset_has_no_rows():
    assert published_rows("COCO-C", "PCKh") == []
    assert published_rows("toy", "AP") == []


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_every_recipe_finds_its_own_row(path):
    recipe = read_bench_recipe(path)
    dataset = {"mpii": MPII_VALID, "coco": COCO_VAL, "ochuman": OCHUMAN_VAL}[recipe.data]
    metric = "PCKh" if recipe.data == "mpii" else "AP"
    name = f"{path.stem}.pth"
    if recipe.only_with_people:
        dataset = {**dataset, "images_with_people": {"coco": WITH_PEOPLE, "ochuman": 2500}[recipe.data]}
    boxes = recipe.boxes if family_of(recipe.model) == "heatmaps" else "none"
    row = find_row(make_run(dataset, metric, boxes, kind=recipe.model, input=recipe.input, name=name))
    expected = recipe.expected
    assert row is not None
    assert f"Table {row.table}" in expected.source
    assert 100 * row.clean == pytest.approx(expected.clean)
    assert 100 * row.mPC == pytest.approx(expected.mPC)
    assert 100 * row.rPC == pytest.approx(expected.rPC)
    assert {name: round(100 * value, 1) for name, value in row.corruptions.items()} == expected.corruptions


def test_annotated_boxes_are_held_against_table_4():
    row = find_row(make_run(COCO_VAL, boxes="gt", kind="hrnet_w32", input="192x256", name="w32.pth"))
    assert row is not None
    assert (row.table, row.training, row.clean, row.mPC) == (4, "Standard", 0.766, 0.533)
    assert find_row(make_run(COCO_VAL, boxes="gt", kind="sbl_r50", input="192x256", name="r50.pth")) is None


@pytest.mark.parametrize(
    "changes",
    [
        {"dataset": {**COCO_VAL, "n_images": 161}},
        {"dataset": {**COCO_VAL, "limit": 100}},
        {"dataset": {"name": "toy", "n_images": 5000}},
        {"dataset": {}},
        {"metric": "PCK"},
        {"kind": "onnx"},
        {"input": "256x256"},
        {"input": None},
    ],
)
def test_what_is_not_the_same_measurement_has_no_row(changes):
    same = {"dataset": COCO_VAL, "kind": "sbl_r50", "input": "192x256", "name": "pose_resnet_50_256x192.pth"}
    assert find_row(make_run(**same)) is not None
    assert find_row(make_run(**{**same, **changes})) is None


def test_part_of_a_dataset_is_told_from_all_of_it():
    whole, part = make_run(COCO_VAL), make_run({**COCO_VAL, "limit": 64})
    assert (find_dataset(whole), is_whole_dataset(whole), count_images(whole)) == ("COCO-C", True, 5000)
    assert (find_dataset(part), is_whole_dataset(part), count_images(part)) == ("COCO-C", False, 64)
    assert find_dataset(make_run({"name": "toy"})) is None
    assert is_whole_dataset(make_run(MPII_VALID, "PCKh"))


def test_pifpaf_is_held_against_runs_on_images_with_people():
    def make(kind, **dataset):
        size = "641x641" if kind.startswith("pifpaf") else "512x512"
        return make_run({**COCO_VAL, **dataset}, boxes="none", kind=kind, input=size, name="a.safetensors")

    whole = make("pifpaf_resnet50", images_with_people=WITH_PEOPLE)
    assert find_row(whole).clean == 0.648
    assert (is_whole_dataset(whole), count_images(whole)) == (True, WITH_PEOPLE)
    for other in (
        make("pifpaf_resnet50"),
        make("pifpaf_resnet50", images_with_people=WITH_PEOPLE, limit=100),
        make("pifpaf_resnet50", images_with_people=WITH_PEOPLE, n_images=161),
        make("higherhrnet_w32", images_with_people=WITH_PEOPLE),
    ):
        assert find_row(other) is None
        assert not is_whole_dataset(other)
    assert find_row(make("higherhrnet_w32")).clean == 0.671
    ochuman = make_run(OCHUMAN_VAL, boxes="none", kind="pifpaf_resnet50", input="641x641", name="a.safetensors")
    assert find_row(ochuman).clean == 0.376  # every image there holds people
