"""The paper's rows: Wang et al., CVPR 2021, Tables 1 to 7, and which of them a run was made to stand beside.

The numbers are in `published.yaml` beside this file. Every row has a name, such as `coco-c/hrnet_w32_256x192`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

import yaml

from robustpose.corruptions.suites import COCO_C
from robustpose.errors import UserError, nearest
from robustpose.models.zoo import ZOO, ZooNetwork


@dataclass(frozen=True)
class PublishedRow:
    """One row of a table of the paper, in the paper's words. Scores are 0..1."""

    name: str
    dataset: str  # `COCO-C`, `MPII-C` or `OCHuman-C`
    metric: str  # `AP` or `PCKh`
    data: str  # the dataset as our commands call it
    split: str  # of `data`
    source: str  # where the row is printed
    table: int
    model: str  # such as `HRNet W32`
    zoo: ZooNetwork  # what else is known of the network
    training: str  # `Standard`, `AdvMix`, `Transfer`, …
    boxes: str  # where people were looked for: `gt`, `clean-det`; `none` for networks that look at whole images
    clean: float  # AP* or PCKh*
    mPC: float
    rPC: float
    corruptions: Mapping[str, float]  # mean over severities; empty where the table has no such columns
    only_with_people: bool = False  # whether images in which nobody is annotated were left out

    @property
    def input(self) -> str:
        """Return HEIGHTxWIDTH of the network's input, px, as the paper has it."""
        return "{1}x{0}".format(*self.zoo.input_wh)

    @property
    def weights(self) -> str | None:
        """Return the name of the official file; None where there is none."""
        return self.zoo.file if self.training == "Standard" else None

    @property
    def has_annotated_boxes(self) -> bool:
        """Tell whether people on COCO-C are in annotated boxes: easier than in the detected ones of Table 1."""
        return self.boxes == "gt" and self.dataset == "COCO-C"


def published_rows(dataset: str | None = None, metric: str | None = None) -> list[PublishedRow]:
    """Return the rows of a dataset such as `COCO-C` with a metric such as `AP`, or of any; in the order of tables."""
    return [row for row in _all_rows() if dataset in (None, row.dataset) and metric in (None, row.metric)]


def get_row(name: str) -> PublishedRow:
    """Return the row of a name."""
    rows = {row.name: row for row in _all_rows()}
    if name not in rows:
        raise UserError(f"unknown row '{name}'{nearest(name, rows)}: robustpose list rows shows all")
    return rows[name]


def dataset_names() -> list[str]:
    """Return what the paper calls its datasets."""
    return [str(known["title"]) for known in _read()["datasets"].values()]


def find_dataset(summary: Mapping[str, Any]) -> str | None:
    """Return the paper's name for the dataset of a run, such as `COCO-C`, or None. It may be a part of its images."""
    known = _find_known(summary)
    return None if known is None else str(known["title"])


def is_whole_dataset(summary: Mapping[str, Any]) -> bool:
    """Tell whether a run is on all images on which the paper's rows of its network are."""
    known, dataset = _find_known(summary), summary["provenance"]["dataset"]
    if known is None or any(dataset.get(key) != count for key, count in known["whole"].items()):
        return False
    kind = summary["provenance"]["estimator"].get("kind")
    if any(row.only_with_people and row.zoo.network == kind for row in published_rows(known["title"])):
        return count_images(summary) == dataset.get("images_with_people", known.get("images_with_people"))
    return count_images(summary) == dataset.get("n_images")


def count_whole(dataset: Mapping[str, Any]) -> int | None:
    """Return how many images a dataset of the paper has, by the name in its provenance; None for others."""
    known = (one for one in _read()["datasets"].values() if one["annotations"] == dataset.get("name"))
    return next((one["whole"].get("n_images") for one in known), None)


def count_images(summary: Mapping[str, Any]) -> int | None:
    """Return the number of images of a run; None where the dataset does not say."""
    return count_benched(summary["provenance"]["dataset"])


def count_benched(dataset: Mapping[str, Any]) -> int | None:
    """Return the number of images that are benched of a dataset, given its provenance; None where it does not say."""
    counts = [dataset[key] for key in ("n_images", "images_with_people", "limit") if isinstance(dataset.get(key), int)]
    return min(counts) if counts else None


def find_row(summary: Mapping[str, Any]) -> tuple[PublishedRow | None, list[str]]:
    """Return the row that a run was made to stand beside, and in what the run is not the same measurement.

    `bench --row` notes both in a summary, under `provenance`. Nothing is guessed from what a file is called: the row is
    None where the run names none, as in version 0.1.0, or one that this version does not know.
    """
    noted = summary["provenance"].get("row") or {}
    row = next((row for row in _all_rows() if row.name == noted.get("name")), None)
    if row is None:
        return None, []
    different = list(noted.get("differences", ()))
    if find_dataset(summary) != row.dataset or not is_whole_dataset(summary):
        what = "joints" if summary["provenance"]["dataset"].get("joints") else "images"
        different.append(f"not all {what} of {row.dataset}")
    return row, different


def _find_known(summary: Mapping[str, Any]) -> dict[str, Any] | None:
    dataset = summary["provenance"]["dataset"]
    name = None if dataset.get("joints") else dataset.get("name")  # scores of some joints are of something else
    return next((known for known in _read()["datasets"].values() if known["annotations"] == name), None)


@cache
def _read() -> dict[str, Any]:
    return dict(yaml.safe_load(resources.files("robustpose.results").joinpath("published.yaml").read_text()))


@cache
def _all_rows() -> tuple[PublishedRow, ...]:
    content, rows = _read(), []
    for block in content["tables"]:
        for name, values in block["rows"].items():
            said = {**block, **dict(zip(block["columns"], values, strict=True))}
            said.setdefault("rPC", 100 * said["mPC"] / said["clean"])  # Table 4 prints none
            scores = {
                key: round(said[key] / 100, 4) for key in ("clean", "mPC", "rPC", *COCO_C.corruptions) if key in said
            }
            zoo = ZOO[said.get("network", name.split("/")[-1].removesuffix("_advmix"))]
            known = content["datasets"][name.split("/")[0]]
            row = PublishedRow(
                name=name,
                dataset=known["title"],
                **{key: known[key] for key in ("metric", "data", "split")},
                source=f"{content['source']}, Table {block['table']}",
                model=content["titles"][zoo.network],
                zoo=zoo,
                **{key: said[key] for key in ("table", "training", "boxes", "only_with_people") if key in said},
                corruptions={key: scores.pop(key) for key in COCO_C.corruptions if key in scores},
                **scores,
            )
            rows.append(row)
    return tuple(rows)
