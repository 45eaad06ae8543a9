"""Image processors of transformers' detectors: a whole image, resized, in the network's values.

As the versions of transformers that use PIL do it, to the last bit; RF-DETR's, which has none, resizes real numbers
without a filter.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import cv2
import numpy as np
from PIL import Image as Pil
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from robustpose.config import check_settings
from robustpose.errors import UserError, quote
from robustpose.estimators.image_processors.settings import FILE, Three
from robustpose.estimators.running.batches import Array
from robustpose.models.input_spec import IMAGENET_MEAN, IMAGENET_STD, Pixels
from robustpose.pose.types import Image
from robustpose.reading import MEGABYTE, read_json

STEP = 16  # px that sides of YOLOS's images are multiples of
MOST_EDGE = 1333  # px, where a file says the shorter edge alone
CLASSES = ("Detr", "ConditionalDetr", "DeformableDetr", "Yolos", "RTDetr", "RfDetr")  # without …ImageProcessor
ENDINGS = ("Fast", "Pil", "ImageProcessor", "FeatureExtractor")


class Edges(BaseModel):
    """The size of an image, px: width and height, or the shorter edge unless the longer one becomes too long."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    height: Pixels | None = None
    width: Pixels | None = None
    shortest_edge: Pixels | None = None
    longest_edge: Pixels | None = None
    max_height: Pixels | None = None
    max_width: Pixels | None = None


def _read_size(value: Any) -> Any:
    return {"shortest_edge": value} if isinstance(value, int) and not isinstance(value, bool) else value


class Settings(BaseModel):
    """What a file says of an image processor; names are those of the file."""

    model_config = ConfigDict(extra="ignore", frozen=True, allow_inf_nan=False)
    do_resize: bool = True
    size: Annotated[Edges, BeforeValidator(_read_size)] = Edges(shortest_edge=800, longest_edge=MOST_EDGE)
    max_size: Pixels | None = None
    resample: Annotated[int, Field(ge=0, le=5)] = 2
    do_rescale: bool = True
    rescale_factor: Annotated[float, Field(gt=0, le=1000)] = 1 / 255
    do_normalize: bool = True
    image_mean: Three = IMAGENET_MEAN
    image_std: Three = IMAGENET_STD


@dataclass(frozen=True)
class WholeImageProcessor:
    """Prepare an image as the image processor of a class does with its settings."""

    kind: str  # of `CLASSES`
    settings: Settings

    @property
    def input_wh(self) -> tuple[int, int] | None:
        """Return width and height of all images, px; None where they depend on the image's."""
        size = self.settings.size
        return (size.width, size.height) if self.settings.do_resize and size.width and size.height else None

    def prepare(self, image: Image) -> Array:
        """Return the pixels (1, 3, h, w) of an image (H, W, 3)."""
        settings = self.settings
        width, height = self.find_size((image.shape[1], image.shape[0]))
        is_resized = settings.do_resize and (width, height) != (image.shape[1], image.shape[0])
        if self.kind == "RfDetr":  # real numbers are resized, and no filter is laid over what becomes smaller
            pixels = self._rescale(image)
            if is_resized:
                pixels = np.asarray(cv2.resize(pixels, (width, height), interpolation=cv2.INTER_LINEAR), np.float32)
        else:
            if is_resized:
                image = np.asarray(Pil.fromarray(image).resize((width, height), resample=settings.resample))
            pixels = self._rescale(image)
        if settings.do_normalize:
            mean, std = (np.array(three, np.float32) for three in (settings.image_mean, settings.image_std))
            pixels = (pixels - mean) / std
        return np.ascontiguousarray(pixels.transpose(2, 0, 1))[None]

    def find_size(self, image_wh: tuple[int, int]) -> tuple[int, int]:
        """Return width and height that an image of a width and height is resized to, px.

        >>> WholeImageProcessor("Detr", Settings()).find_size((640, 480))
        (1066, 800)
        """
        size = self.settings.size
        if not self.settings.do_resize:
            return image_wh
        if size.width and size.height:
            return size.width, size.height
        if size.max_width and size.max_height:
            scale = min(size.max_width / image_wh[0], size.max_height / image_wh[1])
            return max(int(image_wh[0] * scale), 1), max(int(image_wh[1] * scale), 1)
        assert size.shortest_edge is not None
        longest = size.longest_edge or self.settings.max_size or MOST_EDGE
        sides = _fit_edges(image_wh, size.shortest_edge, longest, keeps_upright=self.kind != "Yolos")
        step = STEP if self.kind == "Yolos" else 1
        return max(sides[0] - sides[0] % step, step), max(sides[1] - sides[1] % step, step)

    def _rescale(self, image: Image) -> Array:
        scale = self.settings.rescale_factor if self.settings.do_rescale else 1
        return (image.astype(np.float64) * scale).astype(np.float32)


def _fit_edges(image_wh: tuple[int, int], shortest: int, longest: int, keeps_upright: bool) -> tuple[int, int]:
    """Return the sides of an image whose shorter edge is so long, unless the longer one would be longer than allowed.

    They are cut to whole px as DETR's program does it. Images whose shorter edge fits are left as they are, upright
    ones only if that is said.
    """
    width, height = image_wh
    low, high = float(min(image_wh)), float(max(image_wh))
    exact: float = shortest
    if high / low * shortest > longest:
        exact = longest * low / high
        shortest = round(exact)
    if min(image_wh) == shortest and (keeps_upright or width >= height):
        return image_wh
    if width < height:
        return shortest, int(exact * height / width)
    return int(exact * width / height), shortest


def read_processor(folder: Path, kind: str) -> tuple[WholeImageProcessor, bool]:
    """Return the image processor beside a model, and whether a file says its settings; else it is its class's own."""
    path = folder / FILE
    if not path.is_file():
        return WholeImageProcessor(kind, make_defaults(kind)), False
    content, _ = read_json(path, "settings of the image processor", MEGABYTE)
    if not isinstance(content, dict):
        raise UserError(f"{path} must hold settings (name: value), got {type(content).__name__}")
    named = str(content.get("image_processor_type") or content.get("feature_extractor_type") or kind)
    word = named
    for ending in ENDINGS:
        word = word.removesuffix(ending)
    if word not in CLASSES:
        raise UserError(f"{path} is of a {named}: expected the settings of a detector's, such as {kind}ImageProcessor")
    defaults = make_defaults(word).model_dump(exclude_unset=True)
    given = {name: value for name, value in content.items() if value is not None}
    settings = check_settings(Settings, {**defaults, **given}, str(path))
    _check(settings, given, path)
    return WholeImageProcessor(word, settings), True


def make_defaults(kind: str) -> Settings:
    """Return the settings that a class of image processors has by default."""
    if kind == "RTDetr":
        return Settings(size=Edges(height=640, width=640), do_normalize=False)
    return Settings()


def _check(settings: Settings, given: dict[str, Any], path: Path) -> None:
    size = settings.size
    whole = [bool(size.height and size.width), bool(size.shortest_edge), bool(size.max_height and size.max_width)]
    if sum(whole) != 1:
        raise UserError(f"{path}: size must be height and width, or shortest_edge, got {quote(given.get('size'))}")
    if settings.do_normalize and 0 in settings.image_std:
        raise UserError(f"{path}: image_std must be other than 0, got {list(settings.image_std)}")
    if given.get("do_pad") and given.get("pad_size"):
        raise UserError(f"{path} pads images to {quote(given['pad_size'])} (pad_size), which is not done here")
    if given.get("do_center_crop"):
        raise UserError(f"{path} says do_center_crop: true, which would cut off people: set it to false")
