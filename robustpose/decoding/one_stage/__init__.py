"""One-stage: rows of people, each a box, a score and joints, from one look at the whole image."""

from robustpose.decoding.one_stage.choosing import choose_form
from robustpose.decoding.one_stage.forms import NoForm, RowForm
from robustpose.decoding.one_stage.kinds import KINDS, Kind, RowKind, Units
from robustpose.decoding.one_stage.people import People, choose_people, overlap_each, read_people

__all__ = [
    "KINDS",
    "Kind",
    "NoForm",
    "People",
    "RowForm",
    "RowKind",
    "Units",
    "choose_form",
    "choose_people",
    "overlap_each",
    "read_people",
]
