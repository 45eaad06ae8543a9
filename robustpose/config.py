"""Settings of any kind: typed, made from the values of a recipe or of options, with each mistake said in one line."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar, get_args

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError, ValidationInfo, field_validator

from robustpose.errors import UserError, first_few, nearest
from robustpose.reading import parse_yaml, read_yaml

S = TypeVar("S", bound=BaseModel)
LONGEST_SHOWN = 80  # letters of a value in a message
QUOTED = "mean '"  # what stands before the key that may be meant

# By what pydantic calls a mistake: what the value must be, in our words.
WORDS = {
    **dict.fromkeys(("int_type", "int_parsing", "int_from_float", "int_parsing_size"), "a whole number"),
    **dict.fromkeys(("float_type", "float_parsing"), "a number"),
    "finite_number": "a finite number",
    **dict.fromkeys(("bool_type", "bool_parsing"), "true or false"),
    **dict.fromkeys(("string_type", "path_type"), "text"),
    "string_too_long": "text of at most {max_length} letters",
    "string_too_short": "text of at least {min_length} letters",
    "string_unicode": "text",
    **dict.fromkeys(("list_type", "tuple_type"), "a list"),
    "too_long": "of at most {max_length} entries",
    "too_short": "of at least {min_length} entries",
    **dict.fromkeys(("dict_type", "model_type", "model_attributes_type", "mapping_type"), "a group (key: value)"),
    "invalid_key": "named by text",
    "none_required": "left out",
    "greater_than": "above {gt}",
    "greater_than_equal": "at least {ge}",
    "less_than": "below {lt}",
    "less_than_equal": "at most {le}",
}
# Parts of a place that name one kind of value of several that are allowed.
OF_UNION = re.compile(
    r"(int|float|str|bool|none|path|Path|constrained-\w+|\[key\]|\w+\[.*|function-\w+\(.*)", re.DOTALL
)


class Settings(BaseModel):
    """Settings of any kind: an unknown key is an error, and nothing changes them."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    @field_validator("*", mode="before")
    @classmethod
    def _expand_home(cls, value: Any, info: ValidationInfo) -> Any:
        """Let ``~`` stand for the home folder in paths, and refuse empty ones, which would be the working folder."""
        annotation = cls.model_fields[str(info.field_name)].annotation
        if not isinstance(value, str) or Path not in (annotation, *get_args(annotation)):
            return value
        if not value.strip():
            raise ValueError("must be a path")
        try:
            return Path(value).expanduser() if value.startswith("~") else value
        except RuntimeError as error:
            raise ValueError(f"names nobody's home folder: {value}") from error

    @field_validator("*", mode="before")
    @classmethod
    def _check_plainly(cls, value: Any, info: ValidationInfo) -> Any:
        """Refuse true and false where numbers are expected, for pydantic takes them for 1 and 0; and huge numbers."""
        field = cls.model_fields[str(info.field_name)]
        if _has_parser((field.annotation, *field.metadata)):
            return value
        for one in value if isinstance(value, list | tuple) else (value,):
            if isinstance(one, bool) and not _allows_switch(field.annotation):
                raise ValueError("must be something other than true or false, which YAML reads yes and no as")
            if isinstance(one, int) and abs(one) >= 2**63:
                raise ValueError("must be of at most 18 digits")
        return value


def read_recipe(recipe: Path) -> dict[str, Any]:
    """Return what a YAML recipe holds, unchecked."""
    values = read_yaml(recipe, "recipe")
    if not isinstance(values, dict):
        raise UserError(f"recipe {recipe} must hold settings (key: value), got {type(values).__name__}")
    return values


def check_settings(kind: type[S], values: Any, source: str) -> S:
    """Return checked settings of nested values, as in a recipe.

    `source`, for messages, is where the values come from; empty for a command's options.
    """
    try:
        return kind.model_validate(values)
    except UnicodeEncodeError as error:  # of pydantic, for half of a pair of surrogates
        raise UserError(f"{source}{': ' if source else ''}a word holds what is no letter: {error.object!r}") from error
    except ValidationError as error:
        places = [problem["loc"] for problem in error.errors()]
        problems = list(dict.fromkeys(_explain(of, kind) for of in error.errors() if not _follows(of, places)))
        raise UserError(f"{source}{': ' if source else ''}{first_few(problems, 'mistakes')}") from error


def _follows(problem: Any, places: Sequence[tuple[Any, ...]]) -> bool:
    """Tell whether a list is too short only since some of its entries are mistakes themselves."""
    of_list = problem["loc"]
    return problem["type"] == "too_short" and any(place[: len(of_list)] == of_list != place for place in places)


def refuse_code(code: Mapping[str, str], source: str, trust: bool) -> None:
    """Raise UserError if a file names code, by setting, unless it is trusted."""
    if code and not trust:
        named = ", ".join(f"{key}: {shorten(name)}" for key, name in code.items())
        raise UserError(
            f"{source} names code, which would be run ({named}): say --trust if you trust who wrote it, or type it "
            "as an option"
        )


def override_value(values: dict[str, Any], override: str) -> None:
    """Change one of nested values, in place, by ``a.b=c``, where c is read as YAML."""
    path, equals, text = override.partition("=")
    keys = path.strip().split(".")
    if not equals or not all(keys):
        raise UserError(f"--set expects key=value such as augment.rotation=30, got '{override}'")
    value = parse_yaml(text, f"--set {path}: '{text}'")
    group = values
    for i, key in enumerate(keys[:-1]):
        group = group.setdefault(key, {})
        if not isinstance(group, dict):
            raise UserError(f"--set {override}: {'.'.join(keys[: i + 1])} is one value, not a group of settings")
    group[keys[-1]] = value


def flatten_values(values: Mapping[Any, Any], before: str = "") -> Iterator[tuple[str, Any]]:
    """Yield nested values by keys with dots, as `override_value` takes them.

    >>> dict(flatten_values({"lr": 0.1, "mixing": {"alpha": 0.5}}))
    {'lr': 0.1, 'mixing.alpha': 0.5}
    """
    for key, value in values.items():
        if isinstance(value, Mapping):
            yield from flatten_values(value, f"{before}{key}.")
        else:
            yield f"{before}{key}", value


def write_recipe(settings: Settings) -> str:
    """Return settings, defaults included, as the text of a recipe."""
    return str(yaml.safe_dump(settings.model_dump(mode="json"), sort_keys=False))


def _explain(problem: Any, kind: type[BaseModel]) -> str:
    """Return a mistake that pydantic found in our words: which setting, what it must be, what came."""
    place = [part for part in problem["loc"] if not OF_UNION.fullmatch(str(part))]
    name, came = ".".join(map(str, place)), problem["input"]
    if problem["type"] == "extra_forbidden":
        meant = nearest(str(place[-1])[:80], _keys_at(kind, place[:-1]))
        group = "".join(f"{part}." for part in place[:-1])
        return f"unknown key '{shorten(name)}'{meant.replace(QUOTED, f'{QUOTED}{group}', 1)}"
    if problem["type"] == "missing":
        return f"'{name}' is missing"
    words = WORDS.get(problem["type"])
    if words is not None:
        message = "must be " + words.format(**problem.get("ctx", {}))
    else:
        message = problem["msg"].removeprefix("Value error, ").replace("Input should be", "must be")
    if not name:
        return f"it {message}, got {describe(came)}" if words else message
    return f"{name} {message}, got {describe(came)}" if message.startswith("must be") else f"{name}: {message}"


def describe(value: Any) -> str:
    """Return what came, for a message: a value as it is, as far as it is short; of a group or a list, only its kind."""
    if isinstance(value, Mapping | BaseModel):
        return "a group of settings"
    if isinstance(value, list | tuple) and len(value) > 8:
        return f"a list of {len(value):,}"
    try:
        return shorten(repr(value))
    except (ValueError, RecursionError):  # a number of thousands of digits; something deep
        return "something very long"


def shorten(text: str) -> str:
    """Return the first letters of a text that may be very long."""
    return text if len(text) <= LONGEST_SHOWN else text[: LONGEST_SHOWN - 1] + "…"


def _keys_at(model: type[BaseModel], place: Sequence[int | str]) -> list[str]:
    """Return the keys of the group at a place; none where there is a list in between."""
    for part in place:
        annotation = model.model_fields[str(part)].annotation if str(part) in model.model_fields else None
        kinds = [kind for kind in (annotation, *get_args(annotation)) if isinstance(kind, type)]
        groups = [kind for kind in kinds if issubclass(kind, BaseModel)]
        if not groups:
            return []
        model = groups[0]
    return list(model.model_fields)


def _has_parser(parts: Iterable[Any]) -> bool:
    """Tell whether a function of its own parses a setting, given the parts of its annotation."""
    return any(isinstance(part, BeforeValidator) or _has_parser(get_args(part)) for part in parts)


def _allows_switch(annotation: Any) -> bool:
    return annotation in (Any, bool, object) or any(map(_allows_switch, get_args(annotation)))
