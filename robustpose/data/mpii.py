"""MPII Human Pose, in the layout of the HRNet repository: annot/valid.json, and gt_valid.mat for PCKh.

Both count pixels from 1; everything here counts from 0. A person's box is the square that the annotators gave by its
centre and scale, moved down and enlarged as every published top-down program does.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import scipy.io

from robustpose.data.image_folder import ImageFolder, open_image_folder
from robustpose.errors import UserError, first_few
from robustpose.files import hash_file, name_in_text
from robustpose.pose.crop import PADDING, SCALE_UNIT
from robustpose.pose.protocols import Dataset, Mask
from robustpose.pose.skeletons import MPII
from robustpose.pose.types import Floats, Frame, Truth
from robustpose.reading import read_json

DOWN = 15.0  # px per unit of scale
HEAD_SHARE = 0.6  # of the head box's diagonal: the head size
# What the file calls the joints.
MAT_NAMES = {
    "rank": "right_ankle", "rkne": "right_knee", "rhip": "right_hip", "lhip": "left_hip", "lkne": "left_knee",
    "lank": "left_ankle", "pelv": "pelvis", "thor": "thorax", "neck": "upper_neck", "head": "head_top",
    "rwri": "right_wrist", "relb": "right_elbow", "rsho": "right_shoulder", "lsho": "left_shoulder",
    "lelb": "left_elbow", "lwri": "left_wrist",
}  # fmt: skip
Record = dict[str, Any]


class MpiiPeople(Dataset):
    """Frames and truth of a split of MPII: one frame an image, with all its annotated people. Made by `read_mpii`."""

    skeleton = MPII
    metric = "pckh"

    def __init__(
        self, people: list[Record], folder: ImageFolder, head_sizes: Floats | None, provenance: dict[str, object]
    ) -> None:
        self.provenance = provenance
        self._people = people
        self._folder = folder
        self._head_sizes = head_sizes
        self._rows: dict[str, list[int]] = defaultdict(list)  # by image file
        for row, person in enumerate(people):
            self._rows[str(person["image"])].append(row)
        self._names = list(self._rows)
        ids = [_find_id(name) for name in self._names]
        self._ids: list[int | str] = ids if len(set(ids)) == len(ids) else list(self._names)

    def __len__(self) -> int:
        return len(self._names)

    def frame(self, index: int) -> Frame:
        name = self._names[index]
        boxes = np.stack([_find_box(self._people[row]) for row in self._rows[name]])
        return Frame(
            image_id=self._ids[index],
            read=partial(self._folder.read, name),
            boxes=boxes,
            truth_rows=np.arange(len(boxes)),
            file_name=name,
            size_wh=self._folder.sizes_wh[name],
            exif=self._folder.exif,
        )

    def truth(self, index: int) -> Truth:
        rows = self._rows[self._names[index]]
        people = [self._people[row] for row in rows]
        boxes = np.stack([_find_box(person) for person in people])
        size = boxes[:, 2:] - boxes[:, :2]
        return Truth(
            image_id=self._ids[index],
            xy=np.array([person["joints"] for person in people], float) - 1,
            visible=2 * np.array([person["joints_vis"] for person in people], int),
            area=size.prod(1),
            boxes=boxes,
            crowd=np.zeros(len(people), bool),
            head_size=None if self._head_sizes is None else self._head_sizes[rows],
        )


def read_mpii(annotations: Path, images: Path, truth: Path | None = None) -> MpiiPeople:
    """Read a split of MPII, train.json or valid.json of the HRNet repository, and check all of it.

    `truth` is gt_valid.mat: PCKh scores against its joints and head sizes. Without it there is no PCKh. UserError where
    the two do not belong together.
    """
    people, digest = read_json(annotations, "annotation file")
    if not isinstance(people, list) or not people:
        raise UserError(f"{annotations} must be a list of MPII's people, as the HRNet repository has it")
    problems = [f"person {row} {problem}" for row, problem in enumerate(map(_check_person, people)) if problem]
    if problems:
        raise UserError(f"{annotations}: {first_few(problems, 'problems')}")
    names = sorted({str(person["image"]) for person in people})
    folder = open_image_folder(images, names, exif="ignore")  # as the published programs read them
    provenance: dict[str, object] = {
        "name": f"MPII {name_in_text(annotations)}",
        "annotations_sha256": digest,
        "n_images": len(names),
        "n_people": len(people),
        "skeleton": MPII.name,
        "boxes": "gt",
    }
    if folder.exif is not None:
        provenance["exif"] = folder.exif
    head_sizes = None
    if truth is not None:
        xy, visible, head_sizes = read_truth_file(truth)
        if len(xy) != len(people):
            raise UserError(f"{truth} is about {len(xy)} people, but the annotations are about {len(people)}")
        for row, person in enumerate(people):
            person["joints"], person["joints_vis"] = xy[row], visible[row].astype(int)
        provenance["truth_sha256"] = hash_file(truth)
    return MpiiPeople(people, folder, head_sizes, provenance)


def _check_person(person: Any) -> str | None:
    """Return what is wrong with a person of the file, None for nothing."""
    if not isinstance(person, dict):
        return f"must be an object, got {type(person).__name__}"
    missing = {"image", "center", "scale", "joints", "joints_vis"} - set(person)
    if missing:
        return f"lacks {', '.join(sorted(missing))}"
    try:
        joints, visible = np.array(person["joints"], float), np.array(person["joints_vis"], float)
        center, scale = np.array(person["center"], float), float(person["scale"])
    except (TypeError, ValueError) as error:
        return f"holds something that is no number, or lists of unequal length ({error})"
    if joints.shape != (MPII.n_joints, 2) or visible.shape != (MPII.n_joints,):
        return f"needs joints (16, 2) and joints_vis (16,), got {joints.shape} and {visible.shape}"
    if not (np.isfinite(joints).all() and np.isfinite(visible).all()):
        return "has a joint that is not a finite number"
    if center.shape != (2,) or not np.isfinite([*center, scale]).all() or scale <= 0:
        return f"needs a center (2,) and a scale above 0, got {person['center']} and {person['scale']}"
    return None


def _find_box(person: Record) -> Floats:
    """Return the person's square box (4,) xyxy px, which crops enlarge by a quarter."""
    x, y = map(float, person["center"])
    scale = float(person["scale"])
    half = SCALE_UNIT * scale / 2
    if x != -1:
        y += DOWN * scale
    else:  # no centre: the HRNet program does not enlarge such a box, so take back what the crop will do
        half /= PADDING
    return np.array([x - 1 - half, y - 1 - half, x - 1 + half, y - 1 + half])


def _find_id(name: str) -> int | str:
    stem = Path(name).stem
    return int(stem) if stem.isdigit() else stem


def read_truth_file(path: Path) -> tuple[Floats, Mask, Floats]:
    """Return what `read_truth` makes of a gt_valid.mat; UserError where it cannot be read, or is another file."""
    try:
        content = scipy.io.loadmat(path)
    except Exception as error:  # damaged bytes raise whatever they happen to spell
        reason = next(iter(str(error).splitlines()), type(error).__name__)
        raise UserError(f"cannot read {path}: {reason}") from error
    return read_truth(content)


def read_truth(truth: Mapping[str, Any]) -> tuple[Floats, Mask, Floats]:
    """Return what `robustpose.metrics.pckh.pckh` compares poses with.

    Args:
        truth: the arrays of gt_valid.mat: `pos_gt_src` (16, 2, N) px, 1-based, `jnt_missing` (16, N),
            `headboxes_src` (2, 2, N): corner, axis, person; `dataset_joints` too, if the joints are in another order.

    Returns:
        Joints (N, 16, 2) px, 1-based; whether each is visible (N, 16); head sizes (N,) px.
    """
    missing = [key for key in ("pos_gt_src", "jnt_missing", "headboxes_src") if key not in truth]
    if missing:
        raise UserError(f"MPII's truth lacks {', '.join(missing)}: expected the arrays of gt_valid.mat")
    positions, absent, boxes = (np.asarray(truth[key], float) for key in ("pos_gt_src", "jnt_missing", "headboxes_src"))
    n_people = positions.shape[-1]
    for name, array, shape in (
        ("pos_gt_src", positions, (16, 2, n_people)),
        ("jnt_missing", absent, (16, n_people)),
        ("headboxes_src", boxes, (2, 2, n_people)),
    ):
        if array.shape != shape:
            raise UserError(f"{name} of MPII's truth must be {shape}, got {array.shape}")
    order = _joint_order(truth.get("dataset_joints", truth.get("joints")))
    head_sizes = HEAD_SHARE * np.linalg.norm(boxes[1] - boxes[0], axis=0)
    return positions[order].transpose(2, 0, 1), absent[order].T == 0, head_sizes


def _joint_order(names: Any) -> list[int]:
    """Return the index in the file of each of MPII's joints."""
    if names is None:
        return list(range(16))
    words = [str(np.asarray(name).ravel()[0]) for name in np.asarray(names).ravel()]
    found = [MAT_NAMES.get(word, word) for word in words]
    if sorted(found) != sorted(MPII.joints):
        raise UserError(f"MPII's truth must have the joints {', '.join(MAT_NAMES)}, got {', '.join(words)}")
    return [found.index(joint) for joint in MPII.joints]
