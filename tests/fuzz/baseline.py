"""The good inputs that are spoilt: a data set, results, runs, a corrupted set, recipes, weights, checkpoints.

Everything is made by the program itself or drawn, in a few seconds; commands that read it all end with exit code 0.
"""

from __future__ import annotations

import io
import json
import os
import shutil
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import PIL.Image
import scipy.io
import yaml

from robustpose.cli import main
from robustpose.pose.skeletons import COCO, MPII
from tests.conftest import CATEGORY, make_onnx, make_person
from tests.scenes import draw_scene

SIZES = [(96, 128), (120, 90), (64, 64), (96, 128), (80, 100)]
CANARY = "from pathlib import Path\nPath('canary-ran').write_text('')\n\n\ndef go(*args, **kwargs):\n    return None\n"
OWN = '''"""A user's own code, named on the command line."""


def guess(image, boxes):
    import numpy as np

    xy = (boxes[:, None, :2] + boxes[:, None, 2:]) / 2 + np.zeros((len(boxes), 17, 2))
    return np.concatenate([xy, np.ones((len(boxes), 17, 1))], axis=2)


def darken(image, severity, rng):
    return image // 2
'''
COCO_FILES = "--annotations data/people.json --images data/images"
CELLS = "--corruptions contrast --severities 1,3"
BENCH = f"bench {COCO_FILES} {CELLS} --workers 1 --resamples 40 --seed 5"
FRESH = "new"  # the folder that commands write to


def run(words: str) -> None:
    """Run a command of the program in this process; it must end well."""
    try:
        with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()) as said:
            main(words.split())
    except SystemExit as end:
        if end.code:
            raise AssertionError(f"robustpose {words}: {said.getvalue()}") from end


def make_baseline(folder: Path) -> None:
    """Write all good inputs into an empty folder."""
    cv2.setNumThreads(1)  # a fork would wait for the threads of its parent
    folder.mkdir(parents=True, exist_ok=True)
    before = Path.cwd()
    os.chdir(folder)
    try:
        _write_data(Path("data"))
        _write_mpii(Path("mpii"))
        Path("canary.py").write_text(CANARY)
        Path("own.py").write_text(OWN)
        make_onnx(Path("net.onnx"))
        make_onnx(Path("net16.onnx"), n_joints=16)
        for name in ("frost", "styles"):
            Path(name).mkdir()
            for number in range(6 if name == "frost" else 2):
                PIL.Image.fromarray(draw_scene(160, 200, seed=20 + number)).save(f"{name}/frost{number + 1}.png")
        run(f"{BENCH} --model own:guess --out run")
        run(f"{BENCH} --model results:run --out other")
        run("leaderboard entry run --out entries/net.json --link paper=https://example.org/paper.pdf --parameters 7M")
        shutil.copytree("run/predictions", "results")
        _write_unfinished()
        run(f"corrupt {COCO_FILES} {CELLS} --workers 1 --seed 5 --out set")
        _write_training()
        shutil.rmtree(FRESH, ignore_errors=True)
        for lock in Path().rglob(".lock"):
            lock.unlink()
    finally:
        os.chdir(before)


def _write_data(folder: Path) -> None:
    rng = np.random.default_rng(3)
    (folder / "images").mkdir(parents=True)
    (folder / "detections").mkdir()
    images: list[dict[str, Any]] = []
    people: list[dict[str, Any]] = []
    for number, (height, width) in enumerate(SIZES, 1):
        name = f"{number:06d}.{'png' if number == 3 else 'jpg'}"
        PIL.Image.fromarray(draw_scene(height, width, seed=number)).save(folder / "images" / name)
        images.append({"id": number, "file_name": name, "height": height, "width": width})
        for box in ([5.0, 8.0, 40.0, 50.0], [25.0, 10.0, 30.0, 48.0]):
            people.append(make_person(len(people) + 1, number, box, rng))
    people[-1] |= {"iscrowd": 1, "segmentation": {"size": [80, 100], "counts": [10, 30, 7960]}}
    people[-2] |= {"segmentation": [[10, 10, 40, 10, 40, 40]], "keypoints": [0] * 51, "num_keypoints": 0}
    content = {"info": {}, "images": images, "annotations": people, "categories": [CATEGORY]}
    (folder / "people.json").write_text(json.dumps(content))
    found = [{key: person[key] for key in ("image_id", "category_id", "bbox")} | {"score": 0.9} for person in people]
    for name in ("clean", "contrast-1", "contrast-3"):
        (folder / "detections" / f"{name}.json").write_text(json.dumps(found))
    sigmas = dict(zip(COCO.joints, COCO.sigmas, strict=True))
    (folder / "skeleton.yaml").write_text(yaml.safe_dump({"sigmas": sigmas}, sort_keys=False))


def _write_mpii(folder: Path) -> None:
    rng = np.random.default_rng(4)
    (folder / "annot").mkdir(parents=True)
    (folder / "images").mkdir()
    PIL.Image.fromarray(draw_scene(96, 128, seed=9)).save(folder / "images" / "a.jpg")
    joints = rng.uniform(10, 90, (2, 16, 2)).round(2)
    about = {"image": "a.jpg", "center": [60.0, 50.0], "scale": 0.4, "joints_vis": [1] * 15 + [0]}
    people = [{**about, "joints": of_person.tolist()} for of_person in joints]
    (folder / "annot" / "valid.json").write_text(json.dumps(people))
    truth = {
        "pos_gt_src": joints.transpose(1, 2, 0) + 1,
        "jnt_missing": np.zeros((MPII.n_joints, 2)),
        "headboxes_src": np.array([[[10.0, 10], [10, 10]], [[20, 20], [25, 25]]]),
    }
    scipy.io.savemat(folder / "annot" / "gt_valid.mat", truth)


def _write_unfinished() -> None:
    """Leave a run as it is when it was killed: units, and predictions of one cell."""
    from functools import partial

    from robustpose import estimators
    from robustpose.benchmark.job import Job, prepare
    from robustpose.benchmark.predict import Predicting
    from robustpose.claims import claim_folder
    from robustpose.corruptions.suites import choose_cells
    from robustpose.data.corrupted import MadeImages
    from robustpose.data.spec import DataSpec
    from robustpose.work import cut_chunks

    spec = DataSpec(annotations=Path("data/people.json"), images=Path("data/images"))
    cells = choose_cells(["contrast"], [1, 3])
    make_estimator = partial(estimators.build, "own:guess", options={})
    job = Job(spec.open, make_estimator, MadeImages(5), Path("unfinished"))
    prepared = prepare(job, cells)
    with claim_folder(job.out, "results", "run.json", prepared.identity):
        for chunk in cut_chunks(len(prepared.data.dataset))[:1]:
            work = Predicting(job)
            for unit in work.do((prepared.data.dataset, prepared.estimator), (chunk, cells)):
                work.keep(unit)


def _write_training() -> None:
    data = {"annotations": "data/people.json", "images": "data/images"}
    settings = {
        "model": "small", "input_wh": [32, 32], "train_data": data, "val_data": data, "epochs": 1, "batch_size": 4,
        "sheet_people": 1, "decay_at": [5], "augment": {"rotation": 20.0, "half_body_probability": 0.0},
        "engine": {"accelerator": "cpu", "threads": 1},
    }  # fmt: skip
    Path("recipe.yaml").write_text(yaml.safe_dump(settings, sort_keys=False))
    run("train --recipe recipe.yaml --out trained")
    settings |= {"strategy": "advmix", "start_from": "trained/model.safetensors"}
    settings["mixing"] = {"generator_width": 8, "alpha": 0.1}
    Path("advmix.yaml").write_text(yaml.safe_dump(settings, sort_keys=False))
    shutil.copy("trained/model.safetensors", "weights.safetensors")
    shutil.copy("trained/model.pth", "weights.pth")
    row = {
        "model": "small", "input": "32x32", "data": "toy", "split": "val", "boxes": "gt", "seed": "release",
        "expected": {"source": "a table", "clean": 50.0, "mPC": 30.0, "rPC": 60.0, "corruptions": {"fog": 20.0}},
    }  # fmt: skip
    Path("row.yaml").write_text(yaml.safe_dump(row, sort_keys=False))
