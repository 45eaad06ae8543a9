"""People in COCO's format: any skeleton, annotated or detected boxes, checked when it is read."""

from __future__ import annotations

import hashlib
import math
import warnings
from collections import Counter, defaultdict
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import yaml

from robustpose.data.boxes import BoxChoice, DetectedBoxes, parse_boxes
from robustpose.data.ignored import paint_regions
from robustpose.data.image_folder import ImageFolder, open_image_folder
from robustpose.errors import UserError, first_few
from robustpose.image_files.opening import Exif
from robustpose.pose.cell import Cell
from robustpose.pose.crop import clip_truth_box
from robustpose.pose.protocols import Dataset, Mask
from robustpose.pose.skeletons import Skeleton, sigmas_for
from robustpose.pose.types import Floats, Frame, ImageId, Truth
from robustpose.reading import read_json
from robustpose.sources import hash_once

Record = dict[str, Any]


class CocoPeople(Dataset):
    """Frames and truth of a COCO keypoint file. Made by `read_coco`."""

    metric = "coco_ap"

    def __init__(
        self,
        skeleton: Skeleton,
        images: list[Record],
        folder: ImageFolder,
        people: dict[ImageId, list[Record]],
        detections: DetectedBoxes | None,
        provenance: dict[str, object],
    ) -> None:
        self.skeleton = skeleton
        self.provenance = provenance
        self._images = images
        self._folder = folder
        self._people = people
        self._detections = detections

    def __len__(self) -> int:
        return len(self._images)

    def frame(self, index: int) -> Frame:
        record = self._images[index]
        boxes, truth_rows = _truth_boxes(record, self._people.get(record["id"], []))
        name = str(record["file_name"])
        frame = Frame(
            image_id=record["id"],
            read=partial(self._folder.read, name),
            boxes=boxes,
            truth_rows=truth_rows,
            file_name=name,
            size_wh=self._folder.sizes_wh[name],
            exif=self._folder.exif,
        )
        return self.boxes_in(frame)

    def boxes_in(self, frame: Frame) -> Frame:
        return frame if self._detections is None else self._detections.place(frame)

    def check_cells(self, cells: Sequence[Cell]) -> None:
        if self._detections is not None:
            self._detections.check(cells)

    def truth(self, index: int) -> Truth:
        """Return what is annotated in image `index`, crowds and people without keypoints included."""
        image_id = self._images[index]["id"]
        people = self._people.get(image_id, [])
        points = np.array([person["keypoints"] for person in people], float).reshape(-1, self.skeleton.n_joints, 3)
        boxes = np.array([person["bbox"] for person in people], float).reshape(-1, 4)
        has_head_size = bool(people) and all("head_size" in person for person in people)
        return Truth(
            image_id=image_id,
            xy=points[:, :, :2],
            visible=points[:, :, 2].astype(int),
            area=np.array([person["area"] for person in people], float),
            boxes=np.concatenate([boxes[:, :2], boxes[:, :2] + boxes[:, 2:]], axis=1),
            crowd=np.array([bool(person.get("iscrowd", 0)) for person in people], bool),
            head_size=np.array([person["head_size"] for person in people], float) if has_head_size else None,
        )

    def ignored(self, index: int) -> Mask:
        """Return where in image `index` there are people who are not annotated (H, W): crowds, and people unmarked."""
        record = self._images[index]
        people = self._people.get(record["id"], [])
        unmarked = [person for person in people if person.get("iscrowd") or not any(person["keypoints"][2::3])]
        return paint_regions([(person.get("segmentation"), person["bbox"]) for person in unmarked], record)


def read_coco(
    annotations: Path,
    images: Path,
    boxes: str | Path | BoxChoice = "gt",
    skeleton_file: Path | None = None,
    exif: Exif | None = None,
) -> CocoPeople:
    """Read a COCO keypoint file and check all of it: JSON with `images`, `annotations`, a category with `keypoints`.

    `boxes` say where people are looked for; text is what `robustpose.data.boxes.parse_boxes` takes. `skeleton_file` is
    YAML with OKS sigmas, for skeletons other than COCO's. `exif` says whether EXIF turns images, else their annotated
    sizes decide it: see `robustpose.data.image_folder`. A UserError about annotations that are inconsistent names a
    few of them and says how many there are.
    """
    choice = boxes if isinstance(boxes, BoxChoice) else parse_boxes(boxes)
    content, digest = read_json(annotations, "annotation file")
    for key in ("images", "annotations", "categories"):
        if not isinstance(content, dict) or not isinstance(content.get(key), list):
            raise UserError(f"annotation file {annotations} must be a COCO object with a list '{key}'")
    category = _find_category(content["categories"], annotations)
    skeleton = _read_skeleton(category, skeleton_file)
    records = content["images"]
    people = [person for person in content["annotations"] if person.get("category_id") == category["id"]]
    if not records:
        raise UserError(f"annotation file {annotations} lists no images")
    if not images.is_dir():
        raise UserError(f"the image folder {images} does not exist")
    for person in people:
        if not person.get("keypoints"):
            person["keypoints"] = [0] * (3 * skeleton.n_joints)  # a person nobody has marked
    problems = _check_images(records) or _check_people(people, records, skeleton)
    if problems:
        raise UserError(f"{annotations}: {first_few(problems, 'problems')}")
    sizes = [(record["width"], record["height"]) for record in records]
    folder = open_image_folder(images, [str(record["file_name"]) for record in records], exif, sizes)
    by_image: dict[ImageId, list[Record]] = defaultdict(list)
    for person in people:
        by_image[person["image_id"]].append(person)
    provenance: dict[str, object] = {
        "name": annotations.name,
        "annotations_sha256": digest,
        "n_images": len(records),
        "image_files_sha256": _hash_sizes(records, images),
        "skeleton": skeleton.name,
        "sigmas_from": skeleton.sigmas_from,
        "boxes": choice.protocol,
    }
    if skeleton_file is not None:
        provenance["skeleton_sha256"] = hash_once(skeleton_file)
    if folder.exif is not None:
        provenance["exif"] = folder.exif
    detections = None
    if choice.path is not None:
        detections = DetectedBoxes(choice, {record["id"] for record in records}, int(category["id"]))
        provenance |= {"boxes_file": choice.path.name, "boxes_sha256": detections.sha256}
        provenance |= {"boxes_files": detections.files} if detections.files else {}
    return CocoPeople(skeleton, records, folder, dict(by_image), detections, provenance)


def _find_category(categories: list[Record], path: Path) -> Record:
    posed = [category for category in categories if category.get("keypoints")]
    people = [category for category in posed if category.get("name") == "person"] or posed
    if len(people) != 1:
        names = ", ".join(str(category.get("name")) for category in posed) or "none"
        raise UserError(
            f"{path} must have one category with keypoints, or one of them called 'person'; it has: {names}"
        )
    return people[0]


def _read_skeleton(category: Record, skeleton_file: Path | None) -> Skeleton:
    """Return the skeleton of a COCO category: `name`, `keypoints` (K names), perhaps `skeleton` (limbs, 1-based pairs).

    Its sigmas are from `skeleton_file` (YAML with `sigmas`: a list of K numbers, or a mapping from every joint's name
    to its sigma); else COCO's for COCO's joints; else 1/K.
    """
    joints = tuple(str(name) for name in category["keypoints"])
    limbs = tuple((int(a) - 1, int(b) - 1) for a, b in category.get("skeleton") or [])
    name = str(category.get("name", "person"))
    if skeleton_file is not None:
        return Skeleton(name, joints, limbs, _read_sigmas(skeleton_file, joints), skeleton_file.name)
    sigmas, sigmas_from = sigmas_for(joints)
    if sigmas_from == "1/K":
        warnings.warn(
            f"the {len(joints)} joints of category '{name}' are not COCO's: every OKS sigma is 1/{len(joints)}. "
            "Give measured ones with --skeleton FILE (YAML with 'sigmas')",
            stacklevel=3,
        )
    return Skeleton(name, joints, limbs, sigmas, sigmas_from)


def _read_sigmas(path: Path, joints: tuple[str, ...]) -> tuple[float, ...]:
    try:
        settings = yaml.safe_load(path.read_text())
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise UserError(f"cannot read the skeleton file {path}: {error}") from error
    sigmas = settings.get("sigmas") if isinstance(settings, dict) else None
    if isinstance(sigmas, dict):
        if set(sigmas) != set(joints):
            differing = ", ".join(sorted(set(sigmas) ^ set(joints)))
            raise UserError(f"{path} must give a sigma for each joint of the annotations and no other: {differing}")
        sigmas = [sigmas[joint] for joint in joints]
    if not isinstance(sigmas, list) or len(sigmas) != len(joints):
        raise UserError(f"{path} must hold 'sigmas' with {len(joints)} numbers (or joint: number), got {sigmas!r}")
    try:
        return tuple(float(sigma) for sigma in sigmas)
    except (TypeError, ValueError) as error:
        raise UserError(f"{path}: sigmas must be numbers, got {sigmas!r}") from error


def _check_images(records: list[Record]) -> list[str]:
    lacking = [
        f"image {record.get('id')} lacks '{key}'"
        for record in records
        for key in ("id", "file_name", "width", "height")
        if key not in record
    ]
    if lacking:
        return lacking
    return [f"image id {i} occurs twice" for i in _repeated(record["id"] for record in records)]


def _check_people(people: list[Record], records: list[Record], skeleton: Skeleton) -> list[str]:
    problems = [f"annotation id {i} occurs twice" for i in _repeated(person.get("id") for person in people)]
    sizes = {record["id"]: (record["width"], record["height"]) for record in records}
    for person in people:
        if problem := _check_person(person, sizes, skeleton):
            problems.append(f"annotation {person.get('id')} {problem}")
    return problems


def _check_person(person: Record, sizes: dict[ImageId, tuple[int, int]], skeleton: Skeleton) -> str | None:
    """Return what is wrong with an annotation, None for nothing. `sizes` gives the width and height of each image."""
    if person.get("image_id") not in sizes:
        return f"is about image {person.get('image_id')}, which is not listed"
    for key in ("bbox", "area"):
        if key not in person:
            return f"lacks '{key}'"
    if len(person["bbox"]) != 4:
        return f"needs a bbox of 4 numbers, got {len(person['bbox'])}"
    n_values = 3 * skeleton.n_joints
    if len(person["keypoints"]) != n_values:
        return f"needs {n_values} keypoint values ({skeleton.n_joints} joints), got {len(person['keypoints'])}"
    numbers = [*person["bbox"], person["area"], *person["keypoints"]]
    if not all(isinstance(n, int | float) and math.isfinite(n) for n in numbers):
        return "holds a value that is not a finite number"
    if any(flag not in (0, 1, 2) for flag in person["keypoints"][2::3]):
        return "has a visibility other than 0, 1 or 2"
    if person.get("iscrowd") or not any(person["keypoints"][2::3]):
        return None  # ignored by the metric: COCO's own files have degenerate boxes here
    x, y, width, height = person["bbox"]
    image_width, image_height = sizes[person["image_id"]]
    if width < 0 or height < 0:
        return f"has a box of negative size: {person['bbox']}"
    if x >= image_width or y >= image_height or x + width < 0 or y + height < 0:
        return f"has a box outside its {image_width} x {image_height} image: {person['bbox']}"
    return None


def _repeated(ids: Any) -> list[Any]:
    return [i for i, count in Counter(ids).items() if count > 1]


def _hash_sizes(records: list[Record], images: Path) -> str:
    """Return the SHA-256 of all file names and sizes in bytes: cheap, and it tells one copy of a set from another."""
    sizes = [f"{record['file_name']}:{(images / record['file_name']).stat().st_size}" for record in records]
    return hashlib.sha256("\n".join(sizes).encode()).hexdigest()


def _truth_boxes(record: Record, people: list[Record]) -> tuple[Floats, npt.NDArray[np.integer]]:
    """Return the boxes (N, 4) xyxy px of the people that are looked for, and their rows (N,) in `people`.

    As in the HRNet program: no crowd, an area, a keypoint, and a part of the box inside the image.
    """
    boxes, rows = [], []
    for row, person in enumerate(people):
        if person.get("iscrowd") or person["area"] <= 0 or max(person["keypoints"]) <= 0:
            continue
        box = clip_truth_box(np.array(person["bbox"], float), (record["width"], record["height"]))
        if box is not None:
            boxes.append(box)
            rows.append(row)
    return np.array(boxes, float).reshape(-1, 4), np.array(rows, int)
