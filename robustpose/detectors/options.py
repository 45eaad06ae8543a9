"""Options of detectors: which classes count as what is looked for, and which boxes are kept."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from robustpose.estimators.one_stage import Share
from robustpose.estimators.options import Count, ModelOptions


def _parse_classes(value: Any) -> tuple[str, ...]:
    given = value.split(",") if isinstance(value, str) else value if isinstance(value, list | tuple) else [value]
    words = [str(word).strip() for word in given]
    if not all(words) or any(isinstance(word, bool | float) for word in given):
        raise ValueError("must be names or numbers of classes with commas, such as person")
    return tuple(words)


class DetectorOptions(ModelOptions):
    """Options of every kind of detector."""

    classes: Annotated[tuple[str, ...], BeforeValidator(_parse_classes)] | None = None
    """Classes that count, names or numbers from 0; CLASS=CATEGORY where names differ; by default the data's names."""
    min_score: Share = 0.05
    """Boxes with a lower score are dropped, 0..1."""
    max_boxes: Annotated[Count, Field(le=100_000)] = 100
    """Boxes of an image, at most: the best."""
