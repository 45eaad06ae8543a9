"""MPII Human Pose, in the layout of the HRNet repository: annot/valid.json, and gt_valid.mat for PCKh.

Both count pixels from 1; everything here counts from 0. A person's box is the square that the annotators gave by its
centre and scale, moved down and enlarged as every published top-down program does.
"""

from __future__ import annotations

from collections import defaultdict
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from robustpose.data.images import read_image
from robustpose.data.mpii_truth import read_truth_file
from robustpose.errors import UserError, first_few
from robustpose.files import hash_file, read_json
from robustpose.pose.crop import PADDING, SCALE_UNIT
from robustpose.pose.protocols import Dataset
from robustpose.pose.skeletons import MPII
from robustpose.pose.types import Floats, Frame, Truth

DOWN = 15.0  # px per unit of scale
Record = dict[str, Any]


class MpiiPeople(Dataset):
    """Frames and truth of a split of MPII: one frame an image, with all its annotated people. Made by `read_mpii`."""

    skeleton = MPII
    metric = "pckh"

    def __init__(
        self, people: list[Record], image_dir: Path, head_sizes: Floats | None, provenance: dict[str, object]
    ) -> None:
        self.provenance = provenance
        self._people = people
        self._image_dir = image_dir
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
        """Return the clean frame of image `index`, with its people's boxes."""
        name = self._names[index]
        boxes = np.stack([_find_box(self._people[row]) for row in self._rows[name]])
        read = partial(read_image, self._image_dir / name)
        return Frame(self._ids[index], read, boxes, truth_rows=np.arange(len(boxes)), file_name=name)

    def truth(self, index: int) -> Truth:
        """Return what is annotated in image `index`."""
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
    """Read a split of MPII and check all of it.

    Args:
        annotations: train.json or valid.json of the HRNet repository.
        images: folder of the image files.
        truth: gt_valid.mat: PCKh scores against its joints and head sizes. Without it there is no PCKh.

    Raises:
        UserError: a file is missing or damaged, or the two do not belong together.
    """
    people, digest = read_json(annotations, "annotation file")
    if not isinstance(people, list) or not people:
        raise UserError(f"{annotations} must be a list of MPII's people, as the HRNet repository has it")
    problems = [f"person {row} {problem}" for row, problem in enumerate(map(_check_person, people)) if problem]
    names = {} if problems else {str(person["image"]) for person in people}
    problems += [f"image file {images / name} is missing" for name in sorted(names) if not (images / name).is_file()]
    if problems:
        raise UserError(f"{annotations}: {first_few(problems, 'problems')}")
    provenance: dict[str, object] = {
        "name": f"MPII {annotations.name}",
        "annotations_sha256": digest,
        "n_images": len(names),
        "n_people": len(people),
        "skeleton": MPII.name,
        "boxes": "gt",
    }
    head_sizes = None
    if truth is not None:
        xy, visible, head_sizes = read_truth_file(truth)
        if len(xy) != len(people):
            raise UserError(f"{truth} is about {len(xy)} people, but the annotations are about {len(people)}")
        for row, person in enumerate(people):
            person["joints"], person["joints_vis"] = xy[row], visible[row].astype(int)
        provenance["truth_sha256"] = hash_file(truth)
    return MpiiPeople(people, images, head_sizes, provenance)


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
