"""What does scoring a run take, in seconds of the processor and in memory, and where do they go?

    python benchmarks/scoring.py
    python benchmarks/scoring.py --images 500 --people 1840 --cells 16
    python benchmarks/scoring.py --folder /tmp/scoring --against ../robustpose-0.2

Drawn truth and poses of as many images as COCO's validation set has, scored as `bench` does once all is predicted:
intervals, slices, joints, calibration, tables and the page. Most images have nobody or few people, three in five people
(`--marked`) have keypoints, and one in seventy is a crowd region. With `--per-image`, poses are as a detector's, else
one for every person with keypoints. One process; the drawn files stay in `--folder` and are used again.

A stage is what a function takes without the stages that it calls: reading predictions, `figures` (the figures of the
metric), `matches` (poses held against people), `slices` and `joints` (their tables), `resamples`, writing matches,
summaries, the page with its gallery. `--against` runs another checkout on the same files, prints it beside, and tells
which of the files that they wrote differ.
"""

from __future__ import annotations

import argparse
import functools
import hashlib
import importlib
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ[_name] = "1"

import numpy as np

SIZE_WH = (640, 480)
SPREAD = 0.05  # px of error for a px of size, of a pose on clean images
# Stage, module, and what of it is timed. What a checkout does not have is not.
STAGES = (
    ("prepare", "robustpose.benchmark.job", "prepare"),
    ("read", "robustpose.benchmark.scoring", "read_results"),
    ("read", "robustpose.benchmark.scoring", "read_truth_poses"),
    ("figures", "robustpose.results.cell_score", "score"),
    ("matches", "robustpose.metrics.coco_ap", "CocoAP.matches"),
    ("matches", "robustpose.metrics.oks_matches", "OksMatches.quality"),
    ("slices", "robustpose.metrics.oks_matches", "OksMatches.table"),
    ("slices", "robustpose.metrics.oks_matches", "OksMatches.tables"),
    ("joints", "robustpose.metrics.oks_matches", "OksMatches.joints_tables"),
    ("calibration", "robustpose.metrics.oks_matches", "OksMatches.confidences"),
    ("calibration", "robustpose.results.cell_score", "calibrate"),
    ("resamples", "robustpose.metrics.score_tables", "ApTable.score"),
    ("resamples", "robustpose.metrics.score_tables", "JointTable.score"),
    ("resamples", "robustpose.results.resampling", "draw_weights"),
    ("matches files", "robustpose.results.run_folder", "RunFolder.write_matches"),
    ("summary", "robustpose.benchmark.run", "write_scores"),
    ("page", "robustpose.benchmark.write_scores", "write_report"),
    ("gallery", "robustpose.show.pages.report", "make_gallery"),
    ("gallery: poses", "robustpose.show.pages.gallery", "_read_poses"),
)


def draw_people(n_images: int, n_people: int, marked: float, rng: np.random.Generator) -> list[dict[str, Any]]:
    """Return COCO annotations: few images have many people, a part of the people has keypoints, few are crowds."""
    images = np.sort(np.minimum((n_images * rng.random(n_people) ** 2).astype(int), n_images - 1))
    people = []
    for number, image in enumerate(images.tolist()):
        size = min(float(np.exp(rng.normal(4.2, 0.9))), 300.0)  # px, the square root of the area
        box_wh = size * np.array([0.75, 1.5])
        corner = rng.uniform(0, 1, 2) * np.maximum(SIZE_WH - box_wh, 1)
        is_crowd, is_marked = rng.random() < 0.014, rng.random() < marked
        flags = 2 * (rng.random(17) < rng.uniform(0.2, 1)) * (is_marked and not is_crowd)
        xy = (corner + rng.random((17, 2)) * np.minimum(box_wh, SIZE_WH - corner)).round(0) * (flags > 0)[:, None]
        people.append(
            {
                "id": number + 1,
                "image_id": 139 + 3 * image,
                "category_id": 1,
                "keypoints": np.concatenate([xy, flags[:, None]], 1).astype(int).ravel().tolist(),
                "num_keypoints": int((flags > 0).sum()),
                "area": round(0.55 * float(box_wh.prod()), 4),
                "bbox": [*corner.round(2).tolist(), *np.minimum(box_wh, SIZE_WH - corner).round(2).tolist()],
                "iscrowd": int(is_crowd),
            }
        )
    return people


def draw_poses(people: list[dict[str, Any]], badness: float, n_more: int, rng: np.random.Generator) -> str:
    """Return COCO results: a pose for every marked person, and `n_more` of people at random, farther off."""
    marked = [person for person in people if person["num_keypoints"] and not person["iscrowd"]]
    wrong = rng.integers(0, len(people), n_more).tolist()
    whom = [*marked, *(people[number] for number in wrong)]
    points = np.array([person["keypoints"] for person in whom], float).reshape(len(whom), 17, 3)
    corners = np.array([person["bbox"] for person in whom])
    xy = np.where(points[:, :, 2:] > 0, points[:, :, :2], corners[:, None, :2] + corners[:, None, 2:] / 2)
    error = np.exp(rng.normal(badness, 0.8, len(whom))) * np.where(np.arange(len(whom)) < len(marked), 1, 6)
    scale = SPREAD * error * np.sqrt([person["area"] for person in whom])
    xy += rng.normal(size=xy.shape) * scale[:, None, None]
    confidence = np.clip(rng.normal(0.9 - 0.1 * badness, 0.1, (len(whom), 17)), 0.01, 1)
    score = np.clip(np.exp(-error / 4) + rng.normal(0, 0.1, len(whom)), 0.001, 1)
    rows = np.concatenate([xy.round(3), confidence.round(6)[..., None]], 2).reshape(len(whom), -1).tolist()
    order = sorted(range(len(whom)), key=lambda number: whom[number]["image_id"])
    results = (
        {"image_id": whom[i]["image_id"], "category_id": 1, "keypoints": rows[i], "score": round(float(score[i]), 6)}
        for i in order
    )
    return "[\n" + ",\n".join(map(json.dumps, results)) + "\n]\n"


def draw_all(folder: Path, options: argparse.Namespace) -> None:
    """Draw images, annotations and predictions, unless they are there."""
    from robustpose.corruptions.suites import COCO_C
    from robustpose.data.images import write_image

    if (folder / "drawn").exists():
        return
    rng = np.random.default_rng(0)
    (folder / "images").mkdir(parents=True)
    noise = rng.integers(0, 256, (SIZE_WH[1] // 8, SIZE_WH[0] // 8, 3), np.uint8)
    write_image(folder / "images/0.jpg", noise.repeat(8, 0).repeat(8, 1))
    entries = []
    for number in range(options.images):
        name = f"{number}.jpg"
        if number:
            os.link(folder / "images/0.jpg", folder / "images" / name)
        entries.append({"id": 139 + 3 * number, "file_name": name, "width": SIZE_WH[0], "height": SIZE_WH[1]})
    people = draw_people(options.images, options.people, options.marked, rng)
    from robustpose.pose.skeletons import COCO

    category = {"id": 1, "name": "person", "keypoints": COCO.joints, "skeleton": []}
    content = {"images": entries, "annotations": people, "categories": [category]}
    (folder / "people.json").write_text(json.dumps(content))
    (folder / "predictions").mkdir()
    for number, cell in enumerate(COCO_C.cells[: options.cells]):
        badness = 0.3 * cell.severity
        n_more = max(options.per_image * options.images - len(people), 0)
        text = draw_poses(people, badness, n_more, np.random.default_rng([1, number]))
        (folder / "predictions" / f"{cell.file_stem}.json").write_text(text)
    (folder / "drawn").touch()


class Clock:
    """CPU seconds of stages, each without those that it calls."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self.inner = [0.0]

    def time(self, stage: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """Return a function that does the same and is timed."""

        @functools.wraps(function)
        def timed(*args: Any, **options: Any) -> Any:
            start = time.process_time()
            self.inner.append(0.0)
            try:
                return function(*args, **options)
            finally:
                taken, inner = time.process_time() - start, self.inner.pop()
                self.inner[-1] += taken
                self.seconds[stage] = self.seconds.get(stage, 0.0) + taken - inner

        return timed

    def watch(self) -> None:
        """Time all stages from now on."""
        for stage, module, name in STAGES:
            *owner, last = name.split(".")
            place = importlib.import_module(module)
            for part in owner:
                place = getattr(place, part, None)
            function = getattr(place, last, None)
            if function is not None:
                setattr(place, last, self.time(stage, function))


class Nobody:
    """An estimator that has nothing to do: everything is predicted."""

    needs_boxes, needs_images = False, False

    def __init__(self, skeleton: Any) -> None:
        self.skeleton = skeleton

    def predict(self, frames: Any) -> Any:
        raise AssertionError("everything is predicted")


def score_here(folder: Path, run: Path, n_cells: int, n_resamples: int) -> dict[str, Any]:
    """Score the predictions in a run folder, and return what that took."""
    from robustpose.benchmark import job as jobs
    from robustpose.benchmark import run as runs
    from robustpose.corruptions.suites import COCO_C
    from robustpose.data.corrupted import MadeImages
    from robustpose.data.spec import DataSpec
    from robustpose.pose.protocols import Estimator, adopt
    from robustpose.work import Processes

    spec = DataSpec(annotations=folder / "people.json", images=folder / "images")
    make = lambda skeleton: adopt(Nobody(skeleton), Estimator, "nobody")  # noqa: E731
    job = jobs.Job(spec.open, make, MadeImages("release"), run)
    warm_up()
    clock, start, wall = Clock(), time.process_time(), time.perf_counter()
    clock.watch()
    prepared = jobs.prepare(job, COCO_C.cells[:n_cells])
    scoring = runs.Scoring(job, n_resamples)
    scores = runs.score_cells(scoring, prepared.data, prepared.cells, Processes(1), lambda progress: None)
    runs.write_scores(job, prepared.data, scores, prepared.provenance, prepared.warnings)
    total = time.process_time() - start
    return {
        "package": str(Path(importlib.import_module("robustpose").__file__ or "").parent.parent),
        "seconds": {**clock.seconds, "all else": total - sum(clock.seconds.values()), "all": total},
        "wall": time.perf_counter() - wall,
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def warm_up() -> None:
    """Compile what is not compiled yet."""
    from robustpose.data.toy import ToyPeople
    from robustpose.metrics import make_metric
    from robustpose.pose.cell import CLEAN
    from robustpose.pose.types import Poses
    from robustpose.results.cell_score import cut_people, score_cell
    from robustpose.results.resampling import draw_weights

    data = ToyPeople(4)
    truths = [data.truth(number) for number in range(4)]
    poses = [Poses(t.image_id, t.xy.astype(float), t.visible / 2, np.ones(len(t.xy))) for t in truths]
    metric = make_metric(data.metric, data.skeleton)
    score_cell(CLEAN, poses, truths, metric, cut_people(truths, data.skeleton.n_joints), draw_weights(4, 10))


def measure(folder: Path, name: str, checkout: Path, options: argparse.Namespace) -> dict[str, Any]:
    """Score in a new process, with the package of a checkout, and return what that took."""
    run = folder / name
    shutil.rmtree(run, ignore_errors=True)
    shutil.copytree(folder / "predictions", run / "predictions", copy_function=os.link)
    command = [sys.executable, __file__, "--here", str(run)]
    for key in ("cells", "resamples", "folder"):
        command += [f"--{key}", str(getattr(options, key))]
    environment = {**os.environ, "PYTHONPATH": str(checkout.resolve())}
    return dict(json.loads(subprocess.check_output(command, env=environment, text=True)))


def list_differences(first: Path, second: Path) -> list[str]:
    """Return the files that two runs do not have alike."""
    files = {path.relative_to(run) for run in (first, second) for path in run.rglob("*") if path.is_file()}
    differing = [f for f in files if f.name != "run.json" and hash_file(first / f) != hash_file(second / f)]
    return sorted(map(str, differing))


def hash_file(path: Path) -> str:
    """Return the SHA-256 of a file; empty where there is none."""
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=5000)
    parser.add_argument("--people", type=int, default=18400)
    parser.add_argument("--marked", type=float, default=0.6, help="part of the people that has keypoints")
    parser.add_argument("--per-image", type=int, default=0, help="poses an image; 0: one for every marked person")
    parser.add_argument("--cells", type=int, default=76)
    parser.add_argument("--resamples", type=int, default=1000)
    parser.add_argument("--folder", type=Path, help="for the drawn files and runs; by default a temporary one")
    parser.add_argument("--against", type=Path, help="another checkout of this repository")
    parser.add_argument("--here", type=Path, help=argparse.SUPPRESS)  # the run folder to score, in this process
    options = parser.parse_args()
    if options.here is not None:
        warnings.simplefilter("ignore")
        print(json.dumps(score_here(options.folder, options.here, options.cells, options.resamples)))
        return
    with tempfile.TemporaryDirectory() as temporary:
        options.folder = folder = (options.folder or Path(temporary)).resolve()
        draw_all(folder, options)
        checkouts = {"here": Path(__file__).parent.parent, **({"against": options.against} if options.against else {})}
        found = {name: measure(folder, name, checkout, options) for name, checkout in checkouts.items()}
        print(
            f"{options.images:,} images, {options.people:,} people, {options.cells} cells, {options.resamples:,} "
            f"resamples: CPU seconds in one process (load {os.getloadavg()[0]:.1f})"
        )
        print(f"{'':<16}" + "".join(f"{name:>12}" for name in found))
        for stage in dict.fromkeys([*(stage for stage, *_ in STAGES), "all else", "all"]):
            print(f"{stage:<16}" + "".join(f"{of['seconds'].get(stage, 0.0):>12.1f}" for of in found.values()))
        print(f"{'wall':<16}" + "".join(f"{of['wall']:>12.1f}" for of in found.values()))
        print(f"{'peak MB':<16}" + "".join(f"{of['peak_mb']:>12.0f}" for of in found.values()))
        if options.against:
            differing = list_differences(folder / "here", folder / "against")
            print(f"files that differ: {', '.join(differing) or 'none'}")


if __name__ == "__main__":
    main()
