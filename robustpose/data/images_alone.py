"""Images alone: every image of a folder, without annotations. Poses are held against those on the clean images."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from robustpose.contents import hash_names_and_sizes, hash_some_files
from robustpose.data.boxes import BoxChoice, DetectedBoxes, parse_boxes
from robustpose.data.coco_skeleton import read_skeleton
from robustpose.data.detections import Wanted
from robustpose.data.image_folder import ImageFolder, open_image_folder
from robustpose.errors import UserError, first_few, quote
from robustpose.files import name_in_text
from robustpose.image_files.opening import Exif
from robustpose.metrics import names_code
from robustpose.metrics.robustness import HELD_AGAINST_CLEAN
from robustpose.pose.cell import Cell
from robustpose.pose.image_ids import ImageNames
from robustpose.pose.protocols import Dataset
from robustpose.pose.skeletons import COCO_JOINTS
from robustpose.pose.types import Frame, Truth
from robustpose.sources import hash_once

# Of the formats that are read (`robustpose.image_files.opening`); other files may lie beside images.
SUFFIXES = (
    ".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".bmp", ".gif", ".webp", ".tif", ".tiff", ".ppm", ".pgm", ".jp2", ".avif",
)  # fmt: skip
# Of images that cannot be read: not left out without a word.
UNREAD = (".heic", ".heif", ".jxl", ".dng", ".raw", ".cr2", ".cr3", ".nef", ".arw", ".tga", ".exr", ".hdr", ".psd")
LONGEST = 1000  # letters of a name that results files can have as an image's id
PERSON = 1  # COCO's id of a person, which results files carry


class ImagesAlone(Dataset):
    """Frames of the images of a folder, in the order of their names, which are their ids. Made by `read_images`."""

    metric = HELD_AGAINST_CLEAN[0]
    category_ids = (PERSON,)

    def __init__(
        self, folder: ImageFolder, names: Sequence[str], skeleton: str | Path | None, choice: BoxChoice | None
    ) -> None:
        joints = [] if isinstance(skeleton, str) else list(COCO_JOINTS)  # a published skeleton brings its own
        found = read_skeleton([{"id": PERSON, "name": "person", "keypoints": joints}], folder.path, skeleton)
        self.skeleton = found.skeleton
        self._folder, self._names = folder, names
        self._detections = None if choice is None else DetectedBoxes(choice, self._find_wanted())
        self.warnings = [
            "there are no annotations: consistency says how much poses change under corruption, not how right they are",
            *found.warnings,
            *doubt_others(folder.path),
            *([] if self._detections is None else self._detections.doubts),
        ]
        self.provenance: dict[str, object] = {
            "name": name_in_text(folder.path.resolve()),
            "n_images": len(names),
            "image_files_sha256": hash_names_and_sizes(folder.path, names),
            # Frames of a video, stored as they are, are all of one size.
            "contents_sha256": hash_some_files([folder.path / name for name in names]),
            **found.provenance,
            "skeleton": found.published or found.skeleton.name,
        }
        if isinstance(skeleton, Path):
            self.provenance["skeleton_sha256"] = hash_once(skeleton)
        if folder.exif is not None:
            self.provenance["exif"] = folder.exif
        if choice is not None and choice.path is not None and self._detections is not None:
            self.provenance |= {"boxes": choice.protocol, "boxes_file": name_in_text(choice.path)}
            self.provenance["boxes_sha256"] = self._detections.sha256
            self.provenance |= {"boxes_files": self._detections.files} if self._detections.files else {}

    def __len__(self) -> int:
        return len(self._names)

    def frame(self, index: int) -> Frame:
        name = self._names[index]
        frame = Frame(
            image_id=name,
            read=self._folder.reader(name),
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
        """Return that nobody is annotated in image `index`."""
        n_joints = self.skeleton.n_joints
        return Truth(
            image_id=self._names[index],
            xy=np.zeros((0, n_joints, 2)),
            visible=np.zeros((0, n_joints), int),
            area=np.zeros(0),
            boxes=np.zeros((0, 4)),
            crowd=np.zeros(0, bool),
        )

    def _find_wanted(self) -> Wanted:
        names = ImageNames([(name, name) for name in self._names])
        return Wanted(names, {name: self._folder.sizes_wh[name] for name in self._names}, {}, self.category_ids)


def read_images(images: Path, boxes: str, skeleton: str | Path | None, exif: Exif | None = None) -> ImagesAlone:
    """Look at every image of a folder, in its header alone, and return them as data without truth.

    `boxes` say where people are looked for; `gt` means that nobody says it. `skeleton` is a file that
    `robustpose.data.skeleton_file` reads, for COCO's joints; or text, the name of a published skeleton. Without `exif`,
    images are turned as their EXIF says.

    Raises:
        UserError: there is no image, one cannot be read, or a name cannot be an id.
    """
    choice = parse_boxes(boxes)
    folder = open_image_folder(images, list_images(images), exif or "apply")
    return ImagesAlone(folder, list(folder.sizes_wh), skeleton, None if choice.protocol == "gt" else choice)


def check_metric(metric: str | None) -> None:
    """Raise UserError for a metric of this package that needs to know where people are."""
    if metric is not None and metric not in HELD_AGAINST_CLEAN and not names_code(metric):
        raise UserError(
            f"images without annotations are scored by {HELD_AGAINST_CLEAN[0]} alone, and metric (--metric) '{metric}' "
            "needs to know where people are: name annotations (--annotations)"
        )


def list_images(folder: Path) -> list[str]:
    """Return the names of the image files in a folder, sorted; UserError where there is none.

    Those that begin with a point are left out, as other programs leave such files beside images.
    """
    if not folder.is_dir():
        raise UserError(f"the image folder {folder} does not exist")
    try:
        entries = sorted(folder.iterdir(), key=lambda path: path.name)
    except OSError as error:
        raise UserError(f"the image folder {folder} cannot be read: {error}") from error
    names = [path.name for path in entries if _is_image(path)]
    if not names:
        inside = next(filter(_holds_images, entries), None)
        hint = "" if inside is None else f": those in its folder {inside.name} are taken by --images {inside}"
        raise UserError(f"the image folder {folder} holds no image ({', '.join(SUFFIXES[:6])}, …){hint}")
    strange = [name for name in names if not _can_be_id(name)]
    if strange:
        raise UserError(
            f"images in {folder}: {first_few(list(map(quote, strange)), 'names')} cannot be written to results: names "
            f"must be UTF-8 of at most {LONGEST} letters"
        )
    return names


def doubt_others(folder: Path) -> list[str]:
    """Return a warning of images of formats that are not read, and one of images in folders of the folder."""
    entries = sorted(folder.iterdir(), key=lambda path: path.name)
    unread = [path.name for path in entries if path.suffix.lower() in UNREAD and not path.name.startswith(".")]
    inside = [path.name for path in entries if _holds_images(path)]
    doubts = []
    if unread:
        doubts.append(f"images that cannot be read are left out: {first_few(list(map(quote, unread)), 'files')}")
    if inside:
        names = first_few(list(map(quote, inside)), "folders")
        doubts.append(f"images in folders of {folder.name} are left out: {names} (--images takes one folder)")
    return doubts


def _holds_images(path: Path) -> bool:
    try:
        return path.is_dir() and not path.name.startswith(".") and any(map(_is_image, path.iterdir()))
    except OSError:  # somebody else's
        return False


def _is_image(path: Path) -> bool:
    return path.suffix.lower() in SUFFIXES and not path.name.startswith(".") and not path.is_dir()


def _can_be_id(name: str) -> bool:
    try:
        return len(name.encode()) > 0 and len(name) <= LONGEST
    except UnicodeEncodeError:  # bytes that are no UTF-8
        return False
