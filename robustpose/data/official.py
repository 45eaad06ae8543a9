"""Official data sets, a row each: how they are read, where their files lie, what these hold, where to get them.

`robustpose.data.spec` opens the rows of `SETS`; `robustpose.data.official_check` compares a folder with them.
"""

from __future__ import annotations

from pathlib import Path

from robustpose.data.official_set import Files, OfficialSet, Place, Split, place_coco, read_coco_set, read_mpii_set
from robustpose.errors import UserError, nearest, spell_list

_COCO = "cocodataset.org, Download page: "
_COCO_LABELS = f"{_COCO}'2017 Train/Val annotations'"
_HRNET = "github.com/leoxiaobin/deep-high-resolution-net.pytorch, data preparation, "
_MPII_LABELS = f"{_HRNET}MPII: annot"
_MPII_IMAGES = "human-pose.mpi-inf.mpg.de, Download page: images"
_OCHUMAN = "github.com/liruilong940607/OCHumanApi"
_OCHUMAN_VAL = "ochuman_coco_format_val_range_0.00_1.00.json"
_OCHUMAN_TEST = "ochuman_coco_format_test_range_0.00_1.00.json"
_WHOLE = "github.com/jin-s13/COCO-WholeBody"
_CROWDPOSE_FILES = ("annotations/crowdpose_{}.json", "json/crowdpose_{}.json", "annotations/mmpose_crowdpose_{}.json")
_HALPE = "github.com/Fang-Haoshu/Halpe-FullBody"
_AIC = "mmpose.readthedocs.io, 2D body keypoint datasets: AIC"

# The HRNet repository wants COCO's images in images/; many keep them without it.
SETS: dict[str, OfficialSet] = {
    "coco": OfficialSet(
        title="COCO 2017 keypoints",
        read=read_coco_set,
        benched="val2017",
        train="train2017",
        short_splits={"val": "val2017", "train": "train2017"},
        takes=("boxes", "style_images", "stylized"),
        splits={
            "val2017": Split("scores on COCO-C", {
                "annotations": Place("coco", ("annotations/person_keypoints_val2017.json",), _COCO_LABELS,
                                     {"images": 5_000, "people": 11_004, "with keypoints": 6_352}),
                "images": Place("folder", ("images/val2017", "val2017"), f"{_COCO}'2017 Val images'"),
                "detections": Place("boxes", ("person_detection_results/COCO_val2017_detections_AP_H_56_person.json",),
                                    f"{_HRNET}COCO: person_detection_results", {"boxes": 104_125}, "detected boxes"),
            }),
            "train2017": Split("training on COCO", {
                "annotations": Place("coco", ("annotations/person_keypoints_train2017.json",), _COCO_LABELS,
                                     {"images": 118_287, "with keypoints": 149_813}),
                "images": Place("folder", ("images/train2017", "train2017"), f"{_COCO}'2017 Train images'"),
            }, is_optional=True),
        },
    ),
    "mpii": OfficialSet(
        title="MPII Human Pose",
        read=read_mpii_set,
        benched="valid",
        train="train",
        is_scored_by_heads=True,
        splits={
            "valid": Split("scores on MPII-C", {
                "annotations": Place("mpii", ("annot/valid.json",), _MPII_LABELS, {"people": 2_958}),
                "truth": Place("gt_mat", ("annot/gt_valid.mat",), _MPII_LABELS, {"people": 2_958}),
                "images": Place("folder", ("images",), _MPII_IMAGES),
            }),
            "train": Split("training on MPII", {
                "annotations": Place("mpii", ("annot/train.json",), _MPII_LABELS, {"people": 22_246}),
                "images": Place("folder", ("images",), _MPII_IMAGES),
            }, is_optional=True),
        },
    ),
    "ochuman": OfficialSet(
        title="OCHuman",
        read=read_coco_set,
        benched="val",
        takes=("boxes",),
        splits={
            "val": Split("scores on OCHuman-C", {
                "annotations": Place("coco", (f"annotations/{_OCHUMAN_VAL}", _OCHUMAN_VAL), _OCHUMAN,
                                     {"images": 2_500}),
                "images": Place("folder", ("images",), _OCHUMAN),
            }),
            "test": Split("scores on OCHuman's test split", {
                "annotations": Place("coco", (f"annotations/{_OCHUMAN_TEST}", _OCHUMAN_TEST), _OCHUMAN,
                                     {"images": 2_231}),
                "images": Place("folder", ("images",), _OCHUMAN),
            }, is_optional=True),
        },
    ),
    "coco-wholebody": OfficialSet(
        title="COCO-WholeBody, 133 joints",
        read=read_coco_set,
        reading={"parts": "wholebody"},
        benched="val2017",
        train="train2017",
        short_splits={"val": "val2017", "train": "train2017"},
        takes=("boxes", "area", "visibility"),
        splits={
            "val2017": Split("scores on COCO-WholeBody", {
                "annotations": Place("coco", ("annotations/coco_wholebody_val_v1.0.json",), _WHOLE, {"images": 5_000}),
                "images": Place("folder", ("images/val2017", "val2017"), f"{_COCO}'2017 Val images'"),
                "detections": Place("boxes", ("person_detection_results/COCO_val2017_detections_AP_H_56_person.json",),
                                    f"{_HRNET}COCO: person_detection_results", {"boxes": 104_125}, "detected boxes"),
            }),
            "train2017": Split("training on COCO-WholeBody", {
                "annotations": Place("coco", ("annotations/coco_wholebody_train_v1.0.json",), _WHOLE),
                "images": Place("folder", ("images/train2017", "train2017"), f"{_COCO}'2017 Train images'"),
            }, is_optional=True),
        },
    ),
    "crowdpose": OfficialSet(
        title="CrowdPose, with easy, medium and hard images",
        read=read_coco_set,
        reading={"skeleton": "crowdpose", "area": "box"},  # as its evaluation program has it
        benched="test",
        train="train",
        takes=("boxes", "visibility"),
        splits={
            split: place_coco(
                purpose, "github.com/jeffffffli/CrowdPose",
                tuple(path.format(split) for path in _CROWDPOSE_FILES), ("images",), n_images=n_images,
            )
            for split, purpose, n_images in (
                ("test", "scores on CrowdPose", 8_000),
                ("val", "scores on the val split (training needs it to stop early)", 2_000),
                ("train", "training on CrowdPose", 10_000),
            )
        },
    ),
    "ap10k": OfficialSet(
        title="AP-10K, animals of many species, each a category",
        read=read_coco_set,
        reading={"skeleton": "ap10k", "category": "all"},
        benched="test",
        train="train",
        takes=("boxes", "area", "category", "visibility"),
        splits={
            split: place_coco(
                purpose, "github.com/AlexTheBad/AP-10K", (f"annotations/ap10k-{split}-split1.json",), ("data",)
            )
            for split, purpose in (
                ("test", "scores on AP-10K"),
                ("val", "scores on the val split (training needs it to stop early)"),
                ("train", "training on AP-10K"),
            )
        },
    ),
    "halpe": OfficialSet(
        title="Halpe-FullBody, 136 joints",
        read=read_coco_set,
        reading={"skeleton": "halpe-136", "visibility": "fractions"},
        benched="val",
        train="train",
        takes=("boxes", "area"),
        splits={
            "val": place_coco("scores on Halpe", _HALPE, ("annotations/halpe_val_v1.json",), ("val2017",)),
            "train": place_coco("training on Halpe", _HALPE, ("annotations/halpe_train_v1.json",),
                                 ("hico_20160224_det/images/train2015",)),
        },
    ),
    "aic": OfficialSet(
        title="AI Challenger, 14 joints, in COCO's format",
        read=read_coco_set,
        reading={"skeleton": "aic"},
        benched="val",
        train="train",
        takes=("boxes", "area", "visibility"),
        splits={
            "val": place_coco("scores on AI Challenger", _AIC, ("annotations/aic_val.json",),
                               ("ai_challenger_keypoint_validation_20170911/keypoint_validation_images_20170911",),
                               n_images=30_000),
            "train": place_coco("training on AI Challenger", _AIC, ("annotations/aic_train.json",),
                                 ("ai_challenger_keypoint_train_20170909/keypoint_train_images_20170902",),
                                 n_images=210_000),
        },
    ),
}  # fmt: skip


def find_files(name: str, root: Path, split: str) -> Files:
    """Return where the files of a split of set `name` are; UserError unless annotations and images are there.

    The split may have its short name.
    """
    splits = SETS[name].splits
    full_name = SETS[name].short_splits.get(split, split)
    if full_name not in splits:
        raise UserError(f"{name} has no split '{split}'{nearest(split, splits)}: it has {spell_list(splits)}")
    check_root(name, root)
    places = splits[full_name].places
    found = {what: path for what, place in places.items() if (path := find_place(root, place)) is not None}
    for what in ("annotations", "images"):
        if what not in found:
            paths = places[what].paths
            tried = spell_list((str(root / path) for path in paths), "nor")
            raise UserError(
                f"{name} {full_name} needs {paths[0]}, which is not at {tried}: "
                f"robustpose data check {name} --root {root} says what belongs there"
            )
    return Files(**found)


def check_truth(name: str, root: Path, split: str, metric: str | None) -> None:
    """Raise UserError where a split lacks the truth file that its metric, None for the set's own, needs."""
    from robustpose.metrics import BY_HEAD_SIZE  # late: help names the sets, and loads nothing for it

    row = SETS[name]
    needs_heads = row.is_scored_by_heads if metric is None else metric.startswith(BY_HEAD_SIZE)
    if not needs_heads or find_files(name, root, split).truth is not None:
        return
    place = row.splits[row.short_splits.get(split, split)].places.get("truth")
    lacks = f"{root / place.paths[0]}, which is not there" if place else f"head sizes, which {name} {split} has not"
    where = f" (robustpose data check {name} --root {root} says where to get it)" if place else ""
    raise UserError(
        f"metric {metric or BY_HEAD_SIZE[0]} needs {lacks}{where}: take another metric, such as pck:box@0.2 (--metric)"
    )


def find_place(root: Path, place: Place) -> Path | None:
    """Return the first of its paths that is there under `root`, None if there is none."""
    exists = Path.is_dir if place.kind == "folder" else Path.is_file
    return next((root / path for path in place.paths if exists(root / path)), None)


def name_folder_beside(root: Path) -> str:
    """Return ` (did you mean '…'?)` with a folder beside it that is spelled alike, an empty text where none is."""
    return nearest(root.name, [path.name for path in root.parent.glob("*") if path.is_dir()])


def check_root(name: str, root: Path) -> None:
    """Raise UserError where `root` is no folder, naming a folder beside it that is spelled alike."""
    if not root.is_dir():
        beside = name_folder_beside(root)
        what = "is no folder" if root.exists() else "does not exist"
        raise UserError(f"the folder {root} {what}{beside}: name the one that holds the files of {name}")
