"""Carrying models to machines that see none of this one's files: which files a model is of, and making it there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from robustpose import estimators
from robustpose.carried import Bundle, Files, bundle_files
from robustpose.estimators.hub_files import CheckConfig, check_config, find_files
from robustpose.estimators.options import read_options
from robustpose.pose.skeletons import Skeleton


@dataclass(frozen=True)
class NamedModel:
    """What makes the estimator that a spec names: see `estimators.build`."""

    spec: str
    options: Mapping[str, Any]

    def __call__(self, skeleton: Skeleton) -> Any:
        """Return the estimator for the joints of a skeleton."""
        return estimators.build(self.spec, skeleton, self.options)

    def carry(self) -> tuple[BroughtModel, Files]:
        """Return what makes the estimator elsewhere, and the files that it takes."""
        name, target, module = estimators.find_kind(self.spec)
        options = dict(self.options)
        if module is None or name in ("results", "demo"):  # somebody's own code, or of no file, or never shared out
            return BroughtModel(self.spec, options), {}
        if name == "hf":
            bundle, files = bundle_hub_model(target, read_options(name, module.Options, options).revision, check_config)
            options.pop("revision", None)
            return BroughtModel(name, options, bundle), files
        bundle, files = bundle_network(name, Path(target))
        return BroughtModel(name, options, bundle, Path(target).name), files


def bundle_hub_model(target: str, revision: str | None, check: CheckConfig) -> tuple[Bundle, Files]:
    """Return the files of a model of transformers whose config `check` lets through."""
    found = find_files(target, revision, check)
    return bundle_files(found.folder, found.names, Path(found.name).name)


def bundle_network(kind: str, file: Path) -> tuple[Bundle, Files]:
    """Return the file of a network of a kind, and what an ONNX file has beside it."""
    names = [file.name]
    if kind == "onnx":
        from robustpose.estimators.onnx_files import list_external_files

        names += [str(path.relative_to(file.parent)) for path in list_external_files(file)]
    return bundle_files(file.parent, names)


@dataclass(frozen=True)
class Brought:
    """A model whose files were brought to another machine."""

    kind: str  # what stands before the colon of a spec with a file, or all of one without
    options: Mapping[str, Any]
    bundle: Bundle | None = None
    file_name: str = ""  # in the bundle; empty where the model is a folder

    def lay_out(self) -> str:
        """Lay its files out here, and return the spec that names them."""
        return self.kind if self.bundle is None else f"{self.kind}:{self.bundle.lay_out() / self.file_name}"


class BroughtModel(Brought):
    """What makes an estimator of files that were brought to another machine."""

    def __call__(self, skeleton: Skeleton) -> Any:
        """Return the estimator for the joints of a skeleton."""
        return estimators.build(self.lay_out(), skeleton, self.options)
