"""Things that people write outside the package: one of each kind that robustpose takes."""

import numpy as np

from robustpose.pose.skeletons import COCO
from robustpose.pose.types import Frame, Poses, Truth
from robustpose.train.strategies import Strategy
from tests.scenes import draw_scene


def guess_from_pixels(image, boxes):
    """Put joints where the box's brightness has its centre, spread by row: depends on every pixel of the box."""
    people = []
    for x1, y1, x2, y2 in boxes:
        patch = image[int(y1) : int(y2) + 1, int(x1) : int(x2) + 1].astype(float).sum(2) + 1
        rows = np.array_split(patch, 17)
        across = np.array([(row.sum(0) * np.arange(row.shape[1])).sum() / row.sum() for row in rows])
        down = (np.arange(17) + 0.5) / 17 * (y2 - y1)
        brightness = np.array([row.mean() for row in rows]) / 766
        people.append(np.stack([x1 + across, y1 + down, brightness], axis=1))
    return np.array(people)


def guess_in_batches(images, boxes_per_image):
    """Do the same for several images at once."""
    return [guess_from_pixels(image, boxes) for image, boxes in zip(images, boxes_per_image, strict=True)]


guess_in_batches.batched = True


def wrong_shape(image, boxes):
    """Return too few joints."""
    return np.zeros((len(boxes), 3, 3))


def fails(image, boxes):
    """Fail, as people's code does."""
    raise RuntimeError("the model fell over")


not_callable = 3


class Centre:
    """An estimator: everybody stands in the middle of the image."""

    needs_boxes = False

    def __init__(self, skeleton):
        self.skeleton = skeleton

    def predict(self, frames):
        """Return one person per frame."""
        all_poses = []
        for frame in frames:
            height, width = frame.image.shape[:2]
            xy = np.full((1, self.skeleton.n_joints, 2), [width / 2, height / 2])
            all_poses.append(Poses(frame.image_id, xy, np.ones(xy.shape[:2]), np.ones(1)))
        return all_poses


def darken(image, severity, rng):
    """A corruption: less light, and a little noise."""
    return np.clip(image * (1 - 0.15 * severity) + rng.normal(0, 2, image.shape), 0, 255).astype(np.uint8)


def shrinks(image, severity, rng):
    """A corruption that forgets to keep the size."""
    return image[::2, ::2]


# Strategies: four views mixed by somebody's own mixer, a single view, and one that cannot be.
quarters = Strategy("shares", ("clean", "gridmask", "sequential", "corrupted"), "tests.outside_network:Shares")
no_teacher = Strategy("squares taken out", ("gridmask",))
no_such_view = Strategy("a view that does not exist", ("clean", "mirror"), "tests.outside_network:Shares")


class Squares:
    """A dataset: two images with one person each."""

    skeleton = COCO
    metric = "coco_ap"

    def __len__(self):
        return 2

    def frame(self, index):
        """Return image `index`."""
        return Frame(index, lambda: draw_scene(64, 64, index), np.array([[10.0, 10, 50, 50]]))

    def truth(self, index):
        """Return its person."""
        xy = np.random.default_rng(index).uniform(10, 50, (1, 17, 2))
        boxes = np.array([[10.0, 10, 50, 50]])
        return Truth(index, xy, np.full((1, 17), 2), np.array([900.0]), boxes, np.array([False]))


class MeanScore:
    """A metric: how sure the poses are of themselves. It has no matches, so there are no intervals and no slices."""

    primary = "mean score"

    def __init__(self, skeleton):
        self._scores = []

    def update(self, poses, truth):
        """Take in one image."""
        self._scores += poses.score.tolist()

    def compute(self):
        """Return the mean score."""
        return {"mean score": float(np.mean(self._scores)) if self._scores else 0.0}
