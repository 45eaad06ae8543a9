"""What hf: costs beside the bare network: a ViTPose-B of random weights, 256x192, 17 joints, on one thread.

    python benchmarks/huggingface.py [--rounds 3]

Both look at 16 people at a time, without a mirror test; they take turns, and the fastest round of each counts.
`hf:` crops 640x480 px images, normalises, looks and decodes; the bare network is given its crops.
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from transformers import VitPoseBackboneConfig, VitPoseConfig, VitPoseForPoseEstimation

from robustpose import estimators
from robustpose.pose.skeletons import COCO
from robustpose.pose.types import Frame

BATCH = 16  # people
IMAGES, PEOPLE = 4, 4  # people of an image
MOST = 1.15  # times the bare network


def save_model(folder: Path) -> None:
    """Save a ViTPose-B in a folder, with its image processor's defaults."""
    backbone = VitPoseBackboneConfig(out_indices=[12])
    VitPoseForPoseEstimation(VitPoseConfig(backbone_config=backbone, num_labels=17)).save_pretrained(folder)


def make_frames() -> list[Frame]:
    """Return frames of images of noise with people's boxes."""
    rng = np.random.default_rng(0)
    frames = []
    for number in range(IMAGES):
        image = rng.integers(0, 256, (480, 640, 3), dtype=np.uint8)
        corners = rng.uniform(0, 300, (PEOPLE, 2))
        boxes = np.concatenate([corners, corners + rng.uniform(80, 300, (PEOPLE, 2))], axis=1)
        frames.append(Frame(number, lambda image=image: image, boxes=boxes))
    return frames


def measure(do: Callable[[], object]) -> float:
    """Return the seconds of one thread that a call takes, whatever else the machine does."""
    start = time.process_time()
    do()
    return time.process_time() - start


def main() -> None:
    """Print the time of a person with both, and their ratio."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    rounds = parser.parse_args().rounds
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        save_model(Path(folder))
        network = VitPoseForPoseEstimation.from_pretrained(folder).eval()
        options = {"flip_test": False, "batch_size": BATCH, "threads": 1, "device": "cpu"}
        estimator = estimators.build(f"hf:{folder}", COCO, options)
    frames, crops = make_frames(), torch.randn(BATCH, 3, 256, 192)

    @torch.inference_mode()
    def look() -> object:
        return network(crops)

    times = {"bare network": [], "hf:": []}
    for _ in range(rounds + 1):  # the first round compiles loops and warms caches
        times["bare network"].append(measure(look))
        times["hf:"].append(measure(lambda: estimator.predict(frames)))
    fastest = {name: min(of[1:]) / BATCH for name, of in times.items()}
    for name, seconds in fastest.items():
        print(f"{name:13} {seconds * 1000:7.1f} ms a person")
    print(f"ratio {fastest['hf:'] / fastest['bare network']:.3f}, at most {MOST}")


if __name__ == "__main__":
    main()
