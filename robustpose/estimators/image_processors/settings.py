"""Settings: what a file preprocessor_config.json says of an image processor, typed and bounded."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import numpy as np
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from robustpose.config import check_settings
from robustpose.errors import UserError
from robustpose.models.input_spec import IMAGENET_MEAN, IMAGENET_STD, Pixels
from robustpose.reading import MEGABYTE, read_json

FILE = "preprocessor_config.json"


def _repeat(value: Any) -> Any:
    return [value] * 3 if isinstance(value, int | float) and not isinstance(value, bool) else value


Level = Annotated[float, Field(ge=-1e5, le=1e5)]
Three = Annotated[tuple[Level, Level, Level], BeforeValidator(_repeat)]


class Size(BaseModel):
    """Width and height of a crop, px."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    height: Pixels
    width: Pixels


class Settings(BaseModel):
    """What all image processors of pose models have in common; names are those of their files."""

    model_config = ConfigDict(extra="ignore", frozen=True, allow_inf_nan=False)
    size: Size = Size(height=256, width=192)
    do_rescale: bool = True
    rescale_factor: Annotated[float, Field(gt=0, le=1000)] = 1 / 255
    do_normalize: bool = True
    image_mean: Three = IMAGENET_MEAN
    image_std: Three = IMAGENET_STD

    @property
    def input_wh(self) -> tuple[int, int]:
        """Return width and height of a crop, px."""
        return self.size.width, self.size.height


class VitPoseSettings(Settings):
    """Settings of VitPoseImageProcessor."""

    do_affine_transform: bool = True
    normalize_factor: Annotated[float, Field(gt=0, le=1e6)] = 200.0


class Sapiens2Settings(Settings):
    """Settings of Sapiens2ImageProcessor."""

    size: Size = Size(height=1024, width=768)
    do_center_crop: bool = False


KINDS: dict[str, type[Settings]] = {"vitpose": VitPoseSettings, "sapiens2": Sapiens2Settings}
CLASSES = {"vitpose": "VitPoseImageProcessor", "sapiens2": "Sapiens2ImageProcessor"}


def read_settings(folder: Path, model_type: str) -> tuple[Settings, bool]:
    """Return the settings of the image processor beside a model, and whether they are of a file.

    Without a file they are those that the model's own class has by default.
    """
    path = folder / FILE
    if not path.is_file():
        return KINDS[model_type](), False
    content, _ = read_json(path, "settings of the image processor", MEGABYTE)
    if not isinstance(content, dict):
        raise UserError(f"{path} must hold settings (name: value), got {type(content).__name__}")
    named = str(content.get("image_processor_type", CLASSES[model_type]))
    if named.removesuffix("Fast").removesuffix("Pil") != CLASSES[model_type]:
        raise UserError(f"{path} is of a {named}: expected the settings of a {CLASSES[model_type]}")
    given = {name: value for name, value in content.items() if value is not None}
    settings = check_settings(KINDS[model_type], given, str(path))
    if settings.do_normalize and 0 in settings.image_std:
        raise UserError(f"{path}: image_std must be other than 0, got {list(settings.image_std)}")
    if isinstance(settings, VitPoseSettings) and not settings.do_affine_transform:
        raise UserError(f"{path} says do_affine_transform: false, which crops nobody: set it to true")
    if isinstance(settings, Sapiens2Settings) and settings.do_center_crop:
        raise UserError(f"{path} says do_center_crop: true, which crops are not made for: set it to false")
    return settings, True


def boxes_to_xywh(boxes_xyxy: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Return boxes (N, 4) x1 y1 x2 y2 px as x, y, width, height, as image processors take them: width = x2 - x1.

    So the program that VitPose was trained with has it, of boxes that are clipped to the image.
    """
    boxes = np.asarray(boxes_xyxy, np.float64)
    return np.concatenate([boxes[:, :2], boxes[:, 2:] - boxes[:, :2]], axis=1)
