"""Misnamed models: which prefix a file wants, or how it becomes one that can be read, by its name alone."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from robustpose.errors import UserError, nearest

KINDS = {".onnx": "onnx", ".tflite": "tflite", ".pth": "NETWORK", ".tar": "NETWORK", ".safetensors": "NETWORK"}
_TORCH = (
    "PyTorch's: export it ({export}), then --model onnx:{stem}.onnx; weights of SBL, HRNet and others are NETWORK:FILE,"
    " such as hrnet_w32:FILE"
)
_KERAS = "TensorFlow's: make an ONNX or TFLite file of it (tf2onnx, or tf.lite.TFLiteConverter)"
# What files are that none of our kinds reads under this name.
OTHERS = {
    ".pt": _TORCH,
    ".ckpt": _TORCH,
    ".torchscript": _TORCH,
    ".h5": _KERAS,
    ".keras": _KERAS,
    ".pb": _KERAS,
    ".engine": "TensorRT's: name the ONNX file that it was made of, --model onnx:FILE",
    ".xml": "OpenVINO's: name the ONNX file that it was made of, --model onnx:FILE --model-set backend=openvino",
    ".zip": "an archive: unpack it, and name the file inside",
    ".gz": "an archive: unpack it, and name the file inside",
    ".mlpackage": "Core ML's: name an ONNX file of the same network, --model onnx:FILE",
}
HUB = "huggingface.co/"
# How models of others come, by how their names begin.
FAMILIES = {
    "yolo": "onnx:FILE",
    "rtm": "onnx:FILE",
    "dwpose": "onnx:FILE",
    "movenet": "onnx:FILE or tflite:FILE",
    "vitpose": "hf:NAME",
    "sapiens": "hf:NAME",
}


def explain(spec: str, known: Sequence[str]) -> str:
    """Return what a spec is meant for that names no kind: a file, a model of the hub, or a name misspelt."""
    path = Path(spec)
    suffix, family = path.suffix.lower(), _find_family(spec)
    if _is_folder(path):
        return f": it is a folder; name {_choose_inside(path, 'onnx')}"
    if suffix in OTHERS:
        return f": it is {_tell(path)}"
    kind = KINDS.get(suffix, "hf" if "/" in spec and not suffix else "")
    if kind:
        return f" (did you mean '{kind}:{spec}'?)"
    if "." in spec and all(part.isidentifier() for part in spec.split(".")):
        return f" (did you mean '{spec}:NAME', with the name of what is in that module?)"
    return f" (name the file or the model that it comes as: {FAMILIES[family]})" if family else nearest(spec, known)


def explain_prefix(spec: str, known: Sequence[str]) -> str:
    """Return what a spec with a prefix is meant for which is none of the kinds, and no module either."""
    prefix, _, target = spec.partition(":")
    suffix = Path(spec).suffix.lower()
    if HUB in spec:
        return f" (did you mean 'hf:{spec.partition(HUB)[2]}'?)"
    if prefix.lower() in known:
        return f" (did you mean '{prefix.lower()}:{target}'?)"
    if suffix in OTHERS or (KINDS.get(suffix) in known and len(prefix) == 1):  # C:\net.onnx
        return explain(spec if len(prefix) == 1 else target, known)
    return f" (did you mean '{KINDS[suffix]}:{target}'?)" if KINDS.get(suffix) in known else nearest(prefix, known)


def explain_detector(spec: str, known: Sequence[str]) -> str:
    """Return what the spec of a detector is meant for that names none of the kinds `known`, and no module either."""
    prefix, colon, target = spec.partition(":")
    name = target if colon and len(prefix) > 1 else spec
    path = Path(name)
    suffix = path.suffix.lower()
    if HUB in spec:
        return f" (did you mean 'hf:{spec.partition(HUB)[2]}'?)"
    if _is_folder(path):
        return f": it is a folder; name {_choose_inside(path, 'onnx')}"
    if suffix in OTHERS or KINDS.get(suffix) == "NETWORK":
        return f": it is {_tell(path).partition(';')[0]}"
    if suffix in KINDS or ("/" in name and not suffix):
        return f" (did you mean '{KINDS.get(suffix, 'hf')}:{name}'?)"
    return nearest(prefix, known)


def check_target(kind: str, target: str) -> None:
    """Raise UserError if what the kind of a model is to read is by its name of another kind, or is a folder."""
    path = Path(target)
    suffix, wanted = path.suffix.lower(), KINDS.get(path.suffix.lower())
    is_file_kind = kind in ("onnx", "tflite")
    if target and _is_folder(path):
        if kind != "hf":
            raise UserError(f"{kind}: needs a file, and {path} is a folder: name {_choose_inside(path, kind)}")
        return
    if kind == "hf" and HUB in target:
        raise UserError(f"hf: needs a name, no address: --model hf:{target.partition(HUB)[2]}")
    is_torch = wanted == "NETWORK" and (is_file_kind or suffix != ".safetensors")
    if (suffix in OTHERS or is_torch) and (is_file_kind or kind == "hf"):
        raise UserError(f"{kind}: does not read {path.name}: it is {_tell(path)}")
    if wanted in ("onnx", "tflite") and not is_file_kind:
        raise UserError(f"{kind}: does not read {path.name}: it is a file for {wanted}: --model {wanted}:{path}")


def _tell(path: Path) -> str:
    """Return what a file is that is not read here, and how it becomes one that is."""
    is_yolo = _find_family(path.name) == "yolo"
    export = f"yolo export model={path.name} format=onnx" if is_yolo else "torch.onnx.export; YOLO: yolo export"
    return OTHERS.get(path.suffix.lower(), _TORCH).format(export=export, stem=path.stem)


def _find_family(name: str) -> str:
    return next((family for family in FAMILIES if Path(name).name.lower().startswith(family)), "")


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except (OSError, ValueError):  # too long, a null byte
        return False


def _choose_inside(folder: Path, kind: str) -> str:
    """Return what to name in the place of a folder: it, of transformers, or a file inside."""
    if (folder / "config.json").is_file():
        return f"it as a model of transformers, hf:{folder}"
    suffixes = {f".{kind}"} if kind in ("onnx", "tflite") else {".pth", ".tar", ".safetensors"}
    inside = sorted(path for path in folder.iterdir() if path.suffix.lower() in suffixes)
    return f"a file inside, such as {kind}:{inside[0]}" if inside else f"a file such as {kind}:{folder / 'net'}"
