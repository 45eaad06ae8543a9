"""What the paper reports: Wang et al., CVPR 2021, rows of Tables 1 to 4, and which of them is about a run's model."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import resources
from typing import Any

SOURCE = "Wang et al., CVPR 2021"
# By the name that a run gives its annotations: what the paper calls the dataset, and a count that tells whether it is
# whole.
_DATASETS = {
    "person_keypoints_val2017.json": ("COCO-C", "n_images", 5000),
    "MPII valid.json": ("MPII-C", "n_people", 2958),
    "ochuman_coco_format_val_range_0.00_1.00.json": ("OCHuman-C", "n_images", 2500),
}
_MODELS = {
    "sbl_r50": "SBL R50",
    "sbl_r101": "SBL R101",
    "sbl_r152": "SBL R152",
    "hrnet_w32": "HRNet W32",
    "hrnet_w48": "HRNet W48",
    "higherhrnet_w32": "HigherHRNet W32",
    "higherhrnet_w48": "HigherHRNet W48",
    "pifpaf_shufflenetv2x2": "PifPaf ShuffleNetV2",
    "pifpaf_resnet50": "PifPaf R50",
    "pifpaf_resnet101": "PifPaf R101",
}
# Tables 2 and 3, which have no columns of corruptions; percent: AP* or PCKh*, mPC, rPC. Their rows of standard
# training are those of Table 1, but for this one.
_TABLE_2_STANDARD = {"SBL R152": ("256x192", 72.0, 50.9, 70.7)}
_TABLE_2_ADVMIX = {
    "SBL R50": ("256x192", 70.1, 50.1, 71.5),
    "SBL R101": ("256x192", 71.3, 52.3, 73.3),
    "SBL R152": ("256x192", 72.3, 53.2, 73.6),
    "HRNet W32": ("256x192", 74.7, 55.5, 74.3),
    "HRNet W48": ("256x192", 75.4, 57.1, 75.7),
    "HigherHRNet W32": ("512x512", 68.3, 45.4, 66.5),
}
_TABLE_3_ADVMIX = {
    "SBL R50": ("256x256", 88.9, 82.0, 92.3),
    "SBL R101": ("256x256", 89.4, 82.8, 92.5),
    "HRNet W32": ("256x256", 90.5, 83.9, 92.7),
}
_BOXES = {"COCO-C": "clean-det", "MPII-C": "gt"}  # of top-down models; Table 4 has annotated ones


@dataclass(frozen=True)
class PublishedRow:
    """One row of a table. Scores are 0..1, over all images of the dataset, PifPaf's on COCO-C over those with people.

    Attributes:
        model: such as `HRNet W32`.
        input: HEIGHTxWIDTH px, as the paper has it.
        training: `Standard`, `AdvMix`, `Transfer` or `AdvMix+Stylized`.
        dataset: `COCO-C`, `MPII-C` or `OCHuman-C`.
        metric: `AP` or `PCKh`.
        kind: `top-down` or `bottom-up`.
        boxes: protocol: `gt`, `clean-det`; `none` for bottom-up models.
        table: number of the table.
        clean: AP* or PCKh*.
        mPC: mean under corruption.
        rPC: mPC / clean.
        corruptions: mean over severities by corruption; empty where the table has no such columns.
    """

    model: str
    input: str
    training: str
    dataset: str
    metric: str
    kind: str
    boxes: str
    table: int
    clean: float
    mPC: float
    rPC: float
    corruptions: Mapping[str, float] = field(default_factory=dict)


def read_published() -> dict[str, Any]:
    """Return Tables 1 and 4 as they are printed, in percent: `source`, `columns`, `table1`, `table4`."""
    text = resources.files("robustpose.results").joinpath("published.json").read_text()
    return dict(json.loads(text))


def published_rows(dataset: str, metric: str) -> list[PublishedRow]:
    """Return the rows of a dataset such as `COCO-C` with a metric such as `AP`, in the order of Tables 1 to 4."""
    return [row for row in _all_rows() if (row.dataset, row.metric) == (dataset, metric)]


def find_dataset(summary: Mapping[str, Any]) -> str | None:
    """Return the paper's name for the dataset of a run, such as `COCO-C`, or None. It may be a part of its images."""
    known = _DATASETS.get(str(summary["provenance"]["dataset"].get("name")))
    return None if known is None else known[0]


def is_whole_dataset(summary: Mapping[str, Any]) -> bool:
    """Tell whether a run is on all images that the paper's rows of its model count: see `PublishedRow`.

    In OCHuman every image holds people, so that it makes no difference there.
    """
    dataset = summary["provenance"]["dataset"]
    known = _DATASETS.get(str(dataset.get("name")))
    model = _MODELS.get(str(summary["provenance"]["estimator"].get("kind")), "")
    is_of_people = model.startswith("PifPaf") and known is not None and known[0] == "COCO-C"
    counted = dataset.get("images_with_people" if is_of_people else "n_images")
    return known is not None and dataset.get(known[1]) == known[2] and count_images(summary) == counted


def count_images(summary: Mapping[str, Any]) -> int | None:
    """Return the number of images of a run; None where the dataset does not say."""
    dataset = summary["provenance"]["dataset"]
    counts = [dataset[key] for key in ("n_images", "images_with_people", "limit") if isinstance(dataset.get(key), int)]
    return min(counts) if counts else None


def find_row(summary: Mapping[str, Any]) -> PublishedRow | None:
    """Return the published row of the same network, input, boxes, metric and dataset, all images, or None.

    A run knows its weights by their file alone: those whose name speaks of AdvMix are held against the row with
    AdvMix, others against that of standard training.
    """
    estimator = summary["provenance"]["estimator"]
    dataset = find_dataset(summary)
    if dataset is None or not is_whole_dataset(summary):
        return None
    training = "AdvMix" if "advmix" in str(estimator.get("name")).lower() else "Standard"
    wanted = (
        _MODELS.get(str(estimator.get("kind"))),
        "x".join(reversed(str(estimator.get("input")).split("x"))),  # a run has WIDTHxHEIGHT
        training,
        summary["provenance"].get("box_protocol"),
    )
    for row in published_rows(dataset, summary["metric"]):
        if (row.model, row.input, row.training, row.boxes) == wanted:
            return row
    return None


def _all_rows() -> list[PublishedRow]:
    content = read_published()
    rows = []
    for row in content["table1"]:
        boxes = "none" if row["kind"] == "bottom-up" else _BOXES[row["dataset"]]
        place = (row["model"], row["input"], "Standard", row["dataset"], row["metric"], row["kind"], boxes, 1)
        corruptions = {name: _share(value) for name, value in row["corruptions"].items()}
        rows.append(PublishedRow(*place, _share(row["clean"]), _share(row["mPC"]), _share(row["rPC"]), corruptions))
    for table, training, dataset, metric, models in (
        (2, "Standard", "COCO-C", "AP", _TABLE_2_STANDARD),
        (2, "AdvMix", "COCO-C", "AP", _TABLE_2_ADVMIX),
        (3, "AdvMix", "MPII-C", "PCKh", _TABLE_3_ADVMIX),
    ):
        for model, (size, clean, mpc, rpc) in models.items():
            is_bottom_up = model.startswith("HigherHRNet")
            kind, boxes = ("bottom-up", "none") if is_bottom_up else ("top-down", _BOXES[dataset])
            place = (model, size, training, dataset, metric, kind, boxes, table)
            rows.append(PublishedRow(*place, _share(clean), _share(mpc), _share(rpc)))
    for training, row in content["table4"].items():  # of HRNet W32 with annotated boxes; without rPC
        place = ("HRNet W32", "256x192", training, "COCO-C", "AP", "top-down", "gt", 4)
        corruptions = {name: _share(value) for name, value in row["corruptions"].items()}
        rows.append(
            PublishedRow(*place, _share(row["clean"]), _share(row["mPC"]), row["mPC"] / row["clean"], corruptions)
        )
    return rows


def _share(percent: float) -> float:
    """Return 70.4 as 0.704, without the last bits of a division."""
    return round(percent / 100, 4)
