"""Tags: what a bottom-up network learns. Heatmaps of everybody at two resolutions, and which joints belong together.

Associative embedding (Newell et al., NeurIPS 2017) as HigherHRNet is trained (Cheng et al., CVPR 2020): the tags of one
person are pulled together, the mean tags of two persons are pushed apart.

A teacher has a say in heatmaps only. Tags mean something beside the other tags of the same output and nothing beside
another network's: adding a number to all of them, or exchanging those of two persons, is the same grouping. So tags are
learned from the truth alone, on the mix too, and all of their loss stays when the heatmaps' is shared with the teacher.
The generator works against heatmaps only; with simultaneous updates, which have one gradient for both networks, against
pull and push as well, which weigh a thousandth.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor

from robustpose.models.input_spec import InputSpec
from robustpose.pose.skeletons import Skeleton
from robustpose.pose.types import Floats
from robustpose.train.objectives import Batch, Outputs
from robustpose.train.samples import CropSource
from robustpose.train.settings import LossName, TrainSettings
from robustpose.train.whole_images import PeopleInCrop, WholeImages, find_kept

MAX_PEOPLE = 30  # whose tags are learned in one image
COARSE, FINE = 4, 2  # crop px per heatmap px
OUTPUTS = "heatmaps with tags, and finer heatmaps,"
MORE_OUTPUTS = False  # further ones are a mistake
HOLD_UNKNOWN = ()  # targets in which NaN says that nothing is known
TAG_WEIGHT = 1e-3  # of pull and push, each, beside the heatmaps


def make_samples(source: CropSource, settings: TrainSettings) -> WholeImages:
    """Return the crops to learn from."""
    return WholeImages(source, settings.image_augment, draw_tag_targets)


def make_objective(settings: TrainSettings) -> TagObjective:
    """Return what is learned."""
    return TagObjective(settings.loss)


def expected_shapes(input_wh: tuple[int, int], skeleton: Skeleton) -> tuple[tuple[int, ...], ...]:
    """Return the shape of each output for one crop."""
    (width, height), n_joints = input_wh, skeleton.n_joints
    return (1, 2 * n_joints, height // COARSE, width // COARSE), (1, n_joints, height // FINE, width // FINE)


class TagObjective:
    """Outputs (B, 2K, h, w) and (B, K, 2h, 2w) of a bottom-up network against the targets of whole images.

    A batch holds `coarse` (B, K, h, w) and `fine` (B, K, 2h, 2w), `coarse_kept` (B, h, w) and `fine_kept` (B, 2h, 2w):
    0 where nobody knows who is there; and `joints` (B, P, K): where in a coarse map, y·w + x, every person's joints
    are, -1 for joints that are not annotated. `tag_weight` is that of pull and push, each.
    """

    names = ("heatmap", "pull", "push")

    def __init__(self, loss: LossName = "mse", tag_weight: float = TAG_WEIGHT) -> None:
        self._difference = {"mse": F.mse_loss, "smooth_l1": F.smooth_l1_loss}[loss]
        self._tag_weight = tag_weight

    def task(self, outputs: Outputs, batch: Batch) -> dict[str, Tensor]:
        """Return the losses of heatmaps, pull and push."""
        heatmap = self._compare(outputs, (batch["coarse"], batch["fine"]), batch)
        n_joints = outputs[1].shape[1]
        pull, push = pull_and_push(outputs[0][:, n_joints:], batch["joints"])
        return {"heatmap": heatmap, "pull": self._tag_weight * pull, "push": self._tag_weight * push}

    def distill(self, outputs: Outputs, answers: Outputs, batch: Batch) -> Tensor:
        """Return the loss of both heatmaps against a teacher's (eq. 7 of Wang et al., CVPR 2021)."""
        return self._compare(outputs, answers, batch)

    def _compare(self, outputs: Outputs, targets: Outputs, batch: Batch) -> Tensor:
        """Return the loss of both heatmaps; of the coarse ones, channels beyond the joints are tags."""
        n_joints = outputs[1].shape[1]
        # The mean over all pixels, those that are not kept included: an image of a crowd counts for less.
        coarse_kept, fine_kept = batch["coarse_kept"][:, None], batch["fine_kept"][:, None]
        coarse = self._difference(outputs[0][:, :n_joints] * coarse_kept, targets[0][:, :n_joints] * coarse_kept)
        return coarse + self._difference(outputs[1] * fine_kept, targets[1] * fine_kept)


def pull_and_push(tags: Tensor, joints: Tensor) -> tuple[Tensor, Tensor]:
    """Return how far the tags of a person are from their mean, and how near the means of two persons are.

    `joints` (B, P, K) say where in the maps `tags` (B, K, h, w) every joint is, y·w + x, -1 for none. Means over the
    images; in an image, pull is the mean over persons of the mean squared distance, push half the mean over pairs of
    exp(−distance²).
    """
    n_people = joints.shape[1]
    there = joints >= 0  # (B, P, K)
    places = joints.clamp(min=0).permute(0, 2, 1)  # (B, K, P)
    found = tags.float().flatten(2).gather(2, places).permute(0, 2, 1)  # (B, P, K)
    counts = there.sum(2)  # (B, P)
    is_person = counts > 0
    means = (found * there).sum(2) / counts.clamp(min=1)  # (B, P)
    squares = ((found - means[:, :, None]) ** 2 * there).sum(2) / counts.clamp(min=1)
    people = is_person.sum(1)  # (B,)
    pull = squares.sum(1) / people.clamp(min=1)
    pairs = is_person[:, :, None] & is_person[:, None, :]
    pairs = pairs & ~torch.eye(n_people, dtype=torch.bool, device=joints.device)
    near = (torch.exp(-((means[:, :, None] - means[:, None, :]) ** 2)) * pairs).sum((1, 2))
    push = 0.5 * near / (people * (people - 1)).clamp(min=1)
    return pull.mean(), push.mean()


def draw_tag_targets(people: PeopleInCrop, input_spec: InputSpec) -> dict[str, npt.NDArray[Any]]:
    """Return what `TagObjective` wants of a crop."""
    width, height = input_spec.input_wh
    coarse_wh, fine_wh = ((width // stride, height // stride) for stride in (COARSE, FINE))
    return {
        "coarse": draw_people_targets(people.crop_xy, people.visible, coarse_wh, COARSE, input_spec.sigma),
        "fine": draw_people_targets(people.crop_xy, people.visible, fine_wh, FINE, input_spec.sigma),
        "coarse_kept": find_kept(people.ignored, people.matrix, coarse_wh, COARSE),
        "fine_kept": find_kept(people.ignored, people.matrix, fine_wh, FINE),
        "joints": place_joints(people.crop_xy, people.visible, coarse_wh),
    }


def place_joints(crop_xy: Floats, visible: npt.NDArray[np.integer], map_wh: tuple[int, int]) -> npt.NDArray[np.int64]:
    """Return (MAX_PEOPLE, K): y·w + x of every annotated joint in the coarse map; -1 for none there.

    `crop_xy` (N, K, 2) is in crop px. People without any joint there have no row.
    """
    cells = np.floor(crop_xy / COARSE).astype(np.int64)
    inside = (visible > 0) & ((cells >= 0) & (cells < np.array(map_wh))).all(-1)
    joints = np.where(inside, cells[..., 1] * map_wh[0] + cells[..., 0], -1)[inside.any(1)][:MAX_PEOPLE]
    rest = np.full((MAX_PEOPLE - len(joints), joints.shape[1]), -1, np.int64)
    return np.concatenate([joints, rest])


def draw_people_targets(
    crop_xy: Floats, visible: npt.NDArray[np.integer], map_wh: tuple[int, int], stride: int, sigma: float
) -> npt.NDArray[np.float32]:
    """Return targets (K, h, w) for everybody in a crop: where people's joints are near, the larger value counts.

    As HigherHRNet draws them: each joint centred on the heatmap pixel it lies in, cut off beyond 3 sigma + 1; a joint
    outside the map is left out.

    The arguments are those of `heatmaps.draw_heatmap_targets`, of N people: `crop_xy` (N, K, 2) and `visible` (N, K).
    """
    width, height = map_wh
    targets = np.zeros((crop_xy.shape[1], height, width), np.float32)
    reach = int(3 * sigma + 1)
    along = np.arange(-reach, reach + 1)
    bell = np.exp(-(along**2) / (2 * sigma**2))
    patch = (bell[:, None] * bell[None, :]).astype(np.float32)
    cells = np.floor(crop_xy / stride).astype(int)
    inside = (visible > 0) & ((cells >= 0) & (cells < (width, height))).all(-1)
    for person, joint in np.argwhere(inside):
        x, y = cells[person, joint]
        left, top = max(x - reach, 0), max(y - reach, 0)
        around = targets[joint, top : y + reach + 1, left : x + reach + 1]
        part = patch[top - y + reach :, left - x + reach :][: around.shape[0], : around.shape[1]]
        np.maximum(around, part, out=around)
    return targets
