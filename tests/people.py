"""Poses and truth to score: people found well, badly, twice and not at all, and images of every awkward kind."""

import numpy as np

from robustpose.pose.results_json import poses_to_results
from robustpose.pose.skeletons import COCO
from robustpose.pose.types import Poses, Truth


def draw_people(seed, n_images=12, tied_in_image=False):
    """Return (poses, truth) of images with people of all sizes.

    Some people are crowd regions, some have no keypoints. Image 0 has nobody, 1 no poses, 2 neither, 3 more than 20
    poses. Few scores are possible, so that many are tied; inside an image only if `tied_in_image`.
    """
    rng = np.random.default_rng(seed)
    pairs = []
    for image_id in range(n_images):
        n_people = 0 if image_id in (0, 2) else int(rng.integers(1, 6))
        n_found = {1: 0, 2: 0, 3: 25}.get(image_id, int(rng.integers(0, 9)))
        xy = rng.uniform(0, 300, (n_people, 1, 2)) + rng.uniform(0, 1, (n_people, 17, 2)) * rng.uniform(
            25, 250, (n_people, 1, 1)
        )
        visible = rng.integers(0, 3, (n_people, 17))
        visible[rng.random(n_people) < 0.15] = 0
        truth = truth_of(xy, visible, rng.random(n_people) < 0.15, image_id)
        whom = rng.integers(0, max(n_people, 1), n_found)
        found = xy[whom] if n_people else rng.uniform(0, 300, (n_found, 17, 2))
        found = found + rng.normal(size=found.shape) * rng.choice([0.5, 5, 25], (n_found, 1, 1))
        score = rng.integers(0, 10, n_found) / 10 if tied_in_image else rng.permutation(30)[:n_found] / 30
        pairs.append((Poses(image_id, found, rng.random(found.shape[:2]), score), truth))
    return pairs


def truth_of(xy, visible=None, crowd=None, image_id=1):
    """Return the truth of people whose boxes are those around their joints and whose area is half of that."""
    xy = np.array(xy, float).reshape(-1, 17, 2)
    boxes = np.concatenate([xy.min(1), xy.max(1)], axis=1)
    return Truth(
        image_id=image_id,
        xy=xy,
        visible=np.full(xy.shape[:2], 2) if visible is None else np.array(visible),
        area=0.5 * (boxes[:, 2:] - boxes[:, :2]).prod(1),
        boxes=boxes,
        crowd=np.zeros(len(xy), bool) if crowd is None else np.array(crowd, bool),
    )


def poses_of(xy, score=None, image_id=1):
    """Return poses; by default of falling score."""
    xy = np.array(xy, float).reshape(-1, 17, 2)
    score = 1 - np.arange(len(xy)) / 100 if score is None else np.array(score, float)
    return Poses(image_id, xy, np.ones(xy.shape[:2]), score)


def assert_same_poses(found, expected):
    """Assert that poses of image after image are the same to the bit."""
    for some, others in zip(found, expected, strict=True):
        assert some.image_id == others.image_id
        for name in ("xy", "confidence", "score"):
            np.testing.assert_array_equal(getattr(some, name), getattr(others, name))


def stand_apart(rng, n_people):
    """Return joints (N, 17, 2) of people of many sizes, each a thousand pixels from the next."""
    size = rng.uniform(20, 300, (n_people, 1, 1))
    return rng.uniform(0, 1, (n_people, 17, 2)) * size + 1000 * np.arange(n_people)[:, None, None]


def fill(metric, pairs):
    """Return a metric with poses and truth taken in."""
    for poses, truth in pairs:
        metric.update(poses, truth)
    return metric


def as_coco(pairs):
    """Return images, annotations and results in COCO's format; images are numbered from 1."""
    images, annotations, results = [], [], []
    for number, (poses, truth) in enumerate(pairs, 1):
        images.append({"id": number})
        points = np.concatenate([truth.xy, truth.visible[:, :, None]], axis=2)
        for person, (x1, y1, x2, y2) in enumerate(truth.boxes.tolist()):
            annotations.append(
                {
                    "id": len(annotations) + 1, "image_id": number, "category_id": 1,
                    "keypoints": points[person].ravel().tolist(),
                    "num_keypoints": int((truth.visible[person] > 0).sum()),
                    "area": float(truth.area[person]), "bbox": [x1, y1, x2 - x1, y2 - y1],
                    "iscrowd": int(truth.crowd[person]),
                }
            )  # fmt: skip
        results += [{**result, "image_id": number} for result in poses_to_results(poses)]
    return images, annotations, results


def faster_figures(pairs, sigmas=COCO.sigmas):
    """Return the ten figures as faster-coco-eval has them; some pose is found."""
    from faster_coco_eval import COCO as CocoApi
    from faster_coco_eval import COCOeval_faster

    images, annotations, results = as_coco(pairs)
    truth = CocoApi({"images": images, "annotations": annotations, "categories": [{"id": 1, "name": "person"}]})
    evaluator = COCOeval_faster(
        truth, truth.loadRes(results), "keypoints", print_function=lambda *_: None, kpt_oks_sigmas=np.array(sigmas)
    )
    evaluator.run()
    return evaluator.stats[:10].tolist()


def coco_ap(pairs):
    """Return AP as faster-coco-eval has it, -1 where nobody is to be found."""
    if not any(len(poses.score) for poses, _ in pairs):
        return 0.0 if any(truth.counted.any() for _, truth in pairs) else -1.0
    return faster_figures(pairs)[0]


def draw_again(pairs, weights):
    """Return the images in their order, each `weights` (N,) times."""
    return [pair for pair, times in zip(pairs, weights, strict=True) for _ in range(times)]
