"""Measure a function: whatever turns an image and boxes into joints is a model.

    python examples/own_model.py

This one never looks at the image: everybody stands the same in their box. It keeps all of its score under corruption,
which shows why what is kept is read beside the clean score, and never alone. A network should beat it on clean images.
The metric is PCK: the share of joints that are within a fifth of the box's longer side.
"""

import numpy as np

import robustpose

# Where each joint of COCO is in its box, in shares of width and height: nose, eyes, ears, shoulders, and so on
STANDING = np.array(
    [
        (0.50, 0.08), (0.53, 0.06), (0.47, 0.06), (0.57, 0.07), (0.43, 0.07), (0.66, 0.20), (0.34, 0.20),
        (0.74, 0.35), (0.26, 0.35), (0.75, 0.48), (0.25, 0.48), (0.59, 0.52), (0.41, 0.52), (0.60, 0.73),
        (0.40, 0.73), (0.60, 0.95), (0.40, 0.95),
    ]
)  # fmt: skip


def stand(image, boxes):
    """Return x, y (px of the whole image) and confidence, (N, 17, 3); boxes are (N, 4), x1 y1 x2 y2."""
    corners, sizes = boxes[:, None, :2], boxes[:, None, 2:] - boxes[:, None, :2]
    xy = corners + sizes * STANDING
    return np.concatenate([xy, np.ones((len(boxes), 17, 1))], axis=2)


def main():
    """Bench it beside the demo network, on a few cells of drawn people."""
    few = {"metric": "pck:box@0.2", "limit": 8, "corruptions": ["fog", "gaussian_noise"], "severities": [1, 3, 5]}
    network = robustpose.bench("demo", "toy", out="runs/network", **few)
    baseline = robustpose.bench(stand, "toy", out="runs/baseline", **few)
    for name, run in {"network": network, "baseline": baseline}.items():
        kept = run.score("mean_of_chosen") / run.clean
        print(f"{name}: clean {run.clean:.1%}, mean of the cells {run.score('mean_of_chosen'):.1%}, kept {kept:.0%}")
    print(robustpose.compare(network, baseline, names=["network", "baseline"]))


if __name__ == "__main__":
    main()
