"""Refusals of files whose outputs are not of a form that is wanted: what they are, and what would fit."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from itertools import permutations
from typing import Any

import numpy as np

from robustpose.decoding.one_stage import NoForm
from robustpose.estimators.file_options import FormName
from robustpose.estimators.network_file import Outputs, list_shapes
from robustpose.estimators.seen_outputs import Seen, choose_rows, divide, is_float
from robustpose.pose.skeletons import Skeleton, advise_model

MOST_NAMED = 4  # choices in a message
# In names of outputs: spreads of positions, tags of people, moves, and what a network has of a third axis.
OTHERS = re.compile(
    r"\b(sigmas?|errors?|uncertaint(y|ies)|std|stddev|var|variances?|logvar|tags?|embeddings?|offsets?|displacements?|"
    r"pafs?|depths?)\b"
)
BLAZEPOSE = 195  # numbers: five for each of 39 points, of which 33 are joints
MOST_JOINTS = 150  # that maps are taken for heatmaps of: whole bodies have 133


def is_other(name: str) -> bool:
    """Return whether an output's name says that it is about joints, and neither where they are nor how sure."""
    words = re.sub("[^a-z]+", " ", re.sub("([a-z])([A-Z])", r"\1 \2", name).lower())
    return bool(OTHERS.search(words))


def ask_outputs(name: FormName, choices: Sequence[Sequence[str]], outputs: Outputs) -> str:
    """Return the question which outputs are those of a form, without the file's name."""
    likely = [",".join(names) for names in choices if not any(map(is_other, names))]
    shown = list_shapes({name: outputs[name] for names in choices for name in names})
    what = "the heatmaps" if name == "heatmaps" else f"those of form {name}"
    if len(likely) == 1:
        say = f"{likely[0]}, by their names, or others"
    elif name == "simcc":
        say = "X,Y, the names of two of them, x first"
    else:
        say = "NAME" if len(choices[0]) == 1 else " or output=".join(map(",".join, choices[:MOST_NAMED]))
    return f"has several outputs that can be {what}: {shown}; say which with --model-set output={say}"


def _expect(name: FormName, seen: Seen) -> str:
    """Return the outputs that a form has, for messages."""
    (width, height), k = seen.input_wh, seen.n_joints
    return {
        "heatmaps": f"heatmaps (batch, {k}, height/s, width/s) for {height}x{width} input",
        "simcc": f"two outputs (batch, {k}, r·{width}) and (batch, {k}, r·{height})",
        "coordinates": f"coordinates (batch, {k}, 2 or 3) or (batch, 1, {k}, 3)",
        "one-stage": f"people of the whole image, such as (1, {5 + 3 * k}, N)",
    }[name]


def refuse_form(asked: FormName, fitting: FormName, seen: Seen) -> str:
    """Return why the form that is asked for is not taken, and which one fits, without the file's name."""
    return (
        f"does not fit form={asked}, which is {_expect(asked, seen)}: it gives {list_shapes(seen.outputs)}; that is "
        f"form={fitting} (--model-set form={fitting}, or leave form out)"
    )


def explain_none(wanted: FormName, seen: Seen, skeleton: Skeleton) -> str:
    """Return why no form fits, not the one that is wanted either, without the file's name."""
    if any(array.shape[1:] == (BLAZEPOSE,) for array in seen.floats(2).values()):
        return (
            f"gives {list_shapes(seen.outputs)}: these look like BlazePose's, {BLAZEPOSE} numbers for 39 points, of "
            "which 33 are joints; no form has that, call it from a function (--model package.module:function)"
        )
    rows = _explain_rows(seen)
    if rows:
        return f"gives {list_shapes(seen.outputs)}: {rows}"
    others = recognise(seen)
    if others is not None:
        what, joints = others
        return (
            f"finds {joints} joints{what}, but skeleton '{skeleton.name}' of the annotations has {seen.n_joints}: "
            f"{advise_model(joints, skeleton)}"
        )
    hints = [hint for hint in (_name_kind(array, seen) for array in seen.outputs.values()) if hint]
    return (
        f"must give {_expect(wanted, seen)}, or what another form has, it gives {list_shapes(seen.outputs)}: "
        f"{hints[0] if hints else 'is this a network of poses?'}"
    )


def recognise(seen: Seen) -> tuple[str, int] | None:
    """Return in which form outputs are of other joints, for messages, and how many; None if they are of none."""
    width, height = seen.input_wh
    images = seen.floats(4).values()
    maps = [a.shape[1] for a in images if a.shape[1] > 1 and divide(a.shape[2:], (height, width))]
    maps += [a.shape[3] for a in images if a.shape[3] > 1 and divide(a.shape[1:3], (height, width))]
    if len(maps) == 1 and maps[0] <= MOST_JOINTS:
        return "", maps[0]
    points = [a.shape[1] for a in seen.floats(3).values() if a.shape[2] in (2, 3)]
    points += [a.shape[2] for a in images if a.shape[1] == 1 and a.shape[3] == 3]
    if len(points) == 1 and not maps:
        return " (as coordinates)", points[0]
    rows = list(seen.floats(3).values())
    if len(rows) == 2 and rows[0].shape[1] == rows[1].shape[1] and not maps:
        lengths = [a.shape[2] for a in rows]
        if any(x * height == y * width and x >= width for x, y in permutations(lengths, 2)):
            return " (as SimCC)", rows[0].shape[1]
    return None


def _explain_rows(seen: Seen) -> str:
    """Return why the outputs are no rows of people, empty where they do not look like it."""
    try:
        choose_rows(seen)
    except NoForm as error:
        return str(error)
    return ""


def _name_kind(array: Any, seen: Seen) -> str:
    """Return what an output looks like that is of no form, and what to do; empty if nobody knows."""
    if not isinstance(array, np.ndarray) or not array.ndim:
        return ""
    if is_float(array, 2) and len(array) != seen.n_crops and _is_row(array, seen):
        return f"these look like rows of people without a batch, export them as (1, {len(array)}, {array.shape[1]})"
    if len(array) != seen.n_crops:
        return ""
    sides, n_joints, (width, height) = array.shape[1:], seen.n_joints, seen.input_wh
    if array.ndim == 4 and sides[0] == n_joints and divide(sides[1:], (height, width)):
        return f"these are of {array.dtype}, export them in float32"
    if array.ndim == 4 and sides[0] == n_joints and min(sides[1:]) > 1:
        return "the sides do not divide by one stride"
    if array.ndim == 5 and n_joints in sides[:2]:
        return "these are heatmaps of several stages in one, export those of the last stage"
    if array.ndim == 3 and sides[0] == n_joints and 3 < sides[1] < 8:
        return f"these look like coordinates and more, export x, y and a confidence alone, (batch, {n_joints}, 3)"
    if array.ndim == 3 and sides[1] == n_joints and sides[0] in (2, 3):
        return f"these look like coordinates, export them as (batch, {n_joints}, {sides[0]})"
    if array.ndim == 3 and sides[0] == n_joints and sides[1] > 3:
        return "these look like flat heatmaps, or like SimCC's of another input; export heatmaps, or both axes of SimCC"
    if array.ndim == 2 and sides[0] in (2 * n_joints, 3 * n_joints):
        return f"these look like flat coordinates, export them as (batch, {n_joints}, {sides[0] // n_joints})"
    if array.ndim == 2 and sides[0] and sides[0] % n_joints == 0:
        return "these are flat, export the heatmaps before they are flattened; is this a top-down heatmap network?"
    if is_float(array, 2) and _is_row(array, seen):
        return f"this looks like one row of people, which is read as (1, N, {sides[0]})"
    return ""


def _is_row(array: Any, seen: Seen) -> bool:
    """Return whether an output (N, numbers) looks like rows of people."""
    try:
        choose_rows(replace(seen, outputs={"rows": array[None]}, n_crops=1))
    except NoForm:
        return False
    return True
