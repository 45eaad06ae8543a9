"""hf: pose models of transformers in the place of our networks: ViTPose, ViTPose++ and Sapiens2.

Crops, normalisation and decoding are those of the model's own image processor (`image_processors`); batches, the mirror
test, a person's score and the suppression of near-duplicates are as for our own top-down networks (`running.top_down`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any, Protocol

import numpy as np
from pydantic import Field

from robustpose.errors import UserError, quote
from robustpose.estimators.adapting.options import AdaptOptions
from robustpose.estimators.image_processors.settings import (
    FILE,
    Sapiens2Settings,
    Settings,
    VitPoseSettings,
    boxes_to_xywh,
    read_settings,
)
from robustpose.estimators.joint_order import JointOrder, OwnJoints, choose_joints
from robustpose.estimators.options import CropOptions, NetworkOptions, Whole, write_size
from robustpose.estimators.running.batches import Array
from robustpose.estimators.running.top_down import TopDownEstimator
from robustpose.models.input_spec import InputSpec
from robustpose.pose.joint_names import find_names, find_sides
from robustpose.pose.skeletons import Skeleton
from robustpose.pose.types import Floats, Image

if TYPE_CHECKING:
    from robustpose.estimators.hub_files import HubFiles

# Normalised crops (B, 3, h, w) -> heatmaps (B, K, h', w').
PoseModel = Callable[[Array], Array]


class Options(NetworkOptions, AdaptOptions, CropOptions):
    """Options of a pose model of transformers."""

    revision: Annotated[str, Field(min_length=1)] | None = None
    """Branch, tag or commit of a model of the hub; by default main."""
    dataset_index: Whole | None = None
    """Whose experts look, of a model that has some; 0, COCO's of ViTPose++, by default."""
    joints: JointOrder | None = None
    """Whose joints a model has that does not name them: data's, or of a skeleton such as coco (list skeletons)."""


class Processor(Protocol):
    """What an image processor does."""

    def crop(self, images: Sequence[Image], boxes_xywh: Floats) -> Array:
        """Return normalised crops (N, 3, h, w) of people in boxes (N, 4) xywh px, each of its own image."""

    def decode(self, heatmaps: Floats, boxes_xywh: Floats) -> tuple[Floats, Floats]:
        """Return joints (N, K, 2) px of the images and confidences (N, K) of heatmaps (N, K, h', w')."""


class HuggingFaceEstimator(TopDownEstimator[PoseModel]):
    """Estimate poses in given boxes as a model's image processor does.

    It is handed boxes as x, y, width, height, where the width is x2 - x1 of a frame's box.
    """

    def __init__(
        self, network: PoseModel, processor: Processor, input_spec: InputSpec, skeleton: Skeleton, options: CropOptions
    ) -> None:
        super().__init__(network, input_spec, skeleton, options)
        self._processor = processor

    def _make_inputs(self, images: Sequence[Image], boxes: Floats) -> Array:
        return self._processor.crop(images, boxes_to_xywh(boxes))

    def _find_joints(self, images: Sequence[Image], boxes: Floats) -> tuple[Floats, Floats]:
        boxes_xywh, n = boxes_to_xywh(boxes), len(boxes)
        heatmaps = self._look(self._make_inputs(images, boxes))
        if not self._flip_test:
            return self._processor.decode(heatmaps, boxes_xywh)
        # No pixel's shift: the first and the last pixel of a crop change places in the mirror, and so in the heatmaps.
        mirrored = heatmaps[n:, list(self.own_skeleton.flip_order), :, ::-1]
        return self._processor.decode((heatmaps[:n] + mirrored) / np.float32(2), boxes_xywh)


def build(name: str, target: str, skeleton: Skeleton, options: Options) -> HuggingFaceEstimator:
    """Return the estimator of a pose model in a folder, or on the Hugging Face hub (`target`)."""
    from robustpose.estimators.hub_files import find_files, quiet
    from robustpose.estimators.hub_model import PoseNetwork, choose_dataset, load_model
    from robustpose.estimators.running.backends import as_callable, check_backend, find_device

    device = find_device(options.device)
    check_backend(options.backend, options.precision, device)
    files = find_files(target, options.revision)
    settings, has_file = read_settings(files.folder, files.model_type)
    model = load_model(files, settings.input_wh, files.folder / FILE if has_file else None)
    dataset_index = choose_dataset(model, files.name, options.dataset_index)
    own = find_joints(model, files.name, skeleton, options)
    joints = own.joints
    # ViTPose's processor looks at the next joint's heatmap, too, where a peak is at the border: all of them are kept.
    chosen = None if isinstance(settings, VitPoseSettings) else find_taken(joints, skeleton)
    taken = joints if chosen is None else tuple(joints[i] for i in chosen)
    input_spec = InputSpec(name=files.name, input_wh=settings.input_wh, joints=taken)
    with quiet():  # transformers, when OpenVINO looks through its model
        network = as_callable(
            PoseNetwork(model, dataset_index, chosen),
            input_wh=settings.input_wh,
            device=device,
            **options.engine,
            channels_last=False,  # the numbers are those that transformers gives
        )
    estimator = HuggingFaceEstimator(network, make_processor(settings), input_spec, skeleton, options)
    check_sides(model, files.name, estimator.own_skeleton, is_named=bool(joints) and not own.doubt)
    estimator.warnings = [*own.warnings, *list_doubts(files.name, settings, has_file)]
    about: dict[str, Any] = {
        "class": type(model).__name__,
        "input": write_size(settings.input_wh),
        **({} if dataset_index is None else {"dataset_index": dataset_index}),
        **({"joints": own.name or options.joints} if own.name or options.joints else {}),
        **({} if chosen is None else {"joints_taken": f"{len(taken)} of {len(joints)}"}),
        "flip_test": options.flip_test,
        "backend": options.backend,
        "precision": options.precision,
        "device": device.type,
        **options.describe_adapting(),
    }
    estimator.describe = partial(describe, name, files, about)
    return estimator


def describe(kind: str, files: HubFiles, about: dict[str, Any]) -> dict[str, object]:
    """Return what results say of an estimator."""
    import torch
    import transformers

    return {
        "kind": kind,
        "name": files.name,
        **({} if files.commit is None else {"commit": files.commit}),
        "sha256": files.hash_all(),
        **about,
        "torch": str(torch.__version__),
        "transformers": transformers.__version__,
    }


def make_processor(settings: Settings) -> Processor:
    """Return the image processor of its settings."""
    if isinstance(settings, VitPoseSettings):
        from robustpose.estimators.image_processors.vitpose import VitPoseProcessor

        return VitPoseProcessor(settings)
    from robustpose.estimators.image_processors.sapiens2 import Sapiens2Processor

    assert isinstance(settings, Sapiens2Settings)
    return Sapiens2Processor(settings)


def find_joints(model: Any, name: str, skeleton: Skeleton, options: Options) -> OwnJoints:
    """Return the model's own joints in its order; none if they are those of the annotations as they stand."""
    from robustpose.estimators.hub_model import read_names

    names, n_joints = read_names(model), model.config.num_labels
    if names and options.joints is not None:
        raise UserError(f"{name} names its joints ({', '.join(names[:4])}, …): leave out joints={options.joints}")
    return OwnJoints(names) if names else choose_joints(name, skeleton, options.joints, n_joints)


def find_taken(joints: Sequence[str], skeleton: Skeleton) -> tuple[int, ...] | None:
    """Return which of a model's joints are looked at, for one that finds more, as Sapiens2 does; None for all.

    These are the skeleton's, and behind them the ones that change places with them in a mirror.
    """
    taken = find_names(joints, skeleton.joints) if len(joints) > skeleton.n_joints else None
    if taken is None:
        return None
    partners = {joint: other for pair in find_sides(joints).pairs for joint, other in (pair, pair[::-1])}
    return tuple(dict.fromkeys([*taken, *(partners[joint] for joint in taken if joint in partners)]))


def check_sides(model: Any, name: str, own_skeleton: Skeleton, is_named: bool) -> None:
    """Raise UserError if a model that does not name its joints says that other ones change sides in a mirror."""
    given = getattr(model.config, "flip_pairs", None)
    pairs = {frozenset(pair) for pair in own_skeleton.flip_pairs or ()}
    if given and not is_named and pairs != {frozenset(pair) for pair in given}:
        raise UserError(
            f"{name} says that its joints {quote(given)} change sides in a mirror (flip_pairs in its config.json), "
            f"those of the annotations are {quote(list(own_skeleton.flip_pairs or ()))}: its joints are others, or in "
            "another order; name them in its config.json (id2label)"
        )


def list_doubts(name: str, settings: Settings, has_file: bool) -> list[str]:
    """Return why joints could be wrong."""
    doubts = []
    if not has_file:
        doubts.append(f"{name} has no {FILE}: crops are made as its class has it by default")
    if isinstance(settings, VitPoseSettings) and settings.normalize_factor != 200:
        doubts.append(
            f"{name} crops boxes with normalize_factor {settings.normalize_factor:g}, and its image processor maps "
            "joints back as if it were 200: they are misplaced"
        )
    return doubts
