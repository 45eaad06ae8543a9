"""THE description of data: which images, and whose truth. Commands, recipes and the notes of a run all use `DataSpec`.

Which fields belong to which kind of data is said once, in the rows of `KINDS`. An official set is a row of
`official.SETS`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, ConfigDict, Field, field_validator, model_validator

from robustpose import metrics, registry
from robustpose.config import Settings, check_settings
from robustpose.data.boxes import split_boxes
from robustpose.data.joints import take_joints
from robustpose.data.official import SETS, check_truth, find_files
from robustpose.data.own import adopt_dataset
from robustpose.data.places import check_places
from robustpose.data.skeleton_file import NameOrFile
from robustpose.data.subset import Adjusted, keep_images_with_people, leave_out_weak_boxes
from robustpose.errors import UserError, nearest, spell_list
from robustpose.image_files.opening import Exif
from robustpose.pose.protocols import Dataset
from robustpose.states import name_modules

OF_ALL = ("name", "metric", "joints", "limit", "only_with_people")  # what every kind of data takes
READING = ("category", "area", "parts", "visibility")  # fields that say how a file in COCO's format is read
RECIPES_ONLY = ("n_images", "seed", "style_images", "stylized")  # fields that no command has an option for


def _split_joints(value: Any) -> Any:
    """Return the joints of a text with commas."""
    return [name.strip() for name in value.split(",")] if isinstance(value, str) else value


class DataSpec(Settings):
    """Say which images of people are used, and how. Paths are as they were given. Below a field is its description."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    # A dataset, or a function without arguments that makes one. Left out, it is `coco` where there are annotations,
    # and `images` where there are images alone.
    name: str = ""
    """Name of a data set, see robustpose list datasets; or your own, package.module:attr."""
    annotations: Path | None = None
    """Keypoint file in COCO's format, any skeleton."""
    images: Path | None = None
    """Folder of its images; alone, images without annotations: how consistent poses are on them."""
    skeleton: NameOrFile = None
    """Published skeleton by name, see robustpose list skeletons; or YAML with OKS sigmas and mirror pairs."""
    # How a file in COCO's format is read where it leaves a choice: see `robustpose.data.coco.Reading`.
    category: Annotated[str | None, BeforeValidator(lambda value: str(value) if type(value) is int else value)] = None
    """Category in annotations, by name or id; all takes every one with keypoints."""
    area: Literal["annotated", "box"] = "annotated"
    """Area of a person in annotations: as annotated, or 0.53 x width x height of the box."""
    parts: Literal["body", "wholebody"] = "body"
    """Joints of COCO-WholeBody annotations: 17, or all 133."""
    visibility: Literal["flags", "fractions"] = "flags"
    """How annotations say that a joint is visible: 0, 1 or 2; or a fraction, annotated if above 0."""
    exif: Exif | None = None
    """Whether images of one's own are turned as EXIF says; by default as annotated sizes say."""
    root: Path | None = None
    """Folder that holds the files of an official set."""
    split: str | None = None
    """Split of an official set or of toy; by default the one that is benched."""
    boxes: str = "gt"  # what `robustpose.data.boxes.parse_boxes` takes
    """Boxes that are looked at: gt; clean-det:FILE; corrupt-det:DIR, a file per cell."""
    min_box_score: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 0.0
    """Detected boxes with a lower score are not looked at."""
    n_images: Annotated[int, Field(gt=0, le=100_000)] = 64
    """How many toy images are drawn."""
    seed: int = 0
    """Random numbers of the toy images."""
    style_images: Path | None = None
    """Folder with stylised copies of the images, under the same names (train --stylized)."""
    stylized: Literal["both", "only"] = "both"
    """Take both images and stylised copies, or copies only."""
    metric: str | None = None  # what `robustpose.metrics.make_metric` takes
    """Metric: see robustpose list metrics; by default the data set's own."""
    joints: Annotated[tuple[Annotated[str, Field(min_length=1)], ...], BeforeValidator(_split_joints)] = ()
    """Joints that are scored, in their usual spelling, such as nose,left_hip; by default all of the data."""
    limit: int | None = None
    """Take only the first images, of those with people where only these are taken."""
    only_with_people: bool = False  # see `keep_images_with_people`
    """Leave out images without people."""

    @model_validator(mode="before")
    @classmethod
    def _name_files(cls, values: Any) -> Any:
        """Call files in COCO's format `coco` where they have no name, and images without annotations `images`."""
        if not isinstance(values, Mapping) or values.get("name"):
            return values
        if values.get("annotations"):
            return {**values, "name": "coco"}
        return {**values, "name": "images"} if values.get("images") else values

    @field_validator("boxes")
    @classmethod
    def _expand_boxes(cls, boxes: str) -> str:
        if boxes.partition(":")[0] == "detect":
            raise ValueError("detect:MODEL is for bench alone, got it elsewhere: name files, clean-det:FILE for one")
        word, path = split_boxes(boxes)
        if path is None or path.parts[:1] != ("~",):
            return boxes
        return f"{word}{':' * bool(word)}{path.expanduser()}"

    @model_validator(mode="after")
    def _check_fields(self) -> DataSpec:
        if not self.name:
            raise ValueError("name the data: either --data NAME, or --annotations FILE and --images DIR")
        if self.name not in KINDS and ":" not in self.name:
            raise ValueError(
                f"unknown dataset '{self.name}'{nearest(self.name, KINDS)}: expected one of {', '.join(KINDS)}, "
                "or package.module:attr"
            )
        kind = self.kind
        given = [field for field, value in self if value != type(self).model_fields[field].default]
        stray = [field for field in given if field not in (*OF_ALL, *kind.takes)]
        if stray:
            takes = f", it takes {spell_list(map(_call, kind.takes))}" if kind.takes else ""
            raise ValueError(f"data '{self.name}' takes no {spell_list(map(_call, stray), 'or')}{takes}")
        if self.limit is not None and self.limit < 1:
            raise ValueError(f"{_call('limit')} must be at least 1, got {self.limit}")
        if self.min_box_score and "boxes" in kind.takes and self.boxes == "gt":
            raise ValueError(f"{_call('min_box_score')} goes with detected boxes: annotated ones, gt, have no scores")
        lacking = [field for field in kind.needs if field not in given]
        if lacking:
            if kind is COCO_FILES:  # which nobody needs to name
                there = spell_list([_call(field) for field in kind.needs if field in given])
                raise ValueError(f"{there} came without {spell_list(map(_call, lacking))}: give both")
            raise ValueError(f"data '{self.name}' needs {spell_list(map(_call, lacking))}")
        return self

    @property
    def kind(self) -> Kind:
        """Return the kind of these data."""
        if self.name == "coco" and (self.annotations is not None or self.images is not None):
            return COCO_FILES
        return KINDS.get(self.name, OWN)

    @property
    def code(self) -> list[str]:
        """Return the names of somebody's code that `open` would run: of a dataset, of a metric."""
        names = [self.name] if self.kind is OWN else []
        return names + ([self.metric] if self.metric is not None and metrics.names_code(self.metric) else [])

    def check_files(self) -> None:
        """Raise UserError where a file or a folder is not there: without opening any, which takes time."""
        check_places(self)

    def check_truth(self) -> None:
        """Raise UserError where the metric needs an official file that is not there: without opening any."""
        if self.name in SETS and self.root is not None:
            check_truth(self.name, self.root, self.split or SETS[self.name].benched, self.metric)

    def open(self) -> Dataset:
        """Return the dataset; UserError where its files are missing or damaged."""
        dataset = self.kind.open(self)
        if self.joints:
            dataset = take_joints(dataset, self.joints)
        if self.only_with_people:
            dataset = keep_images_with_people(dataset)
        if self.min_box_score:
            dataset = leave_out_weak_boxes(dataset, self.min_box_score)
        if self.limit is not None or self.metric is not None:
            dataset = Adjusted(dataset, self.limit, self.metric)
        if self.style_images is not None:
            from robustpose.data.stylized import WithStyles

            dataset = WithStyles(dataset, self.style_images, only=self.stylized == "only")
        return dataset

    def for_training(self) -> DataSpec:
        """Return the description of data to learn from: without a given split, those of the split for training."""
        kind = self.kind
        if kind is IMAGES_ALONE:
            raise UserError(f"there is nothing to learn from images alone: name {_call('annotations')}, too")
        if kind.benched is None or self.split is not None:
            return self
        if kind.train is None:
            raise UserError(f"data '{self.name}' has no split for training: say which to learn from, split: …")
        return self.model_copy(update={"split": kind.train})

    def change_paths(self, change: Callable[[Path], Path]) -> DataSpec:
        """Return the same description with every path changed."""
        changed: dict[str, Any] = {field: change(value) for field, value in self if isinstance(value, Path)}
        word, path = split_boxes(self.boxes)
        if path is not None:
            changed["boxes"] = f"{word}:{change(path)}" if word else str(change(path))
        return self.model_copy(update=changed)


def describe_data(values: Mapping[str, Any]) -> DataSpec:
    """Return the checked description that fields and their values make; None stands for a field that is not given."""
    return check_settings(DataSpec, {field: value for field, value in values.items() if value is not None}, "")


@dataclass(frozen=True)
class Kind:
    """One kind of data."""

    description: str  # for lists
    takes: tuple[str, ...]  # fields of `DataSpec` that it takes beside those `OF_ALL`
    open: Callable[[DataSpec], Dataset]  # makes the dataset
    needs: tuple[str, ...] = ()  # fields that it cannot do without
    benched: str | None = None  # the split that is benched; None for data without splits
    train: str | None = None  # the split that is learned from; None if there is none


def _open_toy(spec: DataSpec) -> Dataset:
    from robustpose.data.toy import ToyPeople  # imported when asked for, like every dataset

    return ToyPeople(spec.n_images, spec.seed, spec.split or "val", crowded=spec.name == "toy-crowds")


def _open_files(spec: DataSpec) -> Dataset:
    from robustpose.data.coco import read_coco
    from robustpose.data.coco_reading import Reading

    assert spec.annotations is not None
    assert spec.images is not None
    reading = Reading(spec.category, spec.area, spec.parts, spec.visibility)
    return read_coco(spec.annotations, spec.images, spec.boxes, spec.skeleton, spec.exif, reading)


def _open_images(spec: DataSpec) -> Dataset:
    from robustpose.data.images_alone import check_metric, read_images

    assert spec.images is not None
    check_metric(spec.metric)
    return read_images(spec.images, spec.boxes, spec.skeleton, spec.exif)


def _open_official(spec: DataSpec) -> Dataset:
    row = SETS[spec.name]
    assert spec.root is not None
    given = {
        field: value for field, value in spec if field in READING and value != DataSpec.model_fields[field].default
    }
    return row.read(find_files(spec.name, spec.root, spec.split or row.benched), spec.boxes, {**row.reading, **given})


def make_official_kind(name: str) -> Kind:
    """Return the kind of an official set."""
    row = SETS[name]
    description = f"{row.title}: --split {spell_list(row.splits, 'or')}"
    takes = ("root", "split", *row.takes, *(["min_box_score"] if "boxes" in row.takes else []))
    return Kind(description, takes, _open_official, ("root",), row.benched, row.train)


def _open_own(spec: DataSpec) -> Dataset:
    dataset = adopt_dataset(registry.load(spec.name, kind="dataset"), f"dataset '{spec.name}'")
    name_modules(dataset.inner, spec.name)
    return dataset


def _call(field: str) -> str:
    """Return a field's name for messages, with its option if there is one."""
    return field if field in RECIPES_ONLY else f"{field} (--{field.replace('_', '-')})"


COCO_FILES = Kind(
    description="COCO keypoint format, any skeleton",
    takes=("annotations", "images", "skeleton", "boxes", "min_box_score", "exif", "style_images", "stylized", *READING),
    open=_open_files,
    needs=("annotations", "images"),
)
IMAGES_ALONE = Kind(
    description="images without annotations: how much poses change under corruption (consistency)",
    takes=("images", "skeleton", "boxes", "min_box_score", "exif"),
    open=_open_images,
    needs=("images",),
)
OWN = Kind("anything with skeleton, metric, frame(i), truth(i)", ("min_box_score",), _open_own)
_TOY = "drawn people with exact truth; needs no files"
TOY = Kind(_TOY, takes=("n_images", "seed", "split"), open=_open_toy, benched="val", train="train")
KINDS: dict[str, Kind] = {
    "toy": TOY,
    "toy-crowds": replace(TOY, description="the same with two to five people in each image"),
    "images": IMAGES_ALONE,
    **{name: make_official_kind(name) for name in SETS},
}
DESCRIPTIONS: dict[str, str] = {
    **{
        f"{name} --root DIR" if "root" in kind.needs else name: kind.description
        for name, kind in KINDS.items()
        if kind is not IMAGES_ALONE
    },
    "--annotations FILE --images DIR": COCO_FILES.description,
    "--images DIR": IMAGES_ALONE.description,
    "package.module:attr": OWN.description,
}
