import hashlib
import json
import re

import pytest

from robustpose import UserError, models
from robustpose.corruptions.suites import COCO_C
from robustpose.data.official import SETS
from robustpose.models.zoo import ZOO
from robustpose.results.published import (
    count_images,
    dataset_names,
    find_dataset,
    find_row,
    get_row,
    is_whole_dataset,
    published_rows,
)
from robustpose.results.recipe import make_recipe

ROWS = published_rows()
COCO_VAL = {"name": "person_keypoints_val2017.json", "n_images": 5000}
OCHUMAN_VAL = {"name": "ochuman_coco_format_val_range_0.00_1.00.json", "n_images": 2500}
WITH_PEOPLE = 2693  # images of COCO val2017 with an annotated person
MPII_VALID = {"name": "MPII valid.json", "n_images": 2729, "n_people": 2958}
# Of version 0.1.0's recipes, which were files: the first digits of SHA-256 of all that they said.
RECIPES = {
    "coco-c/higherhrnet_w32_512": "6de6fae492f272e4",
    "coco-c/higherhrnet_w32_512_advmix": "5136430183020037",
    "coco-c/higherhrnet_w32_640": "aff1f4ebb78cbd1f",
    "coco-c/higherhrnet_w48_512": "b0ef6e1832a1c5c5",
    "coco-c/higherhrnet_w48_640": "6e3a678372111eb5",
    "coco-c/hrnet_w32_128x96": "cda785f8b41b6aa9",
    "coco-c/hrnet_w32_256x192": "efe9b97c6f6bf373",
    "coco-c/hrnet_w32_256x192_advmix": "b9c2abde504232c1",
    "coco-c/hrnet_w32_384x288": "f00929e4aa1fd864",
    "coco-c/hrnet_w48_128x96": "8d3bce599c5248b7",
    "coco-c/hrnet_w48_256x192": "2f9cc0d486a0447a",
    "coco-c/hrnet_w48_256x192_advmix": "3ef1b4fbe4b59346",
    "coco-c/hrnet_w48_384x288": "97e328ab0fd3ad25",
    "coco-c/pifpaf_resnet101": "d2aeb0a53271a537",
    "coco-c/pifpaf_resnet50": "bf4fef06fb0ca90b",
    "coco-c/pifpaf_shufflenetv2x2": "2ac72e605a54aed1",
    "coco-c/sbl_r101_128x96": "b5eb12660421df0c",
    "coco-c/sbl_r101_256x192": "00683afd721ccdb3",
    "coco-c/sbl_r101_256x192_advmix": "a3a7f258c0cc2e06",
    "coco-c/sbl_r101_384x288": "cfa941b85c1580b2",
    "coco-c/sbl_r152_256x192": "29e3274e2f0ea080",
    "coco-c/sbl_r152_256x192_advmix": "533166983cc12328",
    "coco-c/sbl_r50_128x96": "5660c3259dcfeb4e",
    "coco-c/sbl_r50_256x192": "e57c6edb4a69625d",
    "coco-c/sbl_r50_256x192_advmix": "ad425cebef7582d7",
    "coco-c/sbl_r50_384x288": "91b33fffbe473c69",
    "mpii-c/hrnet_w32_256x256": "babbe72fe69c6d87",
    "mpii-c/hrnet_w32_256x256_advmix": "3949c8e5d8642368",
    "mpii-c/sbl_r101_256x256": "c9c175ba40f3707f",
    "mpii-c/sbl_r101_256x256_advmix": "a85e3a8d415138af",
    "mpii-c/sbl_r152_256x256": "dac09dbd1478476c",
    "mpii-c/sbl_r50_256x256": "8720b965b0b71e4f",
    "mpii-c/sbl_r50_256x256_advmix": "eddd33616ae93025",
    "ochuman-c/higherhrnet_w32_512": "ee5abf2593bb09c0",
    "ochuman-c/higherhrnet_w32_640": "393adbf313006122",
    "ochuman-c/higherhrnet_w48_512": "5e0ca372e3b588fc",
    "ochuman-c/higherhrnet_w48_640": "4422791e0d5b509d",
    "ochuman-c/pifpaf_resnet101": "f4e053258c85355d",
    "ochuman-c/pifpaf_resnet50": "4947ec0b088411cd",
    "ochuman-c/pifpaf_shufflenetv2x2": "101680303ff3dfea",
}
PROTOCOL_NAMES = {
    "R50": "sbl_r50",
    "R101": "sbl_r101",
    "R152": "sbl_r152",
    "W32": "hrnet_w32",
    "W48": "hrnet_w48",
    "HigherHRNet-W32-512": "higherhrnet_w32",
}
SCORES = r"(\d+\.\d)/(\d+\.\d)/(\d+\.\d)"
TABLE_5 = {"FPD (same architecture)": "FPD same architecture", "Stylized+AdvMix": "AdvMix+Stylized"}


def make_run(dataset, metric="AP", boxes="clean-det", row=None, differences=(), **estimator):
    noted = {} if row is None else {"row": {"name": row, "differences": list(differences)}}
    return {
        "metric": metric,
        "provenance": {"dataset": dataset, "box_protocol": boxes, "estimator": estimator, **noted},
    }


def percents(row):
    return tuple(round(100 * score, 1) for score in (row.clean, row.mPC, row.rPC))


def in_percent(corruptions):
    return {name: round(100 * score, 1) for name, score in corruptions.items()}


def could_be(value, top, bottom):
    """Tell whether `value` is top / bottom in percent, all three rounded to one decimal."""
    half = 0.0501
    return 100 * (top - half) / (bottom + half) - half <= value <= 100 * (top + half) / (bottom - half) + half


def test_rows_have_names_of_their_own_and_networks_that_there_are():
    assert len({row.name for row in ROWS}) == len(ROWS) == 30 + 7 + 3 + 4 + 9 + 5 + 2  # Tables 1 to 7
    assert len({make_recipe(row).model_dump_json() for row in ROWS}) == len(ROWS)
    for row in ROWS:
        assert row.name.split("/")[0] == row.dataset.lower()
        assert row.zoo.network in models.TABLE
        assert row.data in SETS
        assert row.boxes in ("gt", "clean-det", "none")
        assert (row.boxes == "none") == (row.zoo.input_spec.family != "heatmaps")
    assert dataset_names() == ["COCO-C", "MPII-C", "OCHuman-C"]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_printed_numbers_agree_with_each_other(row):
    clean, mpc, rpc = percents(row)
    assert 0 < mpc < clean < rpc + clean
    assert could_be(rpc, mpc, clean)
    if row.corruptions:
        assert list(row.corruptions) == list(COCO_C.corruptions)
        mean = 100 * sum(row.corruptions.values()) / COCO_C.n_corruptions
        # Table 4's last row: its columns have the mean 56.36, and 56.5 is printed.
        assert mean == pytest.approx(mpc, abs=0.15 if row.name == "coco-c/table4/advmix_stylized" else 0.1001)


def test_models_that_two_tables_print_have_the_same_numbers():
    for table in (5, 6):
        for row in (row for row in ROWS if row.table == table and row.training in ("Standard", "AdvMix")):
            other = get_row(f"coco-c/table4/{row.training.lower()}")
            assert percents(row) == percents(other)


def test_tables_1_and_4_are_the_papers(shared):
    printed = json.loads((shared / "paper_tables.json").read_text())
    rows = [row for row in ROWS if row.table == 1]
    assert len(rows) == len(printed["table1"])
    for theirs in printed["table1"]:
        place = tuple(theirs[key] for key in ("model", "input", "dataset", "metric"))
        (row,) = (row for row in rows if (row.model, row.input, row.dataset, row.metric) == place)
        assert percents(row) == (theirs["clean"], theirs["mPC"], theirs["rPC"])
        assert in_percent(row.corruptions) == theirs["corruptions"]
        assert (row.boxes == "none") == (theirs["kind"] == "bottom-up")
        assert row.training == "Standard"
    rows = {row.training: row for row in ROWS if row.table == 4}
    assert set(rows) == set(printed["table4"])
    for training, theirs in printed["table4"].items():
        assert percents(rows[training])[:2] == (theirs["clean"], theirs["mPC"])
        assert in_percent(rows[training].corruptions) == theirs["corruptions"]


def read_lines(shared, start, end):
    """Return what PROTOCOL.md says from one word on to another."""
    text = (shared / "PROTOCOL.md").read_text()
    return text[text.index(start) : text.index(end)]


@pytest.mark.parametrize(("table", "folder", "count"), [(2, "coco-c", 6), (3, "mpii-c", 3)])
def test_tables_2_and_3_are_the_papers(shared, table, folder, count):
    lines = read_lines(shared, f"Table {table}, ", {2: "Table 3, ", 3: "Table 5, "}[table])
    found = re.findall(rf"([\w-]+) {SCORES} → {SCORES}", lines)
    assert len(found) == count
    for name, *numbers in found:
        size = "256x256" if table == 3 else "512" if "512" in name else "256x192"
        standard = get_row(f"{folder}/{PROTOCOL_NAMES[name]}_{size}")
        hardened = get_row(f"{standard.name}_advmix")
        assert [*percents(standard), *percents(hardened)] == list(map(float, numbers))
        assert (hardened.table, hardened.training) == (table, "AdvMix")


def test_tables_5_to_7_are_the_papers(shared):
    five, rest = read_lines(shared, "Table 5, ", "The full Table 1").split("Table 6:")
    six, seven = rest.split("Table 7:")
    for table, part in ((5, five), (6, six)):
        found = re.findall(rf"([A-Z][\w+ ()-]*) {SCORES}", part.replace("standard", "Standard"))
        theirs = {TABLE_5.get(name, name): tuple(map(float, numbers)) for name, *numbers in found}
        assert theirs == {row.training: percents(row) for row in ROWS if row.table == table}
    theirs = re.findall(rf"(COCO-C|MPII-C) {SCORES}", seven)
    assert {name: tuple(map(float, numbers)) for name, *numbers in theirs} == {
        row.dataset: percents(row) for row in ROWS if row.table == 7
    }


@pytest.mark.parametrize("name", RECIPES)
def test_rows_say_what_the_recipe_files_of_version_0_1_0_said(name):
    said = json.dumps(make_recipe(get_row(name)).model_dump(), sort_keys=True)
    assert hashlib.sha256(said.encode()).hexdigest()[:16] == RECIPES[name]


def test_rows_beyond_the_old_recipes_are_of_annotated_boxes_and_one_network():
    new = [row for row in ROWS if row.name not in RECIPES]
    assert {row.table for row in new} == {4, 5, 6, 7}
    assert {(row.zoo.network, row.boxes) for row in new} == {("hrnet_w32", "gt")}
    assert get_row("coco-c/table5/gridmask").zoo is ZOO["hrnet_w32_256x192"]


def test_official_files_are_for_standard_training_only():
    for row in ROWS:
        assert row.weights == (row.zoo.file if row.training == "Standard" else None)
    assert get_row("coco-c/table4/standard").weights == "pose_hrnet_w32_256x192.pth"


def test_unknown_row_is_an_error_that_helps():
    with pytest.raises(
        UserError, match=r"unknown row 'coco-c/table5/gridmaks' \(did you mean 'coco-c/table5/gridmask'"
    ):
        get_row("coco-c/table5/gridmaks")


def test_another_metric_or_dataset_has_no_rows():
    assert published_rows("COCO-C", "PCKh") == []
    assert published_rows("toy", "AP") == []


def test_row_beside_a_run_is_the_one_it_names():
    run = make_run(COCO_VAL, row="coco-c/table5/gridmask", differences=["--boxes clean-det instead of gt"])
    row, differences = find_row(run)
    assert (row.table, row.training, row.clean) == (5, "Grid-Mask", 0.764)
    assert differences == ["--boxes clean-det instead of gt"]
    assert find_row(make_run(MPII_VALID, "PCKh", row="mpii-c/hrnet_w32_256x256"))[1] == []


@pytest.mark.parametrize("name", ["model.pth", "advmix.pth", "pose_hrnet_w32_256x192.pth"])
def test_row_is_not_guessed_from_what_a_file_is_called(name):
    assert find_row(make_run(COCO_VAL, kind="hrnet_w32", input="192x256", name=name)) == (None, [])
    assert find_row(make_run(COCO_VAL, row="coco-c/of_a_later_version", name=name)) == (None, [])


@pytest.mark.parametrize(
    "dataset",
    [{**COCO_VAL, "n_images": 161}, {**COCO_VAL, "limit": 100}, {"name": "toy", "n_images": 5000}, OCHUMAN_VAL],
)
def test_other_images_are_not_the_same_measurement(dataset):
    run = make_run(dataset, kind="sbl_r50", row="coco-c/sbl_r50_256x192")
    assert find_row(run)[1] == ["not all images of COCO-C"]


def test_part_of_a_dataset_is_told_from_all_of_it():
    whole, part = make_run(COCO_VAL), make_run({**COCO_VAL, "limit": 64})
    assert (find_dataset(whole), is_whole_dataset(whole), count_images(whole)) == ("COCO-C", True, 5000)
    assert (find_dataset(part), is_whole_dataset(part), count_images(part)) == ("COCO-C", False, 64)
    assert find_dataset(make_run({"name": "toy"})) is None
    assert not is_whole_dataset(make_run({}))
    assert is_whole_dataset(make_run(MPII_VALID, "PCKh"))
    assert not is_whole_dataset(make_run({**MPII_VALID, "n_people": 2957}, "PCKh"))


def test_pifpaf_is_held_against_runs_on_images_with_people():
    def make(kind, **dataset):
        return make_run({**COCO_VAL, **dataset}, boxes="none", kind=kind)

    whole = make("pifpaf_resnet50", images_with_people=WITH_PEOPLE)
    assert (is_whole_dataset(whole), count_images(whole)) == (True, WITH_PEOPLE)
    for other in (
        make("pifpaf_resnet50"),
        make("pifpaf_resnet50", images_with_people=WITH_PEOPLE, limit=100),
        make("pifpaf_resnet50", images_with_people=WITH_PEOPLE, n_images=161),
        make("higherhrnet_w32", images_with_people=WITH_PEOPLE),
    ):
        assert not is_whole_dataset(other)
    assert is_whole_dataset(make("higherhrnet_w32"))
    # Every image of OCHuman holds people.
    for more in ({}, {"images_with_people": 2500}):
        assert is_whole_dataset(make_run({**OCHUMAN_VAL, **more}, boxes="none", kind="pifpaf_resnet50"))
