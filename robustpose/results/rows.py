"""Rows: what a summary says, in the order of the paper's tables; rendered by terminal, tables, pages and figures."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from robustpose import corruptions

SHORT_NAMES = {
    "gaussian_noise": "Gauss",
    "shot_noise": "Shot",
    "impulse_noise": "Impulse",
    "defocus_blur": "Defocus",
    "glass_blur": "Glass",
    "motion_blur": "Motion",
    "zoom_blur": "Zoom",
    "snow": "Snow",
    "frost": "Frost",
    "fog": "Fog",
    "brightness": "Bright",
    "contrast": "Contrast",
    "elastic_transform": "Elastic",
    "pixelate": "Pixel",
    "jpeg_compression": "JPEG",
}


def percent(value: float | None) -> str:
    """Return 0.4123 as `41.2`, and a dash for what is not defined."""
    return "–" if value is None else f"{100 * value:.1f}"


def headline(summary: Mapping[str, Any]) -> list[tuple[str, float | None]]:
    """Return clean score, mPC and rPC with their names: AP* for AP."""
    return [
        (f"{summary['metric']}*", summary["clean"]),
        ("mPC", summary["mPC"]),
        ("rPC", summary["rPC"]),
    ]


def columns(summary: Mapping[str, Any]) -> list[str]:
    """Return the corruptions of a run: the 15 in the paper's order, then others that were asked for."""
    return [*corruptions.NAMES, *(name for name in summary["corruptions"] if name not in corruptions.NAMES)]


def model_name(summary: Mapping[str, Any]) -> str:
    """Return what the table calls the estimator."""
    return str(summary["provenance"]["estimator"].get("name", "estimator"))


def severities_of(summary: Mapping[str, Any]) -> list[int]:
    """Return the severities of a run."""
    return sorted({int(key.rpartition("/")[2]) for key in summary["cells"]})
