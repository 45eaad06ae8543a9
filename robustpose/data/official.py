"""Official data sets: where COCO, MPII and OCHuman keep their files, what is known of these, where to get them.

`find_coco`, `find_mpii` and `find_ochuman` give the paths to whoever opens a set; `robustpose.data.official_check`
compares a folder with the table.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from robustpose.errors import UserError, nearest


@dataclass(frozen=True)
class Place:
    """A file or a folder of images of an official set.

    Args:
        kind: ``coco`` (keypoint JSON), ``mpii`` (the HRNet repository's JSON), ``boxes`` (COCO detections), ``gt_mat``
            (MPII's truth for its metric) or ``folder``.
        paths: relative to the set's root; the first that is there counts.
        needed_for: what cannot be done without it.
        source: where to get it.
        counts: what the official file holds.
        is_optional: scores on the set can be had without it.
    """

    kind: str
    paths: tuple[str, ...]
    needed_for: str
    source: str
    counts: Mapping[str, int] = field(default_factory=dict)
    is_optional: bool = False


_COCO_LABELS = "cocodataset.org, Download page: '2017 Train/Val annotations'"
_MPII_LABELS = "github.com/leoxiaobin/deep-high-resolution-net.pytorch, data preparation, MPII: annot"
_MPII_IMAGES = "human-pose.mpi-inf.mpg.de, Download page: images"
_OCHUMAN = "github.com/liruilong940607/OCHumanApi"

# By name, split and what lies there. The HRNet repository wants COCO's images in images/; many keep them without it.
SETS: dict[str, dict[str, dict[str, Place]]] = {
    "coco": {
        "val2017": {
            "annotations": Place(
                "coco",
                ("annotations/person_keypoints_val2017.json",),
                "scores on COCO-C",
                _COCO_LABELS,
                {"images": 5_000, "people": 11_004, "with keypoints": 6_352},
            ),
            "images": Place(
                "folder",
                ("images/val2017", "val2017"),
                "scores on COCO-C",
                "cocodataset.org, Download page: '2017 Val images'",
            ),
            "detections": Place(
                "boxes",
                ("person_detection_results/COCO_val2017_detections_AP_H_56_person.json",),
                "scores on COCO-C with detected boxes",
                "github.com/leoxiaobin/deep-high-resolution-net.pytorch, data preparation, COCO: "
                "person_detection_results",
                {"boxes": 104_125},
                is_optional=True,
            ),
        },
        "train2017": {
            "annotations": Place(
                "coco",
                ("annotations/person_keypoints_train2017.json",),
                "training on COCO",
                _COCO_LABELS,
                {"images": 118_287, "with keypoints": 149_813},
                is_optional=True,
            ),
            "images": Place(
                "folder",
                ("images/train2017", "train2017"),
                "training on COCO",
                "cocodataset.org, Download page: '2017 Train images'",
                is_optional=True,
            ),
        },
    },
    "mpii": {
        "valid": {
            "annotations": Place("mpii", ("annot/valid.json",), "scores on MPII-C", _MPII_LABELS, {"people": 2_958}),
            "truth": Place("gt_mat", ("annot/gt_valid.mat",), "scores on MPII-C", _MPII_LABELS, {"people": 2_958}),
            "images": Place("folder", ("images",), "scores on MPII-C", _MPII_IMAGES),
        },
        "train": {
            "annotations": Place(
                "mpii", ("annot/train.json",), "training on MPII", _MPII_LABELS, {"people": 22_246}, is_optional=True
            ),
            "images": Place("folder", ("images",), "training on MPII", _MPII_IMAGES, is_optional=True),
        },
    },
    "ochuman": {
        "val": {
            "annotations": Place(
                "coco",
                (
                    "annotations/ochuman_coco_format_val_range_0.00_1.00.json",
                    "ochuman_coco_format_val_range_0.00_1.00.json",
                ),
                "scores on OCHuman-C",
                _OCHUMAN,
                {"images": 2_500},
            ),
            "images": Place("folder", ("images",), "scores on OCHuman-C", _OCHUMAN),
        },
        "test": {
            "annotations": Place(
                "coco",
                (
                    "annotations/ochuman_coco_format_test_range_0.00_1.00.json",
                    "ochuman_coco_format_test_range_0.00_1.00.json",
                ),
                "scores on OCHuman's test split",
                _OCHUMAN,
                {"images": 2_231},
                is_optional=True,
            ),
            "images": Place("folder", ("images",), "scores on OCHuman's test split", _OCHUMAN, is_optional=True),
        },
    },
}
SHORT_SPLITS = {"coco": {"val": "val2017", "train": "train2017"}}


@dataclass(frozen=True)
class CocoFiles:
    """Where the files of one split of COCO are."""

    annotations: Path
    images: Path
    detections: Path | None  # val2017 only, and not everybody has it


@dataclass(frozen=True)
class MpiiFiles:
    """Where the files of one split of MPII are."""

    annotations: Path
    images: Path
    truth: Path | None  # gt_valid.mat, without which there is no PCKh; there is none for train


@dataclass(frozen=True)
class OchumanFiles:
    """Where the files of one split of OCHuman are."""

    annotations: Path
    images: Path


def find_coco(root: Path, split: str) -> CocoFiles:
    """Return the paths of COCO's val2017 (or val) or train2017 (or train).

    Raises:
        UserError: there is no such split, or a file or folder that it needs is not there.
    """
    split = choose_split("coco", split)
    return CocoFiles(
        annotations=_need(root, "coco", split, "annotations"),
        images=_need(root, "coco", split, "images"),
        detections=find_place(root, SETS["coco"][split]["detections"]) if split == "val2017" else None,
    )


def find_mpii(root: Path, split: str) -> MpiiFiles:
    """Return the paths of MPII's valid or train.

    Raises:
        UserError: there is no such split, or a file or folder that it needs is not there.
    """
    split = choose_split("mpii", split)
    return MpiiFiles(
        annotations=_need(root, "mpii", split, "annotations"),
        images=_need(root, "mpii", split, "images"),
        truth=find_place(root, SETS["mpii"][split]["truth"]) if split == "valid" else None,
    )


def find_ochuman(root: Path, split: str) -> OchumanFiles:
    """Return the paths of OCHuman's val or test.

    Raises:
        UserError: there is no such split, or a file or folder that it needs is not there.
    """
    split = choose_split("ochuman", split)
    return OchumanFiles(
        annotations=_need(root, "ochuman", split, "annotations"), images=_need(root, "ochuman", split, "images")
    )


def choose_split(name: str, split: str) -> str:
    """Return the full name of a split of set `name`, for its full or its short name."""
    full = SHORT_SPLITS.get(name, {}).get(split, split)
    if full not in SETS[name]:
        raise UserError(f"{name} has no split '{split}'{nearest(split, SETS[name])}: it has {_join(SETS[name])}")
    return full


def find_place(root: Path, place: Place) -> Path | None:
    """Return the first of its paths that is there under `root`, None if there is none."""
    for path in place.paths:
        found = root / path
        if found.is_dir() if place.kind == "folder" else found.is_file():
            return found
    return None


def check_root(name: str, root: Path) -> None:
    """Raise UserError where `root` is no folder, naming a folder beside it that is spelled alike."""
    if not root.is_dir():
        beside = nearest(root.name, [path.name for path in root.parent.glob("*") if path.is_dir()])
        raise UserError(f"the folder {root} does not exist{beside}: name the one that holds the files of {name}")


def _need(root: Path, name: str, split: str, what: str) -> Path:
    check_root(name, root)
    place = SETS[name][split][what]
    found = find_place(root, place)
    if found is None:
        places = _join((str(root / path) for path in place.paths), "nor")
        raise UserError(
            f"{name} {split} needs {place.paths[0]}, which is not at {places}: "
            f"robustpose data check {name} --root {root} says what belongs there"
        )
    return found


def _join(words: Iterable[str], last: str = "and") -> str:
    *first, end = words
    return f"{', '.join(first)} {last} {end}" if first else end
