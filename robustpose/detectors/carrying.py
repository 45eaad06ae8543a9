"""Carrying detectors to machines that see none of this one's files: which files one is of, and making it there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from robustpose import detectors
from robustpose.carried import Files
from robustpose.estimators.carrying import Brought, bundle_hub_model, bundle_network
from robustpose.estimators.options import read_options
from robustpose.pose.protocols import Estimator


class BroughtDetector(Brought):
    """What makes a detector of files that were brought to another machine."""

    def __call__(self, categories: Sequence[str]) -> Estimator:
        """Return the detector for the names of the data's categories."""
        return detectors.build(self.lay_out(), categories, self.options)


def carry(spec: str, given: Mapping[str, Any]) -> tuple[BroughtDetector, Files]:
    """Return what makes the detector of a spec and its options elsewhere, and the files that it takes."""
    name, target, module = detectors.find_kind(spec)
    options = dict(given)
    if name == "hf":
        from robustpose.estimators.hub_detectors import check_config  # which loads torch

        bundle, files = bundle_hub_model(target, read_options(name, module.Options, options).revision, check_config)
        options.pop("revision", None)
        return BroughtDetector(name, options, bundle), files
    if name in detectors.TABLE:
        bundle, files = bundle_network(name, Path(target))
        return BroughtDetector(name, options, bundle, Path(target).name), files
    return BroughtDetector(spec, options), {}  # somebody's own code
