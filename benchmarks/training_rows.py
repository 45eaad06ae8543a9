"""Does every row of the paper train? Two steps of each, from its settings, with losses; and four at their real sizes.

    python benchmarks/training_rows.py
    python benchmarks/training_rows.py --only table5 --according-to paper
    python benchmarks/training_rows.py --coco coco-mini --mpii mpii-mini
    python benchmarks/training_rows.py --real

Each row's own network, strategy, loss and views; small crops and batches of two, on drawn people or on the images in
--coco and --mpii (whose valid split stands for train where that has no annotations), from random weights. `--real`
trains AdvMix of SBL R50, HRNet W32, HigherHRNet W32 and PifPaf R50 on crops of the published size. A line says what was
read back from the row's own settings: schedule, batch, parts that it is done in. One thread; some minutes.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import shutil
import tempfile
import time
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import torch

from robustpose import models
from robustpose.data.images import write_image
from robustpose.data.toy import ToyPeople
from robustpose.errors import UserError
from robustpose.pose.skeletons import COCO, MPII
from robustpose.results.published import PublishedRow, get_row, published_rows
from robustpose.train.loop import Progress, train
from robustpose.train.rows import get_training, read_row
from robustpose.train.settings import TrainSettings

N_IMAGES = 8
SMALL = {"heatmaps": (64, 64), "tags": (128, 128), "fields": (129, 129)}
ONE_STEP_MORE = ["epochs=1", "batch_size=2", "accumulate=1", "engine={accelerator: cpu, threads: 1}", "sheet_people=0"]
REAL = {
    "coco-c/sbl_r50_256x192_advmix": [],
    "coco-c/hrnet_w32_256x192_advmix": [],
    "coco-c/higherhrnet_w32_512_advmix": [],
    "coco-c/pifpaf_resnet50": ["strategy=advmix"],
}
# MPII's joints as means of COCO's.
OF_COCO = {
    **{joint: [joint] for joint in MPII.joints if joint in COCO.joints},
    "pelvis": ["left_hip", "right_hip"], "thorax": ["left_shoulder", "right_shoulder"],
    "upper_neck": ["left_shoulder", "right_shoulder", "nose"], "head_top": ["left_ear", "right_ear"],
}  # fmt: skip


def draw_coco(root: Path) -> Path:
    """Draw people in COCO's layout, and return its folder."""
    category = {"id": 1, "name": "person", "keypoints": COCO.joints, "skeleton": []}
    (root / "annotations").mkdir(parents=True)
    for split in ("train", "val"):
        content: dict[str, list[Any]] = {"images": [], "annotations": [], "categories": [category]}
        toy = ToyPeople(N_IMAGES, split=split)
        for index in range(N_IMAGES):
            image, truth, name = toy.frame(index).image, toy.truth(index), f"{index:012d}.png"
            (root / f"images/{split}2017").mkdir(parents=True, exist_ok=True)
            write_image(root / f"images/{split}2017" / name, image)
            content["images"].append(
                {"id": index, "file_name": name, "height": image.shape[0], "width": image.shape[1]}
            )
            for xy, visible, box, area in zip(truth.xy, truth.visible, truth.boxes, truth.area, strict=True):
                person: dict[str, Any] = {
                    "id": len(content["annotations"]) + 1,
                    "image_id": index,
                    "category_id": 1,
                    "iscrowd": 0,
                }
                person |= {
                    "bbox": [*box[:2], *(box[2:] - box[:2])],
                    "area": area,
                    "num_keypoints": int((visible > 0).sum()),
                }
                person["keypoints"] = np.column_stack([xy, visible]).ravel().tolist()
                content["annotations"].append(person)
        (root / f"annotations/person_keypoints_{split}2017.json").write_text(json.dumps(content))
    return root


def draw_mpii(root: Path) -> Path:
    """Draw people in MPII's layout, and return its folder."""
    (root / "annot").mkdir(parents=True)
    (root / "images").mkdir()
    for split in ("train", "val"):
        toy, people = ToyPeople(N_IMAGES, split=split), []
        for index in range(N_IMAGES):
            truth, name = toy.truth(index), f"{split}{index:06d}.png"
            write_image(root / "images" / name, toy.frame(index).image)
            for xy, visible, box in zip(truth.xy, truth.visible, truth.boxes, strict=True):
                rows = [[COCO.joints.index(joint) for joint in OF_COCO[of]] for of in MPII.joints]
                person = {"image": name, "center": ((box[:2] + box[2:]) / 2).tolist(), "scale": (box[3] - box[1]) / 200}
                person["joints"] = [(xy[row].mean(0) + 1).tolist() for row in rows]
                people.append(person | {"joints_vis": [int((visible[row] > 0).all()) for row in rows]})
        (root / f"annot/{'train' if split == 'train' else 'valid'}.json").write_text(json.dumps(people))
    return root


def make_weights(name: str, n_joints: int, folder: Path) -> Path:
    """Write random weights of a network, and return their file."""
    path = folder / f"{name}_{n_joints}.pth"
    if not path.is_file():
        torch.manual_seed(0)
        torch.save(models.build(name, n_joints).state_dict(), path)
    return path


def read_small(row: PublishedRow, options: argparse.Namespace, weights: Path, real: bool) -> tuple[TrainSettings, str]:
    """Return settings of two steps of a row, and what its own settings say of schedule and batch."""
    root = options.mpii if row.data == "mpii" else options.coco
    given: dict[str, Any] = {"train_data": {}, "val_data": {"metric": "pck:box@0.5", "limit": 1}}
    words = list(REAL[row.name]) if real else []
    if get_training(row).from_imagenet and not real:
        words.append("backbone=null")
    else:
        given["start_from"] = weights
    if get_training(row).stylized:
        given["train_data"]["style_images"] = root / "images/train2017"
    if get_training(row).teacher:
        teacher = make_weights(get_training(row).teacher["model"], row.zoo.skeleton.n_joints, weights.parent)
        given["teacher"] = {"weights": teacher}
    if not (root / "annot/train.json").is_file() and row.data == "mpii":
        words.append("train_data.split=valid")
    own = read_row(row.name, options.according_to, words, given, root)
    drops = ", ".join(map(str, own.decay_at))
    said = f"{own.epochs} ({drops}) batch {own.batch_size} in {own.accumulate}"
    if not real:
        words.append(f"input_wh={list(SMALL[row.zoo.input_spec.family])}")
    n_images = 3 if get_training(row).stylized == "both" else 4  # two steps of people, or of images
    words.append(f"train_data.limit={n_images}")
    return read_row(row.name, options.according_to, [*words, *ONE_STEP_MORE], given, root), said


def train_row(row: PublishedRow, options: argparse.Namespace, folder: Path, real: bool) -> bool:
    """Train two steps of a row, print its line, and return whether all losses were finite."""
    weights = make_weights(row.zoo.network, row.zoo.skeleton.n_joints, folder)
    seen: list[Progress] = []
    start = time.perf_counter()

    class Done(Exception):
        """Two steps are done."""

    def note(progress: Progress) -> None:
        seen.append(progress)
        if progress.step == 2:
            raise Done

    said, out = "", folder / "run"
    try:
        settings, said = read_small(row, options, weights, real)
        train(settings, out, note)
    except Done:
        pass
    except UserError as error:
        print(f"{row.name:<44} {said}  FAILED: {error}", flush=True)
        return False
    finally:
        shutil.rmtree(out, ignore_errors=True)
    losses = seen[-1].losses
    good = len(seen) == 2 and all(math.isfinite(loss) for progress in seen for loss in progress.losses.values())
    words = "  ".join(f"{name} {loss:.3g}" for name, loss in losses.items())
    size = "x".join(map(str, settings.input_wh))
    seconds = time.perf_counter() - start
    print(f"{row.name:<44} {said:<34} {size:<9} {seconds:5.1f} s  {'' if good else 'FAILED '}{words}", flush=True)
    return good


def main(arguments: Sequence[str] | None = None) -> None:
    """Train rows, and end with 1 if one failed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="", help="rows with this in their names")
    parser.add_argument("--real", action="store_true", help="four rows on crops of the published size")
    parser.add_argument("--according-to", default="program")
    parser.add_argument("--coco", type=Path, help="folder of COCO in its usual layout; drawn people if it is not given")
    parser.add_argument("--mpii", type=Path, help="folder of MPII, likewise")
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)
    warnings.filterwarnings("ignore", "not the row's training")  # as all of these are
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        options.coco = options.coco or draw_coco(folder / "coco")
        options.mpii = options.mpii or draw_mpii(folder / "mpii")
        rows = [get_row(name) for name in REAL] if options.real else published_rows()
        rows = [row for row in rows if options.only in row.name]
        done = [train_row(row, options, folder, options.real) for row in rows]
    print(f"{sum(done)} of {len(done)} rows trained two steps, all losses finite, according to: {options.according_to}")
    raise SystemExit(0 if all(done) else 1)


if __name__ == "__main__":
    main()
