"""What does it take to send a chunk of images to a machine that sees no files: time to pack and unpack, bytes, memory?

    python benchmarks/carrying.py
    python benchmarks/carrying.py --size 1920x1080 --quality 95

64 photographs (drawn, with grain, as JPEG) with four people each go through all cells of COCO-C: whole, and in parts of
fewer cells, as when several workers share a chunk. CPU time of one core; the best of three.
"""

from __future__ import annotations

import argparse
import json
import pickle
import resource
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import PIL.Image

from robustpose.benchmark.job import Job, read_truths
from robustpose.benchmark.predict import Predicting
from robustpose.benchmark.scoring import Scoring
from robustpose.corruptions.suites import COCO_C
from robustpose.data.carrying import unpack_frames
from robustpose.data.corrupted import MadeImages
from robustpose.data.spec import DataSpec
from robustpose.data.toy import ToyPeople
from robustpose.estimators.carrying import NamedModel
from robustpose.pose.skeletons import COCO
from robustpose.work import Chunk

N_IMAGES, N_PEOPLE = 64, 4
PARTS = (1, 4, 10)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", default="640x480", help="of the images, px")
    parser.add_argument("--quality", type=int, default=90, help="of JPEG")
    options = parser.parse_args()
    width, height = map(int, options.size.split("x"))
    with tempfile.TemporaryDirectory() as folder:
        job = Job(
            write_people(Path(folder), (width, height), options.quality).open,
            NamedModel("demo", {}),
            MadeImages(0),
            Path(),
        )
        measure(job, sum(path.stat().st_size for path in Path(folder).glob("*.jpg")))


def write_people(folder: Path, size_wh: tuple[int, int], quality: int) -> DataSpec:
    """Write images and annotations of people who stand beside each other."""
    rng, scene = np.random.default_rng(0), PIL.Image.fromarray(ToyPeople(1).frame(0).image).resize(size_wh)
    images, people = [], []
    for number in range(1, N_IMAGES + 1):
        grain = rng.normal(0, 12, (size_wh[1], size_wh[0], 3))
        image = np.clip(np.asarray(scene) + grain, 0, 255).astype(np.uint8)
        PIL.Image.fromarray(image).save(folder / f"{number}.jpg", quality=quality)
        images.append({"id": number, "file_name": f"{number}.jpg", "width": size_wh[0], "height": size_wh[1]})
        for place in range(N_PEOPLE):
            box = [place * size_wh[0] / N_PEOPLE, 10.0, size_wh[0] / N_PEOPLE - 1, size_wh[1] - 20.0]
            points = [number for _ in COCO.joints for number in (box[0] + 5, 50.0, 2)]
            about = {"id": len(people) + 1, "image_id": number, "category_id": 1, "iscrowd": 0, "num_keypoints": 17}
            people.append({**about, "bbox": box, "area": box[2] * box[3] / 2, "keypoints": points})
    category = {"id": 1, "name": "person", "keypoints": list(COCO.joints), "skeleton": []}
    content = {"images": images, "annotations": people, "categories": [category]}
    (folder / "people.json").write_text(json.dumps(content))
    return DataSpec(annotations=folder / "people.json", images=folder)


def measure(job: Job, encoded: int) -> None:
    """Print what packing takes; `encoded` is the size of all image files."""
    dataset = job.make_dataset()
    estimator, cells = job.make_estimator(dataset.skeleton), COCO_C.cells
    carried = Predicting(job, {}, cells).carry((dataset, estimator))
    print(f"{encoded / 1e6:.1f} MB of image files; the work itself {len(pickle.dumps(carried.work)) / 1e3:.0f} kB")
    for n_parts in PARTS:
        n = len(cells) // n_parts
        task = (Chunk(0, range(N_IMAGES)), cells[:n])
        packed = carried.pack(task)
        pack = best_of_three(partial(carried.pack, task))
        unpack = best_of_three(lambda content=packed.frames: list(unpack_frames(content)))
        beside = (len(pickle.dumps(packed)) - encoded) / n
        print(
            f"{n:3} cells: pack {1e3 * pack / n:.2f} ms and unpack {1e3 * unpack / n:.2f} ms a unit; "
            f"{len(packed.frames) / 1e6 / n:.2f} MB a unit, of it {beside / 1e3:.1f} kB beside the images"
        )
    scoring = Scoring(job, 0).carry(read_truths(dataset))
    n_people = N_IMAGES * N_PEOPLE
    print(f"scoring: {len(pickle.dumps(scoring.work)) / 1e3 / n_people:.2f} kB a person, once")
    print(f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB at most")


def best_of_three(do: Callable[[], object]) -> float:
    """Return the seconds of the processor that a call takes."""
    seconds = []
    for _ in range(3):
        start = time.process_time()
        do()
        seconds.append(time.process_time() - start)
    return min(seconds)


if __name__ == "__main__":
    main()
