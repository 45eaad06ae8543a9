"""Fields: the whole image at once, fields, decoded to people; no boxes (bottom-up).

As PifPaf's published program is evaluated (Kreiss et al., CVPR 2019).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import numpy as np
import PIL.Image
from pydantic import Field, model_validator

from robustpose.decoding.fields import decode_fields, score_poses
from robustpose.errors import UserError
from robustpose.estimators.adapting.options import AdaptOptions
from robustpose.estimators.options import LongerSide, Switch, WholeImageOptions, write_size
from robustpose.estimators.running.batches import Array
from robustpose.estimators.running.network_estimator import NetworkEstimator
from robustpose.models.input_spec import InputSpec
from robustpose.pose.skeletons import Skeleton, advise_model, list_connections
from robustpose.pose.types import Frame, Image, Poses

if TYPE_CHECKING:
    from torch import nn

# A normalised image (1, 3, h, w) -> of joints, confidence (1, K, H, W), vector (1, K, 2, H, W) and scale (1, K, H, W);
# of connections, confidence (1, L, H, W) and two vectors (1, L, 2, H, W). Lengths in cells.
FieldNetwork = Callable[[Array], Sequence[Array]]
Fields = list[Array]
MAX_PEOPLE = 20  # of an image
LEAST = 0.01  # confidence of a joint that was found, and score of a person
XY_DECIMALS = 2
NOT_DECODED = np.zeros(0, np.float32)  # in the place of log-spreads


class Options(WholeImageOptions, AdaptOptions):
    """Options of a network that gives fields."""

    input: Annotated[LongerSide, Field(ge=33)] | None = None
    """Px that the longer edge of an image is brought to, such as 641; by default what the network was trained on."""
    complete: Switch = True
    """Fill the joints that a person lacks: about 10 points of AP."""
    protocol: Literal["openpifpaf", "plain"] = "openpifpaf"
    """openpifpaf: at most 20 people an image and least confidences as published; plain: as decoded."""

    @model_validator(mode="after")
    def _check_heatmaps(self) -> Options:
        if self.adapt == "tent":
            raise ValueError("adapt=tent needs a network that gives heatmaps, and this one gives fields: take adapt=bn")
        return self


DEFAULTS = Options()


class FieldEstimator(NetworkEstimator[FieldNetwork]):
    """Estimate the poses of everybody in an image with a network that gives fields.

    The protocol ``plain`` hands over all that was decoded; ``openpifpaf`` what PifPaf's published program writes
    for COCO's evaluation: the best 20 people of an image, joints in hundredths of a pixel, confidences of joints and
    scores of people of at least 0.01, and for an image in which nobody is found one pose of zeros with the score 0.01.
    That only images with people are scored is a property of the dataset: ``DataSpec(…, only_with_people=True)``.

    The network's connections are those that `list_connections` gives of the skeleton. What it runs on is settled in
    `network`: options only say how images are looked at and people are decoded.
    """

    needs_boxes = False

    def __init__(
        self, network: FieldNetwork, input_spec: InputSpec, skeleton: Skeleton, options: Options = DEFAULTS
    ) -> None:
        super().__init__(network, input_spec, skeleton)
        self.long_edge = options.input or max(input_spec.input_wh)
        self._is_openpifpaf = options.protocol == "openpifpaf"
        connections = list_connections(self.own_skeleton)
        self._decode = partial(
            decode_fields, stride=input_spec.stride, complete=options.complete, connections=connections
        )

    def _find_poses(self, frames: Sequence[Frame]) -> list[Poses]:
        return [self._predict_one(frame) for frame in frames]

    def _predict_one(self, frame: Frame) -> Poses:
        image = frame.image
        people, scores = self._decode(*self.find_fields(image))
        image_wh = (image.shape[1], image.shape[0])
        # Px of the image for one px of its scaled copy, across and down: from the first pixel to the last.
        scaled_wh = np.array(scale_size(image_wh, self.long_edge))
        px_xy = (np.array(image_wh, float) - 1) / np.maximum(scaled_wh - 1, 1)
        poses = Poses(frame.image_id, people[:, :, :2] * px_xy, people[:, :, 2].astype(float), scores)
        return apply_openpifpaf(poses) if self._is_openpifpaf else poses

    def _make_input(self, image: Image) -> Array:
        return self._normaliser.normalise_alone(resize_image(image, self.long_edge))

    def find_fields(self, image: Image) -> tuple[Fields, Fields]:
        """Return pif and paf of an image (h, w, 3), as `decode_fields` takes them."""
        own = self.own_skeleton
        confidence, vector, scale, *paf = (component[0] for component in self._network(self._make_input(image)))
        if len(confidence) != own.n_joints:
            raise UserError(
                f"model '{self.input_spec.name}' gives fields of {len(confidence)} joints, but skeleton "
                f"'{own.name}' has {own.n_joints}: {advise_model(len(confidence), own)}"
            )
        return [confidence, vector, NOT_DECODED, scale], paf


def scale_size(image_wh: tuple[int, int], long_edge: int) -> tuple[int, int]:
    """Return the size (width, height), px, of an image whose longer edge is brought to `long_edge`, at least 1×1.

    The other edge is cut off to whole pixels. Of a square image, the width is the longer one.
    """
    width, height = image_wh
    if height > width:
        return max(1, int(width * (long_edge / height))), long_edge
    return long_edge, max(1, int(height * (long_edge / width)))


def resize_image(image: Image, long_edge: int) -> Image:
    """Return an image (H, W, 3) with its longer edge brought to `long_edge` px: bicubic, as Pillow does it."""
    size_wh = scale_size((image.shape[1], image.shape[0]), long_edge)
    return np.asarray(PIL.Image.fromarray(image).resize(size_wh, PIL.Image.Resampling.BICUBIC))


def apply_openpifpaf(poses: Poses) -> Poses:
    """Return poses, best first, as PifPaf's published program writes them for COCO's evaluation: see `FieldEstimator`.

    Joints that were not found keep the confidence 0. A person's score is that of the raised confidences.
    """
    if not len(poses.score):
        n_joints = poses.xy.shape[1]
        return Poses(poses.image_id, np.zeros((1, n_joints, 2)), np.zeros((1, n_joints)), np.full(1, LEAST))
    xy, confidence = np.round(poses.xy[:MAX_PEOPLE], XY_DECIMALS), poses.confidence[:MAX_PEOPLE]
    confidence = np.where(confidence > 0, np.maximum(confidence, LEAST), 0.0)
    scores = score_poses(np.concatenate([xy, confidence[:, :, None]], axis=2))
    return Poses(poses.image_id, xy, confidence, np.maximum(scores, LEAST))


def build(name: str, target: str, skeleton: Skeleton, options: Options) -> FieldEstimator:
    """Return the estimator of a network with the weights of a file, which must have an input spec."""
    from robustpose.estimators.loading import load_network
    from robustpose.models.pifpaf import N_DECODED, PifPaf

    if target and Path(target).is_file() and Path(target).suffix != ".safetensors":
        raise UserError(
            f"{target} is no .safetensors file: take the weights out of a published PifPaf checkpoint first, "
            f"robustpose convert-pifpaf {target}; of a training of ours, name model.safetensors"
        )
    loaded = load_network(name, target, skeleton, options, lambda *_: None, " or robustpose convert-pifpaf")
    if isinstance(loaded.network, PifPaf):
        loaded.network.keep_heads(N_DECODED)
    estimator = _make_estimator(loaded.network, loaded.input_spec, skeleton, options, **loaded.engine)
    estimator.describe = partial(
        loaded.describe,
        input=write_size((estimator.long_edge, estimator.long_edge)),
        channels=loaded.input_spec.channels,
        complete=options.complete,
        protocol=options.protocol,
        **options.describe_adapting(),
    )
    return estimator


def as_estimator(
    network: nn.Module, input_spec: InputSpec, skeleton: Skeleton, options: Options = DEFAULTS, **engine: Any
) -> FieldEstimator:
    """Return the estimator of a network in memory, whose weights are copied; `engine` goes to `as_image_callable`."""
    from robustpose.estimators.loading import describe_network

    estimator = _make_estimator(network, input_spec, skeleton, options, **engine)
    estimator.provenance = describe_network(network, input_spec)
    return estimator


def _make_estimator(
    network: nn.Module, input_spec: InputSpec, skeleton: Skeleton, options: Options = DEFAULTS, **engine: Any
) -> FieldEstimator:
    from robustpose.estimators.running.backends import as_image_callable
    from robustpose.models.pifpaf import DecodedFields

    return FieldEstimator(as_image_callable(DecodedFields(network), **engine), input_spec, skeleton, options)
