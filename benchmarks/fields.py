"""How fast is PifPaf's decoder, with few people and many, and what does completion cost?

    python benchmarks/fields.py
    python benchmarks/fields.py --goldens DIR

One thread, CPU time, medians. People of heights from 80 to 400 px stand anywhere in a 641 x 481 image (fields of
81 x 61 cells); a tenth of their joints and limbs is missing. Every cell of a connection is above the threshold of
completion, so that there are as many candidates as there can be. `cells`: of joints, above the threshold; `found`:
people, parts of people counted. With --goldens, a folder of fields and what the published program makes of them, those
are decoded, too: `xy`, `value` and `score` are the largest differences.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from collections.abc import Callable
from pathlib import Path

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ[_name] = "1"

import numpy as np

from robustpose.decoding.fields import CELL_THRESHOLD, decode_fields
from robustpose.pose.skeletons import COCO

SHAPE_HW = (61, 81)
STRIDE = 8
# A standing person of height 1.
BODY = np.array(
    [
        (0.50, 0.07), (0.52, 0.05), (0.48, 0.05), (0.55, 0.06), (0.45, 0.06), (0.60, 0.20), (0.40, 0.20), (0.65, 0.35),
        (0.35, 0.35), (0.66, 0.49), (0.34, 0.49), (0.56, 0.52), (0.44, 0.52), (0.57, 0.75), (0.43, 0.75), (0.57, 0.97),
        (0.43, 0.97),
    ]
)  # fmt: skip
Fields = list[np.ndarray]


def draw_fields(n_people: int, rng: np.random.Generator, shape_hw: tuple[int, int] = SHAPE_HW) -> tuple[Fields, Fields]:
    """Return pif and paf of people who stand anywhere; elsewhere, cells see little and point anywhere."""
    n_joints, n_limbs = COCO.n_joints, len(COCO.limbs)
    cells = np.stack(np.meshgrid(np.arange(shape_hw[1]), np.arange(shape_hw[0])))  # (2, h, w)
    confidence, scale = rng.exponential(0.005, (n_joints, *shape_hw)), rng.uniform(0.2, 4, (n_joints, *shape_hw))
    vector = rng.normal(0, 2, (n_joints, 2, *shape_hw))
    limb_confidence = rng.gamma(2, 0.015, (n_limbs, *shape_hw)).clip(0.002, 0.09)
    ends = rng.normal(0, 2, (2, n_limbs, 2, *shape_hw))
    for _ in range(n_people):
        height = rng.uniform(80, 400) / STRIDE  # in cells, as everything below
        corner = rng.uniform(0, 1, 2) * shape_hw[::-1] - height / 2
        joints = corner + height * (BODY + rng.normal(0, 0.02, BODY.shape))
        for joint, place in enumerate(joints):
            apart = np.hypot(*(place[:, None, None] - cells))
            near = (apart < 2.3) & (rng.random() > 0.1)
            confidence[joint][near] = rng.uniform(0.5, 0.95) * np.exp(-(apart[near] ** 2) / 12)
            scale[joint][near] = height * COCO.sigmas[joint] * rng.uniform(0.9, 1.1)
            vector[joint][:, near] = place[:, None] - cells[:, near] + rng.normal(0, 0.1, (2, near.sum()))
        for limb, pair in enumerate(COCO.limbs):
            along = np.linspace(*joints[list(pair)], 50)[:, :, None, None]
            apart = np.hypot(*np.moveaxis(along - cells, 1, 0)).min(0)
            near = (apart < 1.5) & (rng.random() > 0.1)
            limb_confidence[limb][near] = rng.uniform(0.4, 0.95) * np.exp(-(apart[near] ** 2) / 4)
            for end, joint in enumerate(pair):
                place = joints[joint]
                ends[end, limb][:, near] = place[:, None] - cells[:, near] + rng.normal(0, 0.3, (2, near.sum()))
    pif = [confidence, vector, np.zeros_like(scale), scale]
    return [part.astype(np.float32) for part in pif], [part.astype(np.float32) for part in (limb_confidence, *ends)]


def median_ms(call: Callable[[], object], rounds: int) -> float:
    """Return the median CPU time of a call after one to warm up."""
    call()
    taken = []
    for _ in range(rounds):
        start = time.process_time()
        call()
        taken.append(time.process_time() - start)
    return 1000 * statistics.median(taken)


def time_both(pif: Fields, paf: Fields, rounds: int) -> str:
    """Return the columns of a row: milliseconds completed and plain."""
    times = [median_ms(lambda c=c: decode_fields(pif, paf, STRIDE, c), rounds) for c in (True, False)]
    return f"{times[0]:11.2f}{times[1]:9.2f}"


def compare_with_published(folder: Path, rounds: int) -> None:
    """Print a table of the fields in a folder."""
    print(f"\n{'':26}{'completed':>11}{'plain':>9}{'found':>7}{'xy px':>10}{'value':>10}{'score':>10}")
    for path in sorted(folder.glob("pifpaf_decoding*.npz")):
        golden = np.load(path)
        pif, paf = [golden[f"field_0_{i}"] for i in range(4)], [golden[f"field_1_{i}"] for i in range(5)]
        apart = np.zeros(3)
        for kind in ("force", "plain"):
            poses, scores = decode_fields(pif, paf, STRIDE, kind == "force")
            difference = np.abs(poses - golden[f"poses_{kind}"])
            score = np.abs(scores - golden[f"scores_{kind}"]).max()
            apart = np.maximum(apart, [difference[:, :, :2].max(), difference[:, :, 2].max(), score])
        columns = f"{len(poses):7}" + "".join(f"{value:10.1e}" for value in apart)
        print(f"{path.stem:26}{time_both(pif, paf, rounds)}{columns}")


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--people", default="0,1,3,10,20,40")
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--goldens", type=Path)
    given = parser.parse_args()
    print(f"ms per image of {SHAPE_HW[1]} x {SHAPE_HW[0]} cells")
    print(f"{'people':>6}{'cells':>7}{'found':>7}{'completed':>11}{'plain':>9}")
    for n_people in map(int, given.people.split(",")):
        pif, paf = draw_fields(n_people, np.random.default_rng(n_people))
        n_found = len(decode_fields(pif, paf, STRIDE)[0])
        n_cells = int((pif[0] > CELL_THRESHOLD).sum())
        print(f"{n_people:6}{n_cells:7}{n_found:7}{time_both(pif, paf, given.rounds)}", flush=True)
    if given.goldens:
        compare_with_published(given.goldens, given.rounds)


if __name__ == "__main__":
    main()
