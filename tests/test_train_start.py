from __future__ import annotations

import dataclasses
import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from robustpose import models
from robustpose.cli.devices import DeviceOptions
from robustpose.cli.train_options import TrainDataOptions, WeightOptions, WhatToTrain, read_asked
from robustpose.data.images import write_image
from robustpose.data.spec import DataSpec
from robustpose.errors import DoubtWarning, UserError
from robustpose.models.small import SmallNet
from robustpose.models.weights import save_pth, save_weights
from robustpose.models.zoo import make_input_spec
from robustpose.pose.skeletons import COCO, Skeleton
from robustpose.pose.types import Frame, Truth
from robustpose.train.loop import Progress, train
from robustpose.train.overlap import doubt_split, list_shared_images
from robustpose.train.recipes import read_settings
from robustpose.train.start import check_start, combine_skeletons
from tests.scenes import draw_scene
from tests.test_train_loop import Dots, OtherDots, Tiny, settings_for

pytestmark = pytest.mark.usefixtures("one_thread")

HERE = __name__
ON_CPU = {"accelerator": "cpu", "threads": 1}


class Raises(Dots):
    def truth(self, index: int) -> Truth:
        if index == 3:
            raise KeyError("no annotation")
        return super().truth(index)


class Unreadable(Dots):
    def frame(self, index: int) -> Frame:
        return dataclasses.replace(super().frame(index), read=lambda: open("no such file").read())  # noqa: PTH123


class NotFinite(Dots):
    def frame(self, index: int) -> Frame:
        return Dots().frame(index)

    def truth(self, index: int) -> Truth:
        truth = super().truth(index)
        truth.xy[0, 3] = np.nan
        return truth


class FewerJoints(Dots):
    def truth(self, index: int) -> Truth:
        truth = super().truth(index)
        return dataclasses.replace(truth, xy=truth.xy[:, :5], visible=truth.visible[:, :5])


class Nobody(Dots):
    def truth(self, index: int) -> Truth:
        truth = super().truth(index)
        return dataclasses.replace(truth, visible=0 * truth.visible)


class NoBoxes(Dots):
    def frame(self, index: int) -> Frame:
        return dataclasses.replace(super().frame(index), boxes=None)


class Others(Dots):
    skeleton = Skeleton("others", ("tail", *COCO.joints[1:]), (), COCO.sigmas)


class Unannotated(Dots):
    """Joints that nobody annotated are nowhere."""

    def frame(self, index: int) -> Frame:
        return Dots().frame(index)

    def truth(self, index: int) -> Truth:
        truth = super().truth(index)
        truth.xy[0, 3], truth.visible[0, 3] = np.nan, 0
        return truth


class Backwards(OtherDots):
    """The same people with their joints in another order, and spelt otherwise."""

    skeleton = Skeleton("backwards", tuple(name.upper() for name in COCO.joints[::-1]), (), COCO.sigmas[::-1])

    def frame(self, index: int) -> Frame:
        return OtherDots().frame(index)

    def truth(self, index: int) -> Truth:
        truth = super().truth(index)
        return dataclasses.replace(truth, xy=truth.xy[:, ::-1], visible=truth.visible[:, ::-1])


def fails(n_joints: int) -> nn.Module:
    raise ValueError("no such width")


class FailsLater(Tiny):
    n_calls = 0

    def forward(self, x: Tensor) -> Tensor:
        type(self).n_calls += 1
        if type(self).n_calls > 2:
            raise KeyError("third call")
        return super().forward(x)


class Frozen(Tiny):
    def __init__(self, n_joints: int) -> None:
        super().__init__(n_joints)
        self.requires_grad_(False)


class Wrapped(Tiny):
    def forward(self, x: Tensor) -> Any:
        return [super().forward(x)]


class Broken(Tiny):
    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x) / 0


class Doubles(nn.Module):
    """A mixer whose weights sum to more than 1."""

    adversarial = False

    def forward(self, views: Tensor) -> tuple[Tensor, Tensor]:
        return views.sum(1), torch.ones(*views.shape[:2], 1, 1)


class HasNothingToLearn(nn.Module):
    adversarial = True

    def forward(self, views: Tensor) -> tuple[Tensor, Tensor]:
        return views.mean(1), torch.full((*views.shape[:2], 1, 1), 1 / views.shape[1])


def unopened() -> Dots:
    raise AssertionError("it takes minutes to read")


def own(name: str) -> dict[str, str]:
    return {"name": f"{HERE}:{name}"}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"start_from": "no.pth"}, r"^start_from \(--init\): there is no weights file no\.pth: name"),
        ({"backbone": "no.pth"}, r"^backbone \(--backbone\): there is no weights file no\.pth: name"),
        ({"val_data": {"name": "coco", "root": "nowhere"}}, r"^val_data: the folder nowhere does not exist"),
        ({"train_data": {"annotations": "a.json", "images": "."}}, r"^train_data: there is no annotation file a\.json"),
        ({"engine": {**ON_CPU, "workers": 10**6}}, r"^engine\.workers is 1000000, for the \d+ cores of this machine"),
        ({"engine": {**ON_CPU, "threads": 10**9}}, r"^engine\.threads is 1000000000, for the \d+ cores"),
        ({"engine": {**ON_CPU, "devices": 999}, "batch_size": 999}, r"^engine\.devices is 999, for the \d+ cores"),
        ({"engine": {**ON_CPU, "precision": "16-mixed"}}, r"^engine\.precision=16-mixed is for GPUs"),
        ({"batch_size": 10**9}, r"^a batch of 1,000,000,000 crops takes .* MB, and the limit is"),
        ({"batch_size": 13, "last_batch": "drop"}, "12 people to learn from, fewer than batch_size 13"),
        ({"val_data": {**own("OtherDots"), "metric": "pckh"}}, r"^val_data: pckh is of MPII's 16 joints"),
        ({"val_data": {**own("OtherDots"), "metric": "ap"}}, r"^val_data: unknown metric 'ap'"),
        (
            {"val_data": {**own("OtherDots"), "metric": "os:getcwd"}},
            "^val_data: metric 'os:getcwd' cannot be called as a function",
        ),
        ({"val_data": {**own("OtherDots"), "metric": "pck:head_size@0.5"}}, r"^val_data: image 0 has no head sizes"),
        ({"val_data": own("Nobody")}, "^val_data: nobody has annotated keypoints"),
        ({"train_data": own("Nobody")}, "train_data holds 0 people to learn from"),
        ({"val_data": own("NoBoxes")}, "^val_data: this network looks into people's boxes, but image 0 has none"),
        ({"val_data": own("Others")}, "the same joints, .* NOSE only in train_data; tail only in val_data"),
        ({"val_data": own("Raises")}, r"^val_data: dataset .* raised KeyError: 'no anno.*start\.py, line"),
        ({"train_data": own("Raises")}, r"^dataset .* raised KeyError: 'no anno.*start\.py, line \d+, in truth\)$"),
        ({"train_data": own("Unreadable")}, "^train_data: image 0 of dataset .* raised FileNotFoundError: .*, line"),
        ({"train_data": own("NotFinite")}, "Truth.xy of image 0 holds a value that is not finite"),
        (
            {"val_data": own("FewerJoints")},
            r"^val_data: .*: Truth.xy of image 0 must be \(N, 17, 2\) .*, got \(2, 5, 2\)",
        ),
        (
            {"model": f"{HERE}:fails"},
            r"^network .*:fails' raised ValueError: no such width \(.*start\.py, line \d+, in fails\)",
        ),
        ({"model": f"{HERE}:Frozen"}, "Frozen has no parameters that can be trained"),
        ({"model": f"{HERE}:Wrapped"}, r"Wrapped must give heatmaps \(1, 17, 16, 8\) of .*, got \(\(1, 17, 16, 8\),\)"),
        ({"model": f"{HERE}:Broken"}, "^network .*:Broken gives values that are not finite, even of a black crop"),
        (
            {"strategy": f"{HERE}:Doubles", "mixing": {"alpha": 0}},
            "^mixer Doubles must give finite images and weights that sum to 1",
        ),
        (
            {"strategy": f"{HERE}:HasNothingToLearn", "mixing": {"alpha": 0}},
            "^mixer HasNothingToLearn says that it is adversarial, but has no parameters",
        ),
    ],
)
def test_what_can_be_known_is_said_before_the_first_step(changes: dict[str, Any], message: str, tmp_path: Path) -> None:
    seen: list[Progress] = []
    with pytest.raises(UserError, match=message.replace("NOSE", "nose")) as caught:
        train(settings_for(**changes), tmp_path / "run", seen.append)
    assert not seen
    assert "\n" not in str(caught.value)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
@pytest.mark.parametrize(("accelerator", "kind"), [("cuda", "NVIDIA"), ("gpu", "NVIDIA"), ("mps", "Apple")])
def test_accelerator_that_is_not_there_is_one_line(accelerator: str, kind: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=f"^PyTorch finds no {kind} GPU here: set engine.accelerator=cpu or auto$"):
        train(settings_for(engine={"accelerator": accelerator}), tmp_path)


def test_failure_of_ones_own_network_in_a_step_names_its_line(tmp_path: Path) -> None:
    FailsLater.n_calls = 0
    with pytest.raises(
        UserError, match=r"FailsLater raised KeyError: 'third call' \(.*start\.py, line \d+, in forward\)$"
    ):
        train(settings_for(model=f"{HERE}:FailsLater"), tmp_path)


def test_files_are_looked_for_before_pytorch_is_loaded(tmp_path: Path) -> None:
    recipe = tmp_path / "recipe.yaml"
    data = "train_data: {name: toy}\nval_data: {name: coco, root: ~/no such folder}\n"
    recipe.write_text(f"model: small\ninput_wh: [32, 64]\n{data}")
    code = (
        "import sys\nfrom robustpose.cli import main\ntry:\n    main(sys.argv[1:])\n"
        "finally:\n    print('torch' in sys.modules)\n"
    )
    words = [sys.executable, "-c", code, "train", "--recipe", recipe, "--out", tmp_path / "run"]
    done = subprocess.run(words, capture_output=True, text=True, cwd=Path(__file__).parents[1])
    assert done.returncode == 2
    assert done.stderr.strip().endswith("name the one that holds the files of coco")
    assert "val_data: the folder /" in done.stderr  # ~ is the home folder
    assert done.stdout.strip() == "False"
    assert not (tmp_path / "run").exists()


def make_folder(root: Path, *files: str) -> Path:
    """Make files, empty ones, and folders, which end with a slash."""
    for name in files:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).mkdir() if name.endswith("/") else (root / name).touch()
    return root


COCO_VAL = "annotations/person_keypoints_val2017.json"


@pytest.mark.parametrize(
    ("files", "data", "message"),
    [
        (
            ["annot/valid.json", "images/a.jpg"],
            {"name": "mpii"},
            r"^val_data: metric pckh needs .*annot/gt_valid\.mat, which is not there \(robustpose data check mpii ",
        ),
        (
            ["annot/valid.json", "images/a.jpg"],
            {"name": "mpii", "metric": "pck:head_size@0.2"},
            r"^val_data: metric pck:head_size@0\.2 needs .*annot/gt_valid\.mat",
        ),
        (
            ["annot/train.json", "images/a.jpg"],
            {"name": "mpii", "split": "train"},
            "^val_data: metric pckh needs head sizes, which mpii train has not: take another metric",
        ),
        (["annot/valid.json"], {"name": "mpii"}, r"^val_data: mpii valid needs images, which is not at"),
        ([COCO_VAL, "images/val2017/"], {"name": "coco"}, r"^val_data: the image folder .*val2017 is empty$"),
        (["images/val2017/a.jpg"], {"name": "coco"}, "^val_data: coco val2017 needs annotations/person_keypoints_val"),
        (
            [COCO_VAL, "val2017/a.jpg"],
            {"name": "coco", "boxes": "clean-det"},
            r"^val_data: there are no official detections for .*val2017\.json: name a file, --boxes clean-det:FILE",
        ),
        (
            [COCO_VAL, "val2017/a.jpg"],
            {"name": "coco", "boxes": "clean-det:a.json"},
            "^val_data: there are no boxes at a",
        ),
    ],
)
def test_file_that_evaluation_lacks_is_known_without_opening_any(
    files: list[str], data: dict[str, Any], message: str, tmp_path: Path
) -> None:
    val = {**data, "root": make_folder(tmp_path / "root", *files)}
    with pytest.raises(UserError, match=message) as caught:
        check_start(settings_for(val_data=val))
    assert "\n" not in str(caught.value)


def test_mpii_without_its_truth_is_evaluated_by_another_metric(tmp_path: Path) -> None:
    root = make_folder(tmp_path / "root", "annot/valid.json", "images/a.jpg")
    check_start(settings_for(val_data={"name": "mpii", "root": root, "metric": "pck:box@0.2"}))


def test_unknown_network_is_said_before_a_file_is_opened() -> None:
    with pytest.raises(UserError, match=r"^unknown network 'smal' \(did you mean 'small'"):
        check_start(settings_for(model="smal"))


def test_joint_that_is_not_annotated_may_be_nowhere(tmp_path: Path) -> None:
    assert train(settings_for(train_data=own("Unannotated"), epochs=1), tmp_path).is_file()


def test_evaluation_on_joints_in_another_order_gives_the_same_figures(tmp_path: Path) -> None:
    figures = []
    for name in ("OtherDots", "Backwards"):
        metric = "pck:box@0.3"
        train(settings_for(val_data={**own(name), "metric": metric}, epochs=1), tmp_path / name)
        figures.append(json.loads((tmp_path / name / "log.jsonl").read_text())["figures"])
    same = {name.lower(): figure for name, figure in figures[1].items()}
    assert same == {name.lower(): figure for name, figure in figures[0].items()}
    assert figures[0]["PCK"] > 0


def test_network_is_evaluated_with_the_limbs_that_it_has_learned() -> None:
    joints = ("left_hand", "right_hand", "head")
    learned = Skeleton("a", joints, ((0, 2), (1, 2)), (0.1, 0.1, 0.1))
    other = Skeleton("b", joints[::-1], (), (0.3, 0.2, 0.2))
    combined = combine_skeletons(learned, other)
    assert (combined.joints, combined.sigmas) == (joints[::-1], (0.3, 0.2, 0.2))
    assert combined.limbs == ((2, 0), (1, 0))  # in the order of the network's fields
    none = dataclasses.replace(other, flip_pairs=(), sides_from="given")
    with pytest.raises(UserError, match=r"flip_pairs are left_hand-right_hand and none$"):
        combine_skeletons(learned, none)


# Images that are both learned from and evaluated on


@pytest.fixture
def folders(tmp_path: Path) -> Callable[..., tuple[Any, ...]]:
    """Return a function of the seeds of two folders' images that describes both as data, and opens them."""

    def make(learned: list[int], evaluated: list[int], suffix: str = "png") -> tuple[Any, ...]:
        found: list[Any] = []
        for name, seeds in (("train", learned), ("val", evaluated)):
            folder = tmp_path / name
            folder.mkdir(exist_ok=True)
            images = []
            for number, seed in enumerate(seeds):
                write_image(folder / f"{name}{number}.{suffix}", draw_scene(64, 64, seed))
                images.append({"id": number, "file_name": f"{name}{number}.{suffix}", "width": 64, "height": 64})
            category = {"id": 1, "name": "person", "keypoints": list(COCO.joints)}
            content = {"images": images, "annotations": [], "categories": [category]}
            (tmp_path / f"{name}.json").write_text(json.dumps(content))
            spec = DataSpec(annotations=tmp_path / f"{name}.json", images=folder)
            found += [spec, spec.open()]
        return tuple(found)

    return make


@pytest.mark.parametrize("suffix", ["png", "bmp"])  # BMP files of one size have as many bytes
def test_copy_under_another_name_is_the_same_image(folders: Callable[..., tuple[Any, ...]], suffix: str) -> None:
    (warning,) = list_shared_images(*folders([1, 2, 3, 4], [5, 3, 6, 1], suffix))
    assert warning.startswith(f"2 of the 4 images of val_data are learned from, such as val1.{suffix}: ")
    assert list_shared_images(*folders([1, 2, 3, 4], [5, 6], suffix)) == ()


def test_file_that_both_sets_name_is_the_same_image(folders: Callable[..., tuple[Any, ...]]) -> None:
    spec, dataset, *_ = folders([1, 2], [3])
    (warning,) = list_shared_images(spec, dataset, spec, dataset)
    assert warning.startswith("2 of the 2 images of val_data are learned from")


@pytest.mark.parametrize(
    ("learned", "evaluated", "n_shared"),
    [
        ({"name": "toy", "n_images": 4}, {"name": "toy", "n_images": 3}, 0),  # another split
        ({"name": "toy", "n_images": 4, "split": "val"}, {"name": "toy", "n_images": 3}, 3),
        ({"name": "toy", "n_images": 4, "split": "val", "seed": 1}, {"name": "toy", "n_images": 3}, 0),
        ({"name": "toy-crowds", "n_images": 4, "split": "val"}, {"name": "toy", "n_images": 3}, 0),
        (own("Dots"), own("Dots"), 6),
        (own("Dots"), own("OtherDots"), 0),
    ],
)
def test_images_that_are_no_files_are_known_by_their_description(
    learned: dict[str, Any], evaluated: dict[str, Any], n_shared: int
) -> None:
    spec, val = DataSpec(**learned).for_training(), DataSpec(**evaluated)
    found = list_shared_images(spec, spec.open(), val, val.open())
    assert [warning.split()[0] for warning in found] == ([str(n_shared)] if n_shared else [])


@pytest.mark.parametrize(
    ("spec", "benched"),
    [
        ({"name": "coco", "root": "x", "split": "val"}, "val2017 of coco"),
        ({"name": "coco", "root": "x"}, None),
        ({"name": "coco", "root": "x", "split": "train"}, None),
        ({"name": "mpii", "root": "x", "split": "valid"}, "valid of mpii"),
        ({"name": "ochuman", "root": "x", "split": "val"}, "val of ochuman"),
        ({"name": "ochuman", "root": "x", "split": "test"}, None),
        ({"annotations": "a/person_keypoints_val2017.json", "images": "x"}, "val2017 of coco"),
        ({"annotations": "a/valid.json", "images": "x"}, None),
        ({"name": "toy"}, None),
    ],
)
def test_learning_from_a_benched_split_is_a_doubt(spec: dict[str, Any], benched: str | None) -> None:
    found = doubt_split(DataSpec(**spec).for_training())
    assert [text.startswith(f"train_data is {benched}, which is benched") for text in found] == [True] * bool(benched)


def test_doubts_are_warned_of_and_stand_in_the_log(tmp_path: Path) -> None:
    with pytest.warns(DoubtWarning, match="6 of the 6 images of val_data are learned from"):
        train(settings_for(val_data=own("Dots"), train_data=own("Dots"), epochs=2), tmp_path)
    first, second = map(json.loads, (tmp_path / "log.jsonl").read_text().splitlines())
    assert "warnings" not in first  # it was not evaluated
    assert second["warnings"][0].startswith("6 of the 6 images")


# Options and recipes


def test_skeleton_is_of_both_data_and_boxes_and_metric_are_of_the_evaluation(coco_folder: Path, tmp_path: Path) -> None:
    recipe, files = tmp_path / "recipe.yaml", {"annotations": coco_folder / "people.json", "images": coco_folder}
    recipe.write_text("model: small\ninput_wh: [32, 64]\ntrain_data: {name: toy}\nval_data: {name: toy, limit: 3}\n")
    options = TrainDataOptions(
        **files, val_annotations=files["annotations"], skeleton=Path("s.yaml"), boxes="clean-det:d", metric="pck:box@1"
    )
    settings = read_settings(recipe, [], options.describe())
    assert (settings.train_data.skeleton, settings.val_data.skeleton) == (Path("s.yaml"), Path("s.yaml"))
    assert (settings.train_data.boxes, settings.train_data.metric) == ("gt", None)
    val = settings.val_data
    assert (val.images, val.boxes, val.metric, val.limit) == (coco_folder, "clean-det:d", "pck:box@1", 3)
    with pytest.raises(UserError, match=r"train_data: data 'toy' takes no skeleton \(--skeleton\)"):
        read_settings(recipe, [], TrainDataOptions(skeleton=Path("s.yaml")).describe())
    settings = read_settings(recipe, [], TrainDataOptions(metric="pck:box@1").describe())
    assert (settings.val_data.name, settings.val_data.metric, settings.val_data.limit) == ("toy", "pck:box@1", 3)


def test_who_gives_data_to_learn_from_alone_is_asked_for_those_to_evaluate_on(
    coco_folder: Path, tmp_path: Path
) -> None:
    recipe = tmp_path / "recipe.yaml"
    data = "train_data: {name: coco, root: C}\nval_data: {name: coco, root: C}\n"
    recipe.write_text(f"model: small\ninput_wh: [32, 64]\n{data}")
    files = {"annotations": coco_folder / "people.json", "images": coco_folder / "images"}
    read = partial(read_asked, WhatToTrain(recipe=str(recipe)), WeightOptions(), device=DeviceOptions(), set_=None)
    for options in (files, {**files, "skeleton": "coco"}):
        with pytest.raises(UserError, match=r"^--annotations says what is learned from: give --val-annotations FILE"):
            read(data=TrainDataOptions(**options))
    assert read(data=TrainDataOptions(**files, val_annotations=files["annotations"])).val_data.name == "coco"
    recipe.write_text(f"model: small\ninput_wh: [32, 64]\n{data.replace('name: coco, root: C', 'name: toy')}")
    assert read(data=TrainDataOptions(**files)).val_data.name == "toy"  # which is there


def test_option_is_taken_as_it_is(tmp_path: Path) -> None:
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text("model: small\ninput_wh: [32, 64]\ntrain_data: {name: toy}\nval_data: {name: toy}\n")
    settings = read_settings(recipe, [], {"start_from": Path("null"), "strategy": None, "engine": {"devices": None}})
    assert settings.start_from == Path("null")  # a file of that name, not YAML


# Weights to begin with


def save_tiny(path: Path, **changes: Any) -> Path:
    """Write first weights of `Tiny`, with a card that is changed."""
    input_spec = dataclasses.replace(make_input_spec(f"{HERE}:Tiny", COCO, (32, 64)), **changes)
    save_weights(Tiny(17), input_spec, path)
    return path


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"channels": "bgr"}, r"a\.safetensors expects images with channels bgr, but .* is trained with rgb"),
        ({"mean": (0.5, 0.5, 0.5)}, r"a\.safetensors expects images with mean"),
        ({"joints": COCO.joints[::-1]}, r"a\.safetensors finds the joints in another order than train_data"),
        ({"joints": ("tail", *COCO.joints[1:])}, r"a\.safetensors finds other joints than train_data"),
    ],
)
@pytest.mark.parametrize("teacher", [False, True])
def test_weights_for_other_joints_or_colours_are_refused(
    changes: dict[str, Any], message: str, teacher: bool, tmp_path: Path
) -> None:
    path = save_tiny(tmp_path / "a.safetensors", **changes)
    of = {"strategy": "distill", "teacher": {"weights": path}} if teacher else {"start_from": path}
    with pytest.raises(UserError, match=message):
        train(settings_for(**of), tmp_path / "run")


def test_teacher_that_sees_other_colours_than_the_student_is_refused(tmp_path: Path) -> None:
    (tmp_path / "sbl.pth").touch()
    teacher = {"model": "sbl_r50", "weights": tmp_path / "sbl.pth"}
    with pytest.raises(UserError, match=r"^teacher sbl_r50 expects images with channels bgr, but small is"):
        train(settings_for(model="small", strategy="distill", teacher=teacher), tmp_path / "run")


@pytest.mark.parametrize(
    ("network", "n_joints", "message"),
    [
        ("small", 16, r"^teacher\.weights: .*a\.pth does not fit SmallNet: .* or not of the 17 joints of val_data\?$"),
        ("small_tags", 17, r"^teacher\.weights: .*a\.pth does not fit SmallNet: .*: is it of another network, or not"),
        ("small_tags as it is", 17, r"^teacher small_tags must give heatmaps \(1, 17, 16, 8\) of crops"),
    ],
)
def test_teacher_of_another_shape_is_found_before_train_data_are_read(
    network: str, n_joints: int, message: str, tmp_path: Path
) -> None:
    name = network.split()[0]
    save_pth(models.build(name, n_joints), tmp_path / "a.pth")
    teacher = {"model": name if name != network else "small", "weights": tmp_path / "a.pth"}
    changes = {"model": "small", "strategy": "distill", "teacher": teacher, "train_data": own("unopened")}
    with pytest.raises(UserError, match=message):
        train(settings_for(**changes), tmp_path / "run")


@pytest.mark.parametrize("setting", ["start_from", "teacher"])
def test_broken_weights_are_named(setting: str, tmp_path: Path) -> None:
    network = SmallNet(17)
    with torch.no_grad():
        next(network.parameters())[0] = float("nan")
    save_weights(network, make_input_spec("small", COCO, (32, 64)), tmp_path / "nan.safetensors")
    weights = tmp_path / "nan.safetensors"
    changes = {"start_from": weights} if setting == "start_from" else {"teacher": {"weights": weights}}
    strategy = "supervised" if setting == "start_from" else "distill"
    with pytest.raises(UserError, match=r"nan\.safetensors holds values that are not finite \(stem\.0\.weight\)"):
        train(settings_for(model="small", strategy=strategy, **changes), tmp_path / "run")


def test_network_that_is_there_already_begins_every_run_with_its_weights(tmp_path: Path) -> None:
    first, second = (train(settings_for(model=f"{HERE}:instance", epochs=1), tmp_path / name) for name in "ab")
    assert first.read_bytes() == second.read_bytes()
    shutil.rmtree(tmp_path / "a")


instance = Tiny(17)
