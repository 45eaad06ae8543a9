"""Measure on data of your own: annotations in COCO's form, a skeleton that nobody else has, and what finds it.

    python examples/own_data.py

The "people" are triangles of three coloured dots; the model looks for the colours. Put your images and joints in their
place.
"""

import json
from pathlib import Path

import numpy as np
from PIL import Image

import robustpose

JOINTS = {"top": (255, 0, 0), "left": (0, 255, 0), "right": (0, 0, 255)}  # RGB
SIGMAS = {name: 0.1 for name in JOINTS}  # how precisely people would place each joint: the scale of OKS


def write_data(folder, n_images=6):
    """Write images/ and people.json, as COCO's keypoint annotations are."""
    rng = np.random.default_rng(0)
    (folder / "images").mkdir(parents=True, exist_ok=True)
    images, people = [], []
    for number in range(1, n_images + 1):
        pixels, size = np.full((96, 128, 3), 127, np.uint8), rng.integers(40, 70)
        x, y = rng.integers(5, (128 - size - 5, 96 - size - 5))
        joints = [(x + size // 2, y + 4), (x + 4, y + size - 4), (x + size - 4, y + size - 4)]
        for (across, down), colour in zip(joints, JOINTS.values(), strict=True):
            pixels[down - 3 : down + 4, across - 3 : across + 4] = colour
        Image.fromarray(pixels).save(folder / f"images/{number}.png")
        images.append({"id": number, "file_name": f"{number}.png", "height": 96, "width": 128})
        box, points = [x, y, size, size], np.array([(*xy, 2) for xy in joints]).ravel()  # 2: annotated and visible
        person = {"id": number, "image_id": number, "category_id": 1, "iscrowd": 0, "area": float(size * size / 2)}
        people.append({**person, "bbox": [float(v) for v in box], "num_keypoints": 3, "keypoints": points.tolist()})
    category = {"id": 1, "name": "triangle", "keypoints": list(JOINTS), "skeleton": [[1, 2], [2, 3], [3, 1]]}
    (folder / "people.json").write_text(json.dumps({"images": images, "annotations": people, "categories": [category]}))
    (folder / "skeleton.yaml").write_text(json.dumps({"sigmas": SIGMAS, "flip_pairs": [["left", "right"]]}))


def find_colours(image, boxes):
    """Return where each colour is strongest in each box: x, y, confidence (N, 3, 3)."""
    people = []
    for x1, y1, x2, y2 in boxes.astype(int):
        patch = image[y1:y2, x1:x2].astype(float)
        scores = [patch @ (np.array(colour) / 255 * 1.5 - 0.5) for colour in JOINTS.values()]
        peaks = [np.argwhere(score >= score.max() - 1).mean(axis=0) for score in scores]
        people.append([(x1 + across, y1 + down, 1.0) for down, across in peaks])
    return np.array(people)


if __name__ == "__main__":
    write_data(Path("triangles"))
    data = {"annotations": "triangles/people.json", "images": "triangles/images", "skeleton": "triangles/skeleton.yaml"}
    run = robustpose.bench(find_colours, **data, corruptions=["noise", "fog"], severities=[3], out="runs/own")
    print({cell: f"{score:.0%}" for cell, score in run.cells.items()}, run.report(), sep="\n")
