import json
import pickle
import shutil
from dataclasses import replace

import pytest

from robustpose.data.official import SETS
from robustpose.data.official_check import check
from robustpose.data.spec import COCO_FILES, KINDS, OF_ALL, OWN, DataSpec, describe_data, make_official_kind
from robustpose.errors import UserError
from robustpose.processes import run_in_processes
from robustpose.train.settings import make_settings, make_settings_of_run

VALUES = {
    "annotations": "people.json",
    "images": "images",
    "skeleton": "sigmas.yaml",
    "exif": "ignore",
    "category": "cat",
    "area": "box",
    "parts": "wholebody",
    "visibility": "fractions",
    "root": "COCO",
    "split": "val",
    "boxes": "clean-det:boxes.json",
    "min_box_score": 0.3,
    "n_images": 7,
    "seed": 3,
    "style_images": "styles",
    "stylized": "only",
}
ROWS = {**KINDS, "own": OWN, "coco files": COCO_FILES}
STRAY = [(name, field) for name, kind in ROWS.items() for field in VALUES if field not in kind.takes]


def name_of(kind: str) -> str:
    return {"own": "tests.outside:Squares", "coco files": "coco"}.get(kind, kind)


def least_values(kind: str) -> dict[str, object]:
    """Return what a kind of data cannot do without."""
    return {"name": name_of(kind), **{field: VALUES[field] for field in ROWS[kind].needs}}


def test_every_field_is_stated_with_the_kinds_that_take_it():
    stated = set(OF_ALL).union(*(kind.takes for kind in ROWS.values()))
    assert stated == set(DataSpec.model_fields) == {*OF_ALL, *VALUES}


# `coco` with annotations or images are files, whose message names another field.
@pytest.mark.parametrize(
    ("kind", "field"), [pair for pair in STRAY if pair[0] != "coco" or pair[1] not in ("annotations", "images")]
)
def test_field_that_a_kind_does_not_take_is_one_line_that_names_both(kind, field):
    with pytest.raises(
        UserError, match=rf"^data '{name_of(kind)}' takes no {field}( \(--{field.replace('_', '-')}\))?(, it takes|$)"
    ) as error:
        describe_data({**least_values(kind), field: VALUES[field]})
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("kind", ROWS)
def test_kind_takes_its_own_fields_and_those_of_all(kind):
    own = {field: VALUES[field] for field in ROWS[kind].takes}
    spec = describe_data({**least_values(kind), **own, "metric": "coco_ap", "limit": 2, "only_with_people": True})
    assert spec.kind is ROWS[kind]


@pytest.mark.parametrize("kind", [kind for kind, row in ROWS.items() if row.needs])
def test_kind_without_what_it_needs_is_one_line(kind):
    least = least_values(kind)
    for field in ROWS[kind].needs:
        with pytest.raises(UserError, match=rf"(needs|without) {field} \(--{field}\)"):
            describe_data({**least, field: None})


def test_files_in_cocos_format_need_no_name():
    assert DataSpec(annotations="a.json", images="b") == DataSpec(name="coco", annotations="a.json", images="b")


def test_unknown_data_name_the_nearest_and_all():
    with pytest.raises(
        UserError, match=r"unknown dataset 'ocuman' \(did you mean 'ochuman'\?\): expected one of toy, "
    ):
        describe_data({"name": "ocuman", "root": "x"})


def test_same_descriptions_are_equal_and_hash_alike():
    one, two = (DataSpec(name="coco", root="COCO", limit=3) for _ in range(2))
    assert one == two
    assert len({one, two, DataSpec(name="coco", root="COCO")}) == 2


def count_images(dataset, _task):
    yield len(dataset)


def test_opening_can_be_sent_to_another_process():
    spec = DataSpec(name="toy-crowds", n_images=5, limit=3)
    assert len(pickle.loads(pickle.dumps(spec.open))()) == 3
    assert list(run_in_processes(spec.open, count_images, [None], 1)) == [3]


def test_toy_is_opened_as_described():
    dataset = DataSpec(name="toy", n_images=5, seed=2, split="train", metric="pck:box@0.1").open()
    assert dataset.metric == "pck:box@0.1"
    assert dataset.provenance.items() >= {"name": "toy", "seed": 2, "split": "train", "n_images": 5}.items()


def test_copies_in_other_styles_are_taken_with_the_images(coco_folder):
    spec = DataSpec(
        annotations=coco_folder / "people.json", images=coco_folder / "images", style_images=coco_folder / "images"
    )
    assert len(spec.open()) == 18
    assert len(spec.model_copy(update={"stylized": "only", "limit": 2}).open()) == 2


# Splits


@pytest.fixture
def coco_root(coco_folder, tmp_path):
    """COCO as it lies on disk: nine images in val2017, four in train2017."""
    content = json.loads((coco_folder / "people.json").read_text())
    (tmp_path / "annotations").mkdir()
    for split, n_images in (("val2017", 9), ("train2017", 4)):
        images = content["images"][:n_images]
        ids = {image["id"] for image in images}
        people = [person for person in content["annotations"] if person["image_id"] in ids]
        part = {**content, "images": images, "annotations": people}
        (tmp_path / f"annotations/person_keypoints_{split}.json").write_text(json.dumps(part))
        shutil.copytree(coco_folder / "images", tmp_path / split)
    return tmp_path


def settings_of(train_data, val_data, make=make_settings):
    return make({"model": "small", "input_wh": [64, 64], "train_data": train_data, "val_data": val_data}, "recipe")


def test_training_learns_from_the_train_split_and_is_evaluated_on_the_benched_one(coco_root):
    data = {"name": "coco", "root": str(coco_root)}
    settings = settings_of(data, data)
    assert settings.train_data.split == "train2017"
    assert len(settings.train_data.open()) == 4
    assert len(settings.val_data.open()) == 9
    assert len(DataSpec(name="coco", root=coco_root).open()) == 9


@pytest.mark.parametrize(
    ("name", "train", "benched"),
    [
        ("toy", "train", "val"),
        ("toy-crowds", "train", "val"),
        ("coco", "train2017", "val2017"),
        ("mpii", "train", "valid"),
    ],
)
def test_split_that_is_not_given_is_the_one_for_the_purpose(name, train, benched):
    spec = describe_data(least_values(name))
    assert spec.for_training().split == train
    assert spec.split is None
    assert spec.kind.benched == benched


def test_split_that_is_given_is_kept():
    data = {"name": "coco", "root": "COCO", "split": "val"}
    assert settings_of(data, data).train_data.split == "val"
    assert settings_of({"name": "ochuman", "root": "x", "split": "val"}, {"name": "toy"}).train_data.split == "val"


def test_data_without_splits_are_learned_from_as_they_are():
    for values in ({"annotations": "a.json", "images": "b"}, {"name": "tests.outside:Squares"}):
        assert DataSpec(**values).for_training() == DataSpec(**values)


def test_set_without_a_split_for_training_is_refused_as_training_data():
    data = {"name": "ochuman", "root": "OCHuman"}
    with pytest.raises(UserError, match="train_data: data 'ochuman' has no split for training: say which") as error:
        settings_of(data, data)
    assert "\n" not in str(error.value)


def test_run_of_0_1_0_that_learned_from_the_benched_split_is_not_taken_for_another():
    values = settings_of({"name": "coco", "root": "x"}, {"name": "coco", "root": "x"}).model_dump(mode="json")
    assert make_settings_of_run(values, "run").train_data.split == "train2017"
    values["train_data"]["split"] = None
    assert make_settings_of_run(values, "run").train_data.split == "val2017"
    values["train_data"] = {**values["train_data"], "name": "toy", "root": None}
    assert make_settings_of_run(values, "run").train_data.split == "train"


# A new official set


def test_official_set_is_one_row(monkeypatch, coco_root):
    splits = {"test": SETS["coco"].splits["val2017"], "learn": SETS["coco"].splits["train2017"]}
    row = replace(SETS["coco"], title="CrowdPose", splits=splits, benched="test", train="learn", takes=())
    monkeypatch.setitem(SETS, "crowdpose", row)
    monkeypatch.setitem(KINDS, "crowdpose", make_official_kind("crowdpose"))
    spec = DataSpec(name="crowdpose", root=coco_root)
    assert (len(spec.open()), len(spec.for_training().open())) == (9, 4)
    assert {finding.path for finding in check("crowdpose", coco_root)} >= {"val2017", "train2017"}
    with pytest.raises(UserError, match=r"data 'crowdpose' takes no boxes \(--boxes\), it takes root"):
        describe_data({"name": "crowdpose", "root": coco_root, "boxes": "clean-det"})
    with pytest.raises(UserError, match="crowdpose has no split 'val': it has test and learn"):
        DataSpec(name="crowdpose", root=coco_root, split="val").open()


def test_one_of_two_files_in_cocos_format_asks_for_the_other_and_names_no_data_that_nobody_did():
    with pytest.raises(UserError, match=r"^annotations \(--annotations\) came without images \(--images\): give both$"):
        describe_data({"annotations": "people.json"})
