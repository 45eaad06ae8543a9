"""Pose models of transformers: loaded strictly, and made a network of crops that gives heatmaps."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from robustpose.errors import UserError, first_few
from robustpose.estimators.hub_files import CLASSES, HOW, HubFiles, quiet
from robustpose.estimators.image_processors.settings import FILE as PROCESSOR
from robustpose.estimators.options import write_size

LEAST_VERSION = 5  # of transformers: the first with both models


class PoseNetwork(nn.Module):
    """A pose model as a network: normalised crops (B, 3, h, w) -> heatmaps (B, K, h', w').

    `dataset_index` says which of its experts look, for a model that has some; `chosen` which K of its joints are
    given, None for all.
    """

    def __init__(self, model: nn.Module, dataset_index: int | None, chosen: Sequence[int] | None) -> None:
        super().__init__()
        self.model = model
        self.dataset_index = dataset_index
        self.chosen = None if chosen is None else list(chosen)

    def forward(self, crops: Tensor) -> Tensor:
        """Return the heatmaps of crops."""
        more: dict[str, Tensor] = {}
        if self.dataset_index is not None:
            more["dataset_index"] = torch.full((crops.shape[0],), self.dataset_index, device=crops.device)
        heatmaps: Tensor = self.model(pixel_values=crops, **more).heatmaps
        return heatmaps if self.chosen is None else heatmaps[:, self.chosen]


def load_model(files: HubFiles, input_wh: tuple[int, int], file: Path | None) -> nn.Module:
    """Return the model of a folder in float32, on the CPU; UserError unless its weights are those of its config.

    It must take crops of a size, which a file says; without one it is a default.
    """

    def check(kind: Any, config: Any) -> None:
        _check_input(config, files.name, input_wh, file)
        _check_outline(kind, config, files, input_wh)

    return load_as(CLASSES[files.model_type], files, check)


def load_as(name: str, files: HubFiles, check: Callable[[Any, Any], None]) -> nn.Module:
    """Return the model of a folder as the class `name` of transformers, in float32, on the CPU.

    `check` is handed the class and the config before weights are loaded. UserError unless these are the config's.
    """
    transformers = _require_transformers()
    kind = getattr(transformers, name, None)
    if kind is None:
        raise UserError(
            f"{files.name} is a {name}, which transformers {transformers.__version__} does not have: {HOW} --upgrade"
        )
    try:
        with quiet(), _hidden_bars(transformers):
            config = kind.config_class.from_dict(files.config)
            check(kind, config)
            model, found = kind.from_pretrained(
                str(files.folder),
                config=config,
                dtype=torch.float32,
                use_safetensors=True,
                local_files_only=True,
                trust_remote_code=False,
                ignore_mismatched_sizes=True,  # which are named below
                output_loading_info=True,
            )
    except UserError:
        raise
    except Exception as error:  # whatever a wrong config leads to
        raise UserError(f"{files.name} cannot be loaded as a {kind.__name__}: {_shorten(error)}") from error
    _check_loaded(files.name, found)
    return model.eval()


def read_names(model: Any) -> tuple[str, ...]:
    """Return the names of the joints that a model's config gives; none if these are only numbers (``LABEL_0``)."""
    labels = model.config.id2label
    names = tuple(str(labels[i]) for i in sorted(labels))
    return () if all(name == f"LABEL_{i}" for i, name in enumerate(names)) else names


def count_experts(config: Any) -> int:
    """Return how many experts the config of a model has: 1 where there are none to choose from."""
    return int(getattr(getattr(config, "backbone_config", None), "num_experts", 1))


def choose_dataset(model: Any, name: str, said: int | None) -> int | None:
    """Return the index of the experts that look: what the user says, or 0; None for a model without experts."""
    n_experts = count_experts(model.config)
    if n_experts == 1:
        if said is not None:
            raise UserError(f"{name} has no experts (num_experts 1): leave out dataset_index={said}")
        return None
    if said is not None and said >= n_experts:
        raise UserError(f"{name} has {n_experts} experts: dataset_index must be 0 to {n_experts - 1}, got {said}")
    return said or 0


def _check_input(config: Any, name: str, input_wh: tuple[int, int], file: Path | None) -> None:
    """Raise UserError unless a model takes crops of a size."""
    model_type, config = config.model_type, getattr(config, "backbone_config", None) or config
    if config.num_channels != 3:
        raise UserError(f"{name} takes images of {config.num_channels} channels: expected 3, red, green and blue")
    wanted, patch = (_as_wh(getattr(config, key)) for key in ("image_size", "patch_size"))
    if wanted == input_wh:
        return
    if file is None:
        raise UserError(
            f"{name} has no {PROCESSOR}, and crops of {write_size(input_wh)}, its class's default, do not fit: the "
            f"model takes {write_size(wanted)}; put the file into its folder"
        )
    if model_type == "vitpose":
        raise UserError(f"{file} says that crops are {write_size(input_wh)}, but {name} takes {write_size(wanted)}")
    if any(side % unit for side, unit in zip(input_wh, patch, strict=True)):  # Sapiens2 takes any other size
        raise UserError(f"{file} says that crops are {write_size(input_wh)}: sides must be multiples of {patch[0]} px")


def _as_wh(size: Any) -> tuple[int, int]:
    return (size, size) if isinstance(size, int) else (int(size[1]), int(size[0]))


def _require_transformers() -> Any:
    try:
        with quiet():
            import transformers
    except ImportError as error:
        raise UserError(f"hf: needs transformers, which is not installed: {HOW}") from error
    if int(transformers.__version__.partition(".")[0]) < LEAST_VERSION:
        raise UserError(f"hf: needs transformers {LEAST_VERSION}, found {transformers.__version__}: {HOW} --upgrade")
    return transformers


class _hidden_bars:
    """Keep transformers from showing progress bars within the block."""

    def __init__(self, transformers: Any) -> None:
        self._logging = transformers.utils.logging

    def __enter__(self) -> None:
        self._was_shown = self._logging.is_progress_bar_enabled()
        self._logging.disable_progress_bar()

    def __exit__(self, *_: object) -> None:
        if self._was_shown:
            self._logging.enable_progress_bar()


def _check_outline(kind: Any, config: Any, files: HubFiles, input_wh: tuple[int, int]) -> None:
    """Raise UserError for a config of more weights than its files can hold, or one that gives no heatmaps.

    It is tried without numbers, before memory is taken for them.
    """
    width, height = input_wh
    with torch.device("meta"), torch.inference_mode():
        outline = kind(config).eval()
        check_size(outline, files)
        dataset_index = None if count_experts(config) == 1 else 0
        shape = tuple(
            PoseNetwork(outline, dataset_index, None)(torch.zeros(1, 3, height, width, dtype=torch.float32)).shape
        )
    if len(shape) != 4 or shape[1] != config.num_labels or min(shape[2:]) < 2:
        raise UserError(f"{files.name} must give heatmaps (1, {config.num_labels}, height, width), it gives {shape}")


def check_size(outline: nn.Module, files: HubFiles) -> None:
    """Raise UserError for a network, without numbers, of more weights than the files of a model can hold."""
    n_weights = sum(weights.numel() for weights in outline.parameters())
    n_bytes = sum((files.folder / name).stat().st_size for name in files.weights)
    if n_weights > n_bytes:
        raise UserError(
            f"{files.name} has {n_bytes:,} bytes of weights, but its config.json asks for {n_weights:,} numbers"
        )


def _check_loaded(name: str, found: dict[str, Any]) -> None:
    """Raise UserError for weights that are missing, that nothing takes, or of another shape."""
    problems = [f"'{key}' is missing" for key in sorted(found["missing_keys"])]
    problems += [f"'{key}' is unknown" for key in sorted(found["unexpected_keys"])]
    for key, came, expected in sorted(found["mismatched_keys"]):
        problems.append(f"'{key}' must be {tuple(expected)}, got {tuple(came)}")
    if problems:
        raise UserError(f"weights of {name} are not those of its config.json: {first_few(problems, 'mistakes')}")


def _shorten(error: Exception) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())[:300]}"
