"""Files of the Hugging Face hub: where a pose model's files are, what kind of model they say they are, their hashes.

A local folder comes first; a name of the hub is looked for there, or in the user's cache where there is no network or
``HF_HUB_OFFLINE`` is set. The libraries are kept from printing.
"""

from __future__ import annotations

import logging
import os
import re
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from robustpose.errors import UserError, quote
from robustpose.estimators.image_processors.settings import FILE as PROCESSOR
from robustpose.files import name_in_text
from robustpose.printing import print_aside
from robustpose.processes import WORKER_NUMBER
from robustpose.reading import MEGABYTE, read_json
from robustpose.sources import hash_once

CONFIG, WEIGHTS, INDEX = "config.json", "model.safetensors", "model.safetensors.index.json"
HUB_NAME = re.compile(r"\w[\w.-]*(/\w[\w.-]*)?")  # of a model: organisation/name
SHARD = re.compile(r"[\w.-]+\.safetensors")
MOST_BYTES = 16 * MEGABYTE  # of a config or an index
HOW = "pip install 'robustpose[hf]'"


@dataclass(frozen=True)
class HubFiles:
    """The files of a model."""

    name: str  # for messages and results: as on the hub, or of the folder
    folder: Path
    commit: str | None  # on the hub; None for a local folder
    config: dict[str, Any]
    weights: tuple[str, ...]  # files of safetensors, with their index if there is one

    @property
    def model_type(self) -> str:
        """Return what transformers calls the architecture, such as ``vitpose``."""
        return str(self.config.get("model_type", ""))

    @property
    def names(self) -> list[str]:
        """Return the names of the files that determine what the model finds."""
        return [name for name in (CONFIG, PROCESSOR, *self.weights) if (self.folder / name).is_file()]

    def hash_all(self) -> dict[str, str]:
        """Return the SHA-256 of each file that determines what the model finds, by name."""
        return {name: hash_once(self.folder / name) for name in self.names}


CheckConfig = Callable[[dict[str, Any], str], None]  # of a config and the model's name; raises UserError


def find_files(target: str, revision: str | None, check: CheckConfig | None = None) -> HubFiles:
    """Return the files of a model in a folder, or on the hub at a revision: a branch, a tag or a commit.

    Weights are fetched last, and only if the config is of a model that `check` lets through, by default `check_config`.
    """
    check = check or check_config
    if not target:
        raise UserError("name the model: --model hf:FOLDER or hf:ORGANISATION/NAME of the Hugging Face hub")
    try:
        folder = Path(target).expanduser()
        is_folder, is_there = folder.is_dir(), folder.exists()
    except (OSError, ValueError, RuntimeError) as error:  # too long, a null byte, nobody's home
        raise UserError(f"hf: needs a folder or a name of the Hugging Face hub, got {quote(target)}") from error
    if is_folder:
        if revision is not None:
            raise UserError(f"revision={revision} is of models of the hub, and {folder} is a folder: leave it out")
        config = _read_config(folder, target, check)
        return HubFiles(name_in_text(folder.resolve()), folder, None, config, _list_weights(folder, target))
    if is_there:
        raise UserError(f"hf: needs the folder of a model, and {folder} is a file: name the folder that it is in")
    if not HUB_NAME.fullmatch(target) or "--" in target or ".." in target:
        raise UserError(
            f"there is no folder {target}, and it is no name of the Hugging Face hub, such as "
            "usyd-community/vitpose-base-simple"
        )
    folder = _fetch(target, revision, [CONFIG, PROCESSOR, INDEX])
    config = _read_config(folder, target, check)
    commit = folder.name
    if not _has_weights(folder):
        print_aside(f"fetching the weights of {target} from the Hugging Face hub")
        _fetch(target, commit, _read_index(folder) if (folder / INDEX).is_file() else [WEIGHTS])
    return HubFiles(target, folder, commit, config, _list_weights(folder, target))


def check_config(config: dict[str, Any], name: str) -> None:
    """Raise UserError unless a config is of a pose model that hf: runs."""
    kind = str(config.get("model_type") or "")
    classes = config.get("architectures")
    own = str(classes[0]) if isinstance(classes, list) and classes else ""
    if kind in CLASSES and own in ("", CLASSES[kind]):
        check_keys(config, name)
        return
    what = f"{own} of model_type {quote(kind)}" if own in CLASSES.values() else own or kind
    shown = f"{name} is a {what[:200]}" if what else f"{name} says in its {CONFIG} no model_type"
    raise UserError(f"{shown}{_explain(kind, own)}; hf: runs {' and '.join(CLASSES.values())}")


CLASSES = {"vitpose": "VitPoseForPoseEstimation", "sapiens2": "Sapiens2ForPoseEstimation"}  # by model_type
OF_POINTS = ("superpoint", "superglue", "lightglue")
PROGRAMS = ("eager", "sdpa")  # for attention: PyTorch's own
# Keys that would bring other code or other weights into play, wherever they are in a config.
REFUSED = {
    "quantization_config": "it is quantised, and weights are read as floating-point numbers",
    "attn_implementation": "it names a program for attention, which could be fetched from elsewhere",
    "experts_implementation": "it names a program for experts, which could be fetched from elsewhere",
    "backbone": "it names another model, which would be fetched from elsewhere",
    "use_pretrained_backbone": "it asks for weights of another model, which would be fetched from elsewhere",
    "use_timm_backbone": "it asks for a network of the library timm",
}


def _explain(kind: str, own: str) -> str:
    """Return what another model finds, for a message."""
    if own.endswith(("ForKeypointDetection", "ForKeypointMatching")) or kind in OF_POINTS:
        return ", which finds interest points of any image, not the joints of people"
    if own.endswith("ObjectDetection"):
        return ", which finds boxes, not joints: a pose model takes them with --boxes detect:hf:…"
    if kind == "vitpose_backbone" or (kind in CLASSES and own.endswith(("Model", "Backbone"))):
        return ", a pose model without the layers that find joints"
    return ""


def check_keys(config: Any, name: str) -> None:
    """Raise UserError for a config that would bring other code or other weights into play."""
    for key, value in config.items() if isinstance(config, dict) else ():
        reason = REFUSED.get(key.lstrip("_").removesuffix("_internal"))
        is_joint = key in REFUSED and isinstance(value, int) and not isinstance(value, bool)  # of label2id
        if reason is not None and not is_joint and value not in (None, False, *PROGRAMS):
            raise UserError(f"{name} has '{key}' in its {CONFIG}: {reason}; take it out, or use another model")
        check_keys(value, name)


def _read_config(folder: Path, name: str, check: CheckConfig) -> dict[str, Any]:
    if not (folder / CONFIG).is_file():
        other = next(iter(sorted((*folder.glob("*.onnx"), *folder.glob("*.tflite")))), None)
        hint = "" if other is None else f"; for {other.name}: --model {other.suffix[1:]}:{other}"
        raise UserError(f"{name} has no {CONFIG}: expected a model as transformers saves it (save_pretrained){hint}")
    config, _ = read_json(folder / CONFIG, "config", MOST_BYTES)
    if not isinstance(config, dict):
        raise UserError(f"{folder / CONFIG} must hold settings (name: value), got {type(config).__name__}")
    check(config, name)
    return config


def _has_weights(folder: Path) -> bool:
    names = _read_index(folder) if (folder / INDEX).is_file() else [WEIGHTS]
    return all((folder / name).is_file() for name in names)


def _list_weights(folder: Path, name: str) -> tuple[str, ...]:
    """Return the files of weights in a folder; UserError where there are none that are read."""
    if (folder / "adapter_config.json").is_file():
        raise UserError(f"{name} is an adapter of another model (adapter_config.json): merge both, and save the result")
    if (folder / WEIGHTS).is_file():
        return (WEIGHTS,)
    if (folder / INDEX).is_file():
        shards = _read_index(folder)
        missing = [shard for shard in shards if not (folder / shard).is_file()]
        if missing:
            raise UserError(f"{name} has no file {missing[0]}, one of {len(shards)} that {INDEX} names")
        return (INDEX, *shards)
    pickled = sorted(path.name for path in folder.glob("*.bin"))
    what = f"{name} has no {WEIGHTS}"
    if pickled:
        what += f", but {pickled[0]}"
    raise UserError(
        f"{what}: pickled weights (.bin) are not read, because they can run code; save such a model again with "
        "save_pretrained, which writes safetensors"
    )


def _read_index(folder: Path) -> list[str]:
    content, _ = read_json(folder / INDEX, "index of weights", MOST_BYTES)
    of = content.get("weight_map") if isinstance(content, dict) else None
    shards = sorted({str(shard) for shard in of.values()}) if isinstance(of, dict) else []
    if not shards or not all(SHARD.fullmatch(shard) for shard in shards):
        raise UserError(f"{folder / INDEX} must name files of safetensors beside it (weight_map)")
    return shards


def _fetch(name: str, revision: str | None, patterns: Sequence[str]) -> Path:
    """Return the folder of a model's files of some names, fetched from the hub unless they are there."""
    try:
        import huggingface_hub
    except ImportError as error:
        raise UserError(f"hf: needs transformers, which is not installed: {HOW}") from error
    # The processes of a run take what the first one has found.
    is_worker = WORKER_NUMBER in os.environ
    at = f" at revision {revision}" if revision else ""
    try:
        with quiet():
            found = huggingface_hub.snapshot_download(
                name, revision=revision, allow_patterns=list(patterns), local_files_only=is_worker
            )
    except Exception as error:  # of several libraries, for files, networks and names
        raise UserError(f"there is no folder {name}, and {_explain_fetch(error, name, at)}") from error
    return Path(found)


def _explain_fetch(error: Exception, name: str, at: str) -> str:
    kind = type(error).__name__
    if kind == "GatedRepoError":
        return f"the Hugging Face hub gives {name} only to those who accepted its terms: log in there, or fetch it"
    if kind in ("RepositoryNotFoundError", "RevisionNotFoundError", "HFValidationError"):
        return f"the Hugging Face hub has no model {name}{at}, or not for you: is it spelt right?"
    if kind in ("LocalEntryNotFoundError", "OfflineModeIsEnabled"):
        reason = " (HF_HUB_OFFLINE is set)" if "HF_HUB_OFFLINE" in str(error) else ""
    else:  # a full disk, a cache that cannot be written to
        reason = f" ({kind}: {' '.join(str(error).split())[:200]})"
    return (
        f"the model {name}{at} of the Hugging Face hub is not in the cache and cannot be fetched{reason}: fetch it "
        f"where there is a network (hf download {name}), and name its folder"
    )


@contextmanager
def quiet() -> Iterator[None]:
    """Keep libraries of the hub from warning, logging and showing bars within the block."""
    from huggingface_hub import utils

    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        was_shown = not utils.are_progress_bars_disabled()
        utils.disable_progress_bars()
        try:
            yield
        finally:
            logging.disable(before)
            if was_shown:
                utils.enable_progress_bars()
