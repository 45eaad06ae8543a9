"""People in COCO's format: any skeleton, annotated or detected boxes, checked when it is read."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from robustpose.data.boxes import BoxChoice, DetectedBoxes, parse_boxes
from robustpose.data.coco_category import choose_categories, name_categories
from robustpose.data.coco_checks import check_people, doubt_people
from robustpose.data.coco_file import CocoFile, Entry, PersonEntry, read_coco_file, stop_at
from robustpose.data.coco_reading import (
    BY_DEFAULT,
    Reading,
    apply_reading,
    doubt_left_out,
    find_uncounted,
    settle_area,
    settle_parts,
)
from robustpose.data.coco_skeleton import read_skeleton
from robustpose.data.detections import Wanted
from robustpose.data.ignored import paint_regions
from robustpose.data.image_folder import ImageFolder, open_image_folder
from robustpose.data.sigma_doubts import doubt_unknown_sigmas
from robustpose.data.skeleton_file import names_all_joints
from robustpose.errors import UserError, quote, spell_list
from robustpose.files import name_in_text
from robustpose.image_files.opening import Exif
from robustpose.pose.cell import Cell
from robustpose.pose.crop import clip_truth_box
from robustpose.pose.image_ids import ImageNames
from robustpose.pose.protocols import Dataset, Mask
from robustpose.pose.skeletons import Skeleton
from robustpose.pose.types import Floats, Frame, ImageId, Truth
from robustpose.records import find_mistakes
from robustpose.sources import hash_once


@dataclass(frozen=True)
class About:
    """What a dataset says of itself: see `robustpose.pose.protocols.Dataset`."""

    skeleton: Skeleton
    category_ids: tuple[ImageId, ...]
    category_names: tuple[str, ...]
    provenance: dict[str, object]
    warnings: list[str]
    uncounted: frozenset[ImageId] = frozenset()  # ids of annotations: see `robustpose.pose.types.Truth`


class CocoPeople(Dataset):
    """Frames and truth of a COCO keypoint file. Made by `read_coco`."""

    metric = "coco_ap"

    def __init__(
        self,
        about: About,
        images: list[Entry],
        folder: ImageFolder,
        people: dict[ImageId, list[Entry]],
        detections: DetectedBoxes | None,
    ) -> None:
        self.skeleton = about.skeleton
        self.category_ids = about.category_ids
        self.category_names = about.category_names
        self.provenance = about.provenance
        self.warnings = about.warnings
        self._images = images
        self._folder = folder
        self._people = people
        self._detections = detections
        self._uncounted = about.uncounted

    def __len__(self) -> int:
        return len(self._images)

    def frame(self, index: int) -> Frame:
        record = self._images[index]
        people = self._people.get(record["id"], [])
        boxes, truth_rows = _truth_boxes(record, people)
        categories = self._find_categories(people)
        name = str(record["file_name"])
        frame = Frame(
            image_id=record["id"],
            read=self._folder.reader(name),
            boxes=boxes,
            truth_rows=truth_rows,
            file_name=name,
            size_wh=self._folder.sizes_wh[name],
            exif=self._folder.exif,
            boxes_end="pixel",
            box_categories=None if categories is None else categories[truth_rows],
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
            categories=self._find_categories(people),
            crowd_index=self._images[index].get("crowdIndex"),
            uncounted=np.array([p["id"] in self._uncounted for p in people], bool) if self._uncounted else None,
        )

    def _find_categories(self, people: Sequence[Entry]) -> npt.NDArray[np.integer] | None:
        """Return of which category (N,) people are, as indices into `category_ids`; None where there is one."""
        if len(self.category_ids) == 1:
            return None
        return np.array([self.category_ids.index(person["category_id"]) for person in people], int)

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
    skeleton: str | Path | None = None,
    exif: Exif | None = None,
    reading: Reading = BY_DEFAULT,
) -> CocoPeople:
    """Read a COCO keypoint file and check all of it: JSON with `images`, `annotations`, a category with `keypoints`.

    `boxes` say where people are looked for; text is what `robustpose.data.boxes.parse_boxes` takes. `skeleton` is a
    file that `robustpose.data.skeleton_file` reads; or text, the name of a published skeleton. `exif` says whether EXIF
    turns images, else their annotated sizes decide it: see `robustpose.data.image_folder`. A UserError about
    annotations that are inconsistent names a few of them and says how many there are.
    """
    choice = boxes if isinstance(boxes, BoxChoice) else parse_boxes(boxes)
    file = read_coco_file(annotations)
    reading = settle_parts(reading, skeleton, file.annotations)
    categories = choose_categories(file, reading.category, are_joints_given=_gives_joints(skeleton))
    found = read_skeleton(categories, file.path, skeleton, reading.parts == "wholebody")
    if not images.is_dir():
        raise UserError(f"the image folder {images} does not exist")
    people, doubts = _choose_people(file, categories)
    reading, of_areas = settle_area(reading, people, found.published)
    stop_at(file.path, apply_reading(reading, people))
    check_people(people, file, found.skeleton.n_joints)
    uncounted = find_uncounted(people, found.published)
    doubts += doubt_people(people, file, found.skeleton.n_joints, uncounted) + of_areas
    doubts += doubt_left_out(reading, people)
    doubts += doubt_unknown_sigmas(people, found.skeleton)
    sizes = [(image["width"], image["height"]) for image in file.images]
    folder = open_image_folder(images, [image["file_name"] for image in file.images], exif, sizes)
    by_image: dict[ImageId, list[Entry]] = defaultdict(list)
    for person in people:
        by_image[person["image_id"]].append(person)
    category_ids = tuple(category["id"] for category in categories)
    provenance: dict[str, object] = {
        "name": name_in_text(annotations),
        "annotations_sha256": file.sha256,
        "n_images": len(file.images),
        "image_files_sha256": _hash_sizes(file.images, images),
        **found.provenance,
        **reading.provenance,
        "boxes": choice.protocol,
    }
    if len(categories) > 1:
        provenance["categories"] = list(name_categories(categories))
    if isinstance(skeleton, Path):
        provenance["skeleton_sha256"] = hash_once(skeleton)
    if folder.exif is not None:
        provenance["exif"] = folder.exif
    detections = None
    if choice.path is not None:
        detections = DetectedBoxes(choice, _find_wanted(file, by_image, category_ids))
        provenance |= {"boxes_file": name_in_text(choice.path), "boxes_sha256": detections.sha256}
        provenance |= {"boxes_files": detections.files} if detections.files else {}
        doubts += detections.doubts
    names = name_categories(categories)
    about = About(found.skeleton, category_ids, names, provenance, [*found.warnings, *doubts], uncounted)
    return CocoPeople(about, file.images, folder, dict(by_image), detections)


def _gives_joints(skeleton: str | Path | None) -> bool:
    """Tell whether a skeleton, by name or in a file, names all joints, so that annotations need not."""
    return isinstance(skeleton, str) or (skeleton is not None and names_all_joints(skeleton))


def _choose_people(file: CocoFile, categories: Sequence[Entry]) -> tuple[list[Entry], list[str]]:
    """Return the annotations of some categories, each of its type; and the doubt that those of unknown ones raise."""
    wanted = {category["id"] for category in categories}
    people = [one for one in file.annotations if one["category_id"] in wanted]
    counts = Counter(one["category_id"] for one in file.annotations)
    if counts and not people:
        names = spell_list((f"{quote(c.get('name'))} (id {quote(c['id'])})" for c in categories), "or")
        raise UserError(
            f"{file.path}: none of the {len(file.annotations)} annotations is of category {names}; their category_id "
            f"is {', '.join(f'{quote(i)} ({n} times)' for i, n in counts.most_common(3))}"
        )
    stop_at(file.path, find_mistakes(PersonEntry, people, "annotation", "id"))
    unknown = counts.keys() - {category["id"] for category in file.categories}
    if not unknown:
        return people, []
    n_left_out = sum(counts[i] for i in unknown)
    return people, [
        f"{n_left_out} of {len(file.annotations)} annotations are left out: their category_id, such as "
        f"{quote(min(unknown, key=str))}, is of no category of the file"
    ]


def _find_wanted(
    file: CocoFile, people: Mapping[ImageId, Sequence[Entry]], category_ids: tuple[ImageId, ...]
) -> Wanted:
    """Return who is looked for, for detection files."""
    boxes = {}
    for image_id, of_image in people.items():
        counted = [p["bbox"] for p in of_image if not p.get("iscrowd") and any(p["keypoints"][2::3])]
        if counted:
            box = np.array(counted, float)
            boxes[image_id] = np.concatenate([box[:, :2], box[:, :2] + box[:, 2:]], axis=1)
    names = ImageNames([(image["id"], str(image["file_name"])) for image in file.images])
    return Wanted(names, {i["id"]: (i["width"], i["height"]) for i in file.images}, boxes, category_ids)


def _hash_sizes(records: list[Entry], images: Path) -> str:
    """Return the SHA-256 of all file names and sizes in bytes: cheap, and it tells one copy of a set from another."""
    sizes = [f"{record['file_name']}:{(images / record['file_name']).stat().st_size}" for record in records]
    return hashlib.sha256("\n".join(sizes).encode()).hexdigest()


def _truth_boxes(record: Entry, people: list[Entry]) -> tuple[Floats, npt.NDArray[np.integer]]:
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
