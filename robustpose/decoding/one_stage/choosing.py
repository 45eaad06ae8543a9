"""Choosing: which form the rows of a network have, told by the outputs' shapes, or asked for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from robustpose.decoding.one_stage.forms import NoForm, RowForm, Shape, has_row_per_cell, list_forms
from robustpose.decoding.one_stage.kinds import MOVENET_PEOPLE, Kind
from robustpose.decoding.one_stage.refusals import (
    ask,
    explain_none,
    find_masks,
    list_usual,
    refuse_classes,
    refuse_columns,
    refuse_kind,
)


def choose_form(
    shapes: Sequence[Shape],
    input_wh: tuple[int, int],
    n_joints: int,
    kind: Kind | None = None,
    n_classes: int | None = None,
    columns: Literal["first", "last"] | None = None,
) -> RowForm:
    """Return the form of outputs of these shapes; NoForm if there is none, or more than one.

    Shapes are those of one call on one image; `input_wh` is the network's input, px. What is not said is told: one
    class, and by the number of rows. Several classes have to be said, because their numbers cannot be told from those
    of joints. The message of NoForm is empty where outputs do not look like rows at all.

    >>> choose_form([(1, 56, 8400)], (640, 640), 17).kind
    'yolo'
    """
    every = list_forms(shapes, n_joints)
    forms = [form for form in every if kind in (None, form.kind)]
    masks = find_masks(shapes, input_wh, n_joints) if kind is None and n_classes is None else ""
    if masks:
        raise NoForm(masks)
    told = _of_one_class(forms) if kind else _tell(forms, input_wh)
    if n_classes not in (None, 1) and any(not form.is_raw for form in told):
        raise NoForm(refuse_classes(told, forms, n_classes))
    if columns and len(told) == 1 and not told[0].is_raw:
        raise NoForm(refuse_columns(told, columns))
    either_way = told if n_classes in (None, 1) else []
    fitting = _of_columns(either_way, columns)
    if n_classes is not None and len(fitting) != 1:
        either_way = [form for form in forms if form.is_raw and form.n_classes == n_classes]
        fitting = _of_columns(either_way, columns)
    if len(fitting) == 1:
        return fitting[0]
    if fitting:
        raise NoForm(ask(fitting))
    if columns and either_way:
        raise NoForm(refuse_columns(either_way, columns))
    usual = list_usual(forms)
    if n_classes is not None and usual:
        likely = [form for form in usual if has_row_per_cell(form, input_wh)] or usual
        raise NoForm(f"classes={n_classes} does not fit these rows of people: {ask(likely, is_said=True)}")
    reason = explain_none(shapes, forms, input_wh, n_joints, kind)
    if kind is None or (forms and reason):
        raise NoForm(reason)
    raise NoForm(refuse_kind(kind, reason, _tell(every, input_wh) or every, n_joints))


def _of_columns(forms: Sequence[RowForm], columns: Literal["first", "last"] | None) -> list[RowForm]:
    return [form for form in forms if columns is None or form.columns_first == (columns == "first")]


def _of_one_class(forms: Sequence[RowForm]) -> list[RowForm]:
    return [form for form in forms if not form.is_raw or form.n_classes == 1]


def _tell(forms: Sequence[RowForm], input_wh: tuple[int, int]) -> list[RowForm]:
    """Return the forms that are left by what the numbers of rows say, of those with one class."""
    single = _of_one_class(forms)
    if any(has_row_per_cell(form, input_wh) for form in forms):  # more than a coincidence
        return [form for form in single if has_row_per_cell(form, input_wh)]
    finished = [
        form for form in single if not form.is_raw and (form.kind != "movenet" or form.n_rows == MOVENET_PEOPLE)
    ]
    if any(form.kind == "movenet" for form in finished):  # six rows are too few for anything else
        return finished
    return finished + [form for form in single if form.kind == "yolo"]
