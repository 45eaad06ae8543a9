"""Detectors of transformers: which there are, loaded strictly, and made a network of images that gives boxes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from robustpose.errors import UserError, quote
from robustpose.estimators.hub_files import CLASSES as POSE_CLASSES
from robustpose.estimators.hub_files import CONFIG, HubFiles, check_keys
from robustpose.estimators.hub_model import check_size, load_as


@dataclass(frozen=True)
class DetectorKind:
    """One of transformers' kinds of detectors.

    Attributes:
        name: of its class.
        processor: of its image processor, without …ImageProcessor.
        with_nothing: whether the last class stands for nothing, as in DETR.
        most: scores of an image that its program keeps at most; None for as many as there are queries.
    """

    name: str
    processor: str
    with_nothing: bool = False
    most: int | None = None


# By model_type of a config.
KINDS: dict[str, DetectorKind] = {
    "detr": DetectorKind("DetrForObjectDetection", "Detr", with_nothing=True),
    "yolos": DetectorKind("YolosForObjectDetection", "Yolos", with_nothing=True),
    "conditional_detr": DetectorKind("ConditionalDetrForObjectDetection", "ConditionalDetr", most=100),
    "deformable_detr": DetectorKind("DeformableDetrForObjectDetection", "DeformableDetr", most=100),
    "dab-detr": DetectorKind("DabDetrForObjectDetection", "ConditionalDetr", most=100),
    "lw_detr": DetectorKind("LwDetrForObjectDetection", "DeformableDetr", most=100),
    "rt_detr": DetectorKind("RTDetrForObjectDetection", "RTDetr"),
    "rt_detr_v2": DetectorKind("RTDetrV2ForObjectDetection", "RTDetr"),
    "d_fine": DetectorKind("DFineForObjectDetection", "RTDetr"),
    "deimv2": DetectorKind("Deimv2ForObjectDetection", "RTDetr"),
    "rf_detr": DetectorKind("RfDetrForObjectDetection", "RfDetr"),
}


class DetectorNetwork(nn.Module):
    """A detector as a network: images (1, 3, h, w) -> logits (1, Q, classes) and boxes (1, Q, 4) in 0..1."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Return logits and boxes."""
        found = self.model(pixel_values=images)
        return found.logits, found.pred_boxes


def check_config(config: dict[str, Any], name: str) -> None:
    """Raise UserError unless a config is of a detector that hf: runs."""
    kind = str(config.get("model_type") or "")
    classes = config.get("architectures")
    own = str(classes[0]) if isinstance(classes, list) and classes else ""
    if kind not in KINDS or own not in ("", KINDS[kind].name):
        what = own or kind
        shown = f"{name} is a {what[:200]}" if what else f"{name} says in its {CONFIG} no model_type"
        hint = ", which finds joints in boxes, not boxes" if kind in POSE_CLASSES else ""
        raise UserError(f"{shown}{hint}; detectors that hf: runs are {', '.join(kind.name for kind in KINDS.values())}")
    try:
        check_keys(config, name)
    except UserError as error:
        has_timm = config.get("use_timm_backbone") or "timm" in str(config.get("backbone_config"))[:10_000]
        hint = "; models of the hub often have a revision=no_timm without it" if has_timm else ""
        raise UserError(f"{error}{hint}") from error


def load_detector(files: HubFiles) -> nn.Module:
    """Return the detector of a folder in float32, on the CPU; UserError unless its weights are those of its config."""

    def check(kind: Any, config: Any) -> None:
        with torch.device("meta"), torch.inference_mode():
            check_size(kind(config), files)

    return load_as(KINDS[files.model_type].name, files, check)


def count_classes(model: Any) -> int:
    """Return how many classes a detector has, without one for nothing."""
    return int(model.config.num_labels)


def read_class_names(model: Any, name: str) -> tuple[str, ...]:
    """Return the names of a detector's classes in their order; those that only have numbers, or N/A, are empty."""
    labels = model.config.id2label
    if not all(isinstance(i, int) for i in labels) or sorted(labels) != list(range(len(labels))):
        raise UserError(f"{name} must number its classes from 0 (id2label in its {CONFIG}), got {quote(labels)}")
    names = [str(labels[i]) for i in sorted(labels)]
    if all(word == f"LABEL_{i}" for i, word in enumerate(names)):
        return ()
    return tuple("" if word in ("N/A", f"LABEL_{i}") else word for i, word in enumerate(names))
