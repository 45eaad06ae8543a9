"""MPII Human Pose, in the layout of the HRNet repository: annot/valid.json, and gt_valid.mat for PCKh.

Both count pixels from 1; everything here counts from 0. A person's box is the square that the annotators gave by its
centre and scale, moved down and enlarged as every published top-down program does.
"""

from __future__ import annotations

import io
import math
import warnings
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import scipy.io
from pydantic import Field

from robustpose.contents import hash_names_and_sizes
from robustpose.data.coco_file import FileName
from robustpose.data.image_folder import ImageFolder, open_image_folder
from robustpose.errors import UserError, first_few, quote
from robustpose.files import hash_file, name_in_text
from robustpose.limits import check_limit, read_limit
from robustpose.pose.crop import PADDING, SCALE_UNIT
from robustpose.pose.protocols import Dataset, Mask
from robustpose.pose.skeletons import MPII
from robustpose.pose.types import Floats, Frame, Truth
from robustpose.reading import read_bytes, read_json
from robustpose.records import LARGEST, Must, Record, find_mistakes

DOWN = 15.0  # px per unit of scale
HEAD_SHARE = 0.6  # of the head box's diagonal: the head size
# What the file calls the joints.
MAT_NAMES = {
    "rank": "right_ankle", "rkne": "right_knee", "rhip": "right_hip", "lhip": "left_hip", "lkne": "left_knee",
    "lank": "left_ankle", "pelv": "pelvis", "thor": "thorax", "neck": "upper_neck", "head": "head_top",
    "rwri": "right_wrist", "relb": "right_elbow", "rsho": "right_shoulder", "lsho": "left_shoulder",
    "lelb": "left_elbow", "lwri": "left_wrist",
}  # fmt: skip
ARRAYS = ("pos_gt_src", "jnt_missing", "headboxes_src")  # of the truth file, which all have to be there
NAMES = ("dataset_joints", "joints")  # what it may call the names of its joints
AGREEMENT = 0.05  # of the people: how many may be annotated elsewhere than the truth file has them
Entry = dict[str, Any]

# Numbers may be in quotes, as in files that people have made with other tools.
Coordinate = Annotated[float, Field(allow_inf_nan=False, ge=-LARGEST, le=LARGEST)]
Flag = Annotated[float, Field(ge=0, le=1, multiple_of=1), Must("0 or 1")]


class _Person(Record):
    image: FileName
    center: Annotated[list[Coordinate], Field(min_length=2, max_length=2), Must("x and y, px")]
    scale: Annotated[float, Field(allow_inf_nan=False, gt=0, le=1e6), Must("a number above 0")]
    joints: Annotated[
        list[Annotated[list[Coordinate], Field(min_length=2, max_length=2)]],
        Field(min_length=MPII.n_joints, max_length=MPII.n_joints),
        Must("x and y, finite numbers, of 16 joints"),
    ]
    joints_vis: Annotated[
        list[Flag], Field(min_length=MPII.n_joints, max_length=MPII.n_joints), Must("16 times 0 or 1")
    ]


class MpiiPeople(Dataset):
    """Frames and truth of a split of MPII: one frame an image, with all its annotated people. Made by `read_mpii`."""

    skeleton = MPII
    metric = "pckh"

    def __init__(
        self,
        people: list[Entry],
        folder: ImageFolder,
        head_sizes: Floats | None,
        provenance: dict[str, object],
        warnings: Sequence[str] = (),
    ) -> None:
        self.provenance = provenance
        self.warnings = warnings
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
            read=self._folder.reader(name),
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
    problems = find_mistakes(_Person, people, "person")
    if problems:
        raise UserError(f"{annotations}: {first_few(problems, 'problems')}")
    names = sorted({str(person["image"]) for person in people})
    folder = open_image_folder(images, names, exif="ignore")  # as the published programs read them
    provenance: dict[str, object] = {
        "name": f"MPII {name_in_text(annotations)}",
        "annotations_sha256": digest,
        "n_images": len(names),
        "image_files_sha256": hash_names_and_sizes(images, sorted(names)),
        "n_people": len(people),
        "skeleton": MPII.name,
        "boxes": "gt",
    }
    if folder.exif is not None:
        provenance["exif"] = folder.exif
    head_sizes, doubts = None, []
    if truth is not None:
        xy, visible, head_sizes = read_truth_file(truth)
        if len(xy) != len(people):
            raise UserError(f"{truth} is about {len(xy)} people, but the annotations are about {len(people)}")
        doubts = _doubt_truth(people, xy, visible, truth)
        for row, person in enumerate(people):
            person["joints"], person["joints_vis"] = xy[row], visible[row].astype(int)
        provenance["truth_sha256"] = hash_file(truth)
    return MpiiPeople(people, folder, head_sizes, provenance, doubts)


def _doubt_truth(people: Sequence[Entry], xy: Floats, visible: Mask, path: Path) -> list[str]:
    """Return the warning that a truth file gives rise to whose joints are not where the annotations have them."""
    annotated = np.array([person["joints"] for person in people], float)
    both = visible & (np.array([person["joints_vis"] for person in people], float) > 0)
    sides = np.array([person["scale"] for person in people], float) * SCALE_UNIT
    is_far = (np.abs(annotated - xy).max(2) > 0.1 * sides[:, None]) & both
    n_differing = int((2 * is_far.sum(1) > both.sum(1)).sum())
    if n_differing <= AGREEMENT * len(people):
        return []
    return [
        f"{path.name} has the joints of {n_differing} of {len(people)} people elsewhere than the annotations: is it of "
        "other people, or in another order?"
    ]


def _find_box(person: Entry) -> Floats:
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
    raw = read_bytes(path, "truth file", read_limit("ARRAYS_MB") << 20)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of variables that nobody asks for
            n_values = sum(math.prod(shape) for _, shape, _ in scipy.io.whosmat(io.BytesIO(raw)))
            check_limit("ARRAYS_MB", n_values * 8 / (1 << 20), f"the truth file {path}", "MB")
            content = scipy.io.loadmat(io.BytesIO(raw), variable_names=[*ARRAYS, *NAMES])
    except UserError:
        raise
    except Exception as error:  # damaged bytes raise whatever they happen to spell
        reason = " ".join(str(error).split()) or type(error).__name__
        raise UserError(f"cannot read the truth file {path}: {reason[:200]}") from error
    try:
        return read_truth(content)
    except UserError as error:
        raise UserError(f"{path}: {error}") from error


def read_truth(truth: Mapping[str, Any]) -> tuple[Floats, Mask, Floats]:
    """Return what `robustpose.metrics.pckh.pckh` compares poses with.

    Args:
        truth: the arrays of gt_valid.mat: `pos_gt_src` (16, 2, N) px, 1-based, `jnt_missing` (16, N),
            `headboxes_src` (2, 2, N): corner, axis, person; `dataset_joints` too, if the joints are in another order.

    Returns:
        Joints (N, 16, 2) px, 1-based; whether each is visible (N, 16); head sizes (N,) px.
    """
    missing = [key for key in ARRAYS if key not in truth]
    if missing:
        raise UserError(f"MPII's truth lacks {', '.join(missing)}: expected the arrays of gt_valid.mat")
    positions, absent, boxes = (_read_numbers(truth[key], key) for key in ARRAYS)
    n_people = positions.shape[-1] if positions.ndim else 0
    for name, array, shape in (
        ("pos_gt_src", positions, (16, 2, n_people)),
        ("jnt_missing", absent, (16, n_people)),
        ("headboxes_src", boxes, (2, 2, n_people)),
    ):
        if array.shape != shape:
            raise UserError(f"{name} of MPII's truth must be {shape}, got {array.shape}")
    if not np.isin(absent, (0, 1)).all():
        raise UserError("jnt_missing of MPII's truth must be 0 or 1 for each joint")
    order = _joint_order(next((truth[key] for key in NAMES if key in truth), None))
    head_sizes = HEAD_SHARE * np.linalg.norm(boxes[1] - boxes[0], axis=0)
    return positions[order].transpose(2, 0, 1), absent[order].T == 0, head_sizes


def _read_numbers(values: Any, name: str) -> Floats:
    """Return an array of the truth as finite numbers."""
    array = np.asarray(values)
    if array.dtype.kind not in "buif" or not np.isfinite(array).all() or (np.abs(array) > LARGEST).any():
        raise UserError(f"{name} of MPII's truth must hold finite numbers, got {array.dtype} {array.shape}")
    return array.astype(float)


def _joint_order(names: Any) -> list[int]:
    """Return the index in the file of each of MPII's joints."""
    if names is None:
        return list(range(16))
    words = [str(np.asarray(name).ravel()[0]) if np.size(name) else "" for name in np.asarray(names).ravel()]
    found = [MAT_NAMES.get(word, word) for word in words]
    if sorted(found) != sorted(MPII.joints):
        raise UserError(f"MPII's truth must have the joints {', '.join(MAT_NAMES)}, got {quote(words)}")
    return [found.index(joint) for joint in MPII.joints]
