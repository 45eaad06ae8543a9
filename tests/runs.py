"""Small finished runs, made from predictions that are the truth and some noise: no model, no images."""

import numpy as np

from robustpose.data.coco import read_coco
from robustpose.pose.results_json import write_results
from robustpose.pose.types import Poses
from robustpose.results.grid import choose_cells

CELLS = choose_cells(["fog", "contrast"], [1, 4])


def write_predictions(folder, coco_folder, noise, cells=CELLS, seed=0):
    """Write a results file for each cell: the truth, moved by `noise` px, more so at higher severities."""
    folder.mkdir()
    people = read_coco(coco_folder / "people.json", coco_folder / "images")
    rng = np.random.default_rng(seed)
    for cell in cells:
        found = []
        for index in range(len(people)):
            truth = people.truth(index)
            xy = truth.xy + rng.normal(0, noise * (1 + cell.severity / 4), truth.xy.shape)
            found.append(Poses(truth.image_id, xy, np.ones(xy.shape[:2]), rng.random(len(xy))))
        write_results(folder / f"{cell.file_stem}.json", found)
    return folder


def bench_predictions(run, coco_folder, predictions, out, *words):
    """Bench a folder of predictions and return the run folder."""
    corruptions = () if "--corruptions" in words else ("--corruptions", "fog,contrast", "--severities", "1,4")
    data = ("--annotations", coco_folder / "people.json", "--images", coco_folder / "images")
    code, _, errors = run(
        "bench", "--model", f"results:{predictions}", *data, *corruptions, "--workers", 1, "--out", out, *words
    )
    assert code == 0, errors
    return out


def damage(kind, whole):
    """Return what is left of a file's bytes."""
    if kind == "empty":
        return b""
    if kind == "rubbish":
        return b"rubbish"
    if kind == "cut":
        return whole[: len(whole) // 2]
    middle = len(whole) // 2
    return whole[: middle - 20] + bytes(byte ^ 255 for byte in whole[middle - 20 : middle + 20]) + whole[middle + 20 :]
