"""Adapted: how a model adapted to the images at test time, by what results say of it, in a few words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from robustpose.amounts import count
from robustpose.handed_over import name_shown

NAMES = {"bn": "bn", "tent": "TENT-style"}


def spell_adapting(estimator: Mapping[str, Any]) -> str | None:
    """Return how the model of a run adapted, given what results say of it; None for one that stayed as it was.

    >>> spell_adapting({"adapt": "bn", "images_per_group": 4, "adapt_prior": 16})
    'adapted by bn to 4 images, prior 16'
    >>> spell_adapting({"name": "net.pth"}) is None
    True
    """
    how = estimator.get("adapt")
    if not isinstance(how, str):
        return None
    n_images = estimator.get("images_per_group")
    together = f" to {count(n_images, 'image')}" if type(n_images) is int else ""
    parts = [f"adapted by {NAMES.get(how, how)}{together}", f"prior {estimator.get('adapt_prior')}"]
    if how == "tent":
        steps, rate, temperature = (estimator.get(f"adapt_{name}") for name in ("steps", "rate", "temperature"))
        parts += [f"steps {steps}", f"rate {rate}", f"temperature {temperature}"]
    return ", ".join(parts)


def name_estimator(provenance: Mapping[str, Any]) -> str:
    """Return what people call the model of a run, given its provenance: its name, and how it adapted.

    >>> name_estimator({"estimator": {"name": "net.pth", "adapt": "bn", "images_per_group": 1, "adapt_prior": 0}})
    'net.pth, adapted by bn to 1 image, prior 0'
    """
    estimator = provenance["estimator"]
    name = name_shown(str(estimator.get("name", "estimator")))
    return ", ".join(filter(None, [name, spell_adapting(estimator)]))
