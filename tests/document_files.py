"""Files that commands of the documents name, as small as they can be, made when a command needs them."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable, Sequence
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from robustpose.data.images import write_image
from tests.conftest import make_onnx
from tests.model_files import MAKERS, make_constant_onnx, make_official
from tests.scenes import draw_scene

RUNS = {"report", "score", "compare", "figures"}  # commands whose arguments are run folders
# Joints of annotations and networks by the names of their files, where they are not COCO's.
JOINTS = {"hands": 21, "hand": 21, "faces": 3, "face": 3, "net16": 16}
FOLDERS_OF_RUNS = {"leaderboard", "findings"}
Call = Callable[[Sequence[str]], Any]  # runs a command of robustpose in a folder


def guess_diagonal(image: Any, boxes: Any) -> Any:
    """Put the joints of everybody on the diagonal of the box: the model of every other run."""
    xy = boxes[:, None, :2] + (boxes[:, None, 2:] - boxes[:, None, :2]) * np.linspace(0.1, 0.9, 17)[None, :, None]
    return np.concatenate([xy, np.ones((len(boxes), 17, 1))], axis=2)


def make_detector(path: Path) -> None:
    """Write a detector of YOLO's form that finds one person in the middle of every image."""
    rows = np.zeros((1, 300, 6), np.float32)
    rows[0, 0] = [32, 16, 96, 120, 0.9, 0]
    make_constant_onnx(path, (1, 3, 128, 128), {"output0": rows})
    import onnx

    model = onnx.load(str(path))
    onnx.helper.set_model_props(model, {"names": "{0: 'person'}"})
    onnx.save(model, str(path))


def make_image(path: Path) -> None:
    """Write an image of any suffix."""
    write_image(path.with_suffix(".png"), draw_scene(64, 80))
    path.with_suffix(".png").rename(path)


def make_styles(path: Path) -> None:
    """Write a folder with a painting."""
    path.mkdir()
    write_image(path / "a.png", draw_scene(64, 64))


class Files:
    """A folder of a page, filled with what its commands name."""

    def __init__(self, folder: Path, coco: Path, call: Call) -> None:
        self.folder, self._coco, self._call = folder, coco, call

    def make(self, words: Sequence[str]) -> None:
        """Make what a command, behind the word `robustpose`, names and nobody has made."""
        given = {name: value for name, value in pairwise(words) if name.startswith("--")}
        self._make_data(given)
        for spec in (given.get("--model", ""), given.get("--boxes", ""), given.get("--detector", "")):
            self._make_model(spec, finds_boxes=words[0] == "detect" or spec.startswith("detect:"))
        for name in ("--init", "--weights", "--backbone", "--teacher"):
            if name in given:
                self._make_weights(given[name], words)
        if "--styles" in given:
            self._once(given["--styles"], make_styles)
        if list(words[:2]) == ["leaderboard", "entry"]:
            self._make_run(words[2], False)
        elif list(words[:2]) == ["leaderboard", "check"] or words[1:2] == ["entries"]:
            pass  # entries are made by a command before
        elif words[0] in RUNS | FOLDERS_OF_RUNS:
            self._make_runs(words)
        if words[0] == "merge":
            self._make_shards(words[1])
        if words[0] == "corrupt" and len(words) > 1 and not words[1].startswith("--"):
            self._once(words[1], make_image)

    def make_runs(self, names: Sequence[str]) -> None:
        """Make finished runs, of two models in turns."""
        for number, name in enumerate(names):
            self._make_run(name, number % 2 > 0)

    def make_named(self, text: str) -> None:
        """Make the models, data and images that a program names."""
        self._make_data(
            {f"--{name}": path for name, path in re.findall(r'\b(annotations|images)"?[=:] ?"([^"]+)"', text)}
        )
        for name in re.findall(r'"([\w.]+\.jpg)"', text):
            self._once(name, make_image)
        for name in MAKERS:
            if "/" in name and name in text:
                self._once(name, MAKERS[name])

    def _once(self, name: str, make: Callable[[Path], Any]) -> None:
        path = self.folder / name
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            make(path)

    def _make_data(self, given: dict[str, str]) -> None:
        for prefix in ("--", "--val-"):
            if f"{prefix}annotations" in given:
                self._once(given[f"{prefix}annotations"], self._make_annotations)
            if f"{prefix}images" in given:
                self._once(given[f"{prefix}images"], partial(shutil.copytree, self._coco / "images"))
        if "--root" in given and not Path(given["--root"]).is_absolute():
            self._make_official(given["--root"])

    def _make_official(self, root: str) -> None:
        for split in ("val2017", "train2017"):
            self._once(
                f"{root}/annotations/person_keypoints_{split}.json", partial(shutil.copy, self._coco / "people.json")
            )
            self._once(f"{root}/{split}", partial(shutil.copytree, self._coco / "images"))
        detections = "person_detection_results/COCO_val2017_detections_AP_H_56_person.json"
        self._once(f"{root}/{detections}", self._make_detections)
        self._once(
            f"{root}/ochuman_coco_format_val_range_0.00_1.00.json", partial(shutil.copy, self._coco / "people.json")
        )
        self._once(f"{root}/images", partial(shutil.copytree, self._coco / "images"))

    def _make_model(self, spec: str, finds_boxes: bool) -> None:
        if spec.startswith("clean-det:"):
            self._once(spec.partition(":")[2], self._make_detections)
        kind, _, target = spec.removeprefix("detect:").partition(":")
        if kind in ("onnx", "tflite") and finds_boxes:
            self._once(target, make_detector)
        elif Path(target).name in MAKERS or target in MAKERS:
            self._once(target, MAKERS[target if target in MAKERS else Path(target).name])
        elif kind == "onnx":
            self._once(target, partial(make_onnx, n_joints=JOINTS.get(Path(target).stem, 17)))

    def _make_annotations(self, path: Path) -> None:
        content = json.loads((self._coco / "people.json").read_text())
        n_joints = JOINTS.get(path.stem, 17)
        for one in content["annotations"]:
            one["keypoints"] = (one["keypoints"] * 2)[: 3 * n_joints]
            one["num_keypoints"] = n_joints
        names = content["categories"][0]["keypoints"]
        content["categories"][0]["keypoints"] = (
            names[:n_joints] if n_joints <= 17 else [f"kp{i}" for i in range(n_joints)]
        )
        content["categories"][0]["skeleton"] = []
        path.write_text(json.dumps(content))

    def _make_detections(self, path: Path) -> None:
        content = json.loads((self._coco / "people.json").read_text())
        names = {one["id"]: one["file_name"] for one in content["images"]}
        boxes = [
            {"image_id": names[one["image_id"]], "category_id": 1, "bbox": one["bbox"], "score": 0.9 - 0.02 * number}
            for number, one in enumerate(content["annotations"])
        ]
        path.write_text(json.dumps(boxes))

    def _make_weights(self, name: str, words: Sequence[str]) -> None:
        if "hrnet" in name or "hrnet" in " ".join(words):
            self._once(name, partial(make_official, network="hrnet_w32"))

    def _make_runs(self, words: Sequence[str]) -> None:
        groups = [value for option, value in pairwise(words) if option == "--group"]
        for number, group in enumerate(groups):
            for name in group.partition("=")[2].split(","):
                self._make_run(name, number > 0)
        values = {i + 1 for i, word in enumerate(words) if word.startswith("--") and "=" not in word}
        named = [word for i, word in enumerate(words[1:], 1) if i not in values and not word.startswith("--")]
        for number, name in enumerate(named):
            if words[0] in FOLDERS_OF_RUNS and not any((self.folder / name).glob("**/summary.json")):
                for below in ("standard", "hardened"):
                    self._make_run(f"{name}/{below}", below == "hardened")
            elif words[0] in RUNS:
                self._make_run(name, number > 0)

    def _make_shards(self, name: str) -> None:
        bench = f"bench --model tests.outside:guess_from_pixels --data toy --out {name} --limit 2 --workers 1"
        if not (self.folder / name).exists():
            self._call([*bench.split(), "--corruptions", "fog", "--severities", "3", "--shard", "1/1"])

    def _make_run(self, name: str, is_other: bool) -> None:
        if (self.folder / name / "summary.json").is_file() or Path(name).suffix:
            return
        model = "document_files:guess_diagonal" if is_other else "outside:guess_from_pixels"
        bench = f"bench --model tests.{model} --data toy --out {name} --name {Path(name).name}"
        few = "--limit 2 --corruptions fog --severities 3 --resamples 40 --workers 1 --no-report"
        self._call([*bench.split(), *few.split()])
