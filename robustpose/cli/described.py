"""What can be set, described: every setting of train, and every option of a kind of model, from their typed models."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from robustpose.errors import UserError, nearest

HIDDEN = ("row",)  # which the program writes, and nobody sets
SIZE = "WIDTHxHEIGHT"  # how options of models take two numbers
WORDS = {"int": "number", "float": "number", "bool": "true|false", "str": "name", "Path": "path"}


@dataclass(frozen=True)
class Described:
    """A setting or an option, in words."""

    name: str  # as --set and --model-set take it, groups with dots
    kind: str  # what it takes: a type, or the choices with | between them
    default: str  # as it is typed; `required`, or nothing where its description says it
    text: str


def describe_settings(part: str = "") -> list[Described]:
    """Return the settings of train, all or those with `part` in their names; UserError where there is none."""
    from robustpose.train.settings import TrainSettings

    known = [one for one in _describe(TrainSettings) if one.name.split(".")[0] not in HIDDEN]
    return _choose(known, part)


def describe_options(kind: str) -> list[Described]:
    """Return the options of a kind of model, such as `onnx` or `hrnet_w32`; UserError where there is no such kind."""
    from robustpose import estimators, models

    kinds = [*estimators.TABLE, *models.TABLE]
    if kind.partition(":")[0] not in kinds:
        raise UserError(f"unknown kind of model '{kind}'{nearest(kind, kinds)}: expected one of {', '.join(kinds)}")
    return _describe_options(estimators.options_of(kind))


def describe_detector_options(kind: str) -> list[Described]:
    """Return the options of a kind of detector, such as `onnx`; UserError where there is no such kind."""
    from robustpose import detectors

    return _describe_options(detectors.options_of(kind))


def describe_model(model: type[BaseModel]) -> list[Described]:
    """Return the fields of a model of settings, those of groups with dots."""
    return list(_describe(model))


def _describe_options(options: type[BaseModel]) -> list[Described]:
    return [
        replace(
            one, kind=SIZE if one.kind == "[number, number]" else _unbracket(one.kind), default=_unbracket(one.default)
        )
        for one in _describe(options)
    ]


def _unbracket(words: str) -> str:
    """Return a list as words of the command line have it, without brackets."""
    return words[1:-1].replace(", ", ",") if words.startswith("[") else words


def _choose(known: list[Described], part: str) -> list[Described]:
    chosen = [one for one in known if part in one.name]
    if part and not chosen:
        hint = nearest(part, dict.fromkeys(word for one in known for word in one.name.split(".")))
        raise UserError(f"no setting has '{part}' in its name{hint}: leave it out, and all are listed")
    return chosen


def _describe(model: type[BaseModel], prefix: str = "") -> Iterator[Described]:
    for name, field in model.model_fields.items():
        group = _find_group(field.annotation)
        if group is not None:
            yield from _describe(group, f"{prefix}{name}.")
            continue
        text = " ".join((field.description or "").split())
        yield Described(f"{prefix}{name}", _spell_type(field.annotation), _write_default(field), text)


def _find_group(annotation: Any) -> type[BaseModel] | None:
    kinds = [annotation, *get_args(annotation)]
    return next((kind for kind in kinds if isinstance(kind, type) and issubclass(kind, BaseModel)), None)


def _spell_type(annotation: Any) -> str:
    """Return what a type takes, as `number`, `clean|mixed` or `number,number`."""
    origin, parts = get_origin(annotation), [one for one in get_args(annotation) if one is not NoneType]
    if origin is Annotated:
        return _spell_type(parts[0])
    if origin is Literal:
        return "|".join(map(str, parts))
    if origin in (Union, UnionType):
        return "|".join(map(_spell_type, parts))
    if origin is tuple:
        words = [_spell_type(one) for one in parts if one is not ...]
        return f"[{', '.join([*words, '…'] if ... in parts else words)}]"
    return WORDS.get(getattr(annotation, "__name__", ""), "value")


def _write_default(field: FieldInfo) -> str:
    default = field.default
    if default is PydanticUndefined:
        return "required"
    if default is None or default == "":
        return ""
    if isinstance(default, bool):
        return str(default).lower()
    return f"[{', '.join(map(str, default))}]" if isinstance(default, tuple) else str(default)
