"""Identity: what determines the results of a run, down to the code and the weights of what others wrote.

A run folder is claimed for it (`robustpose.changes` says how two are compared), and results carry it as provenance.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from robustpose.changes import BY_CORRUPTION, FOLDERS, as_table
from robustpose.corruptions.memory import CANVAS_BYTES
from robustpose.data.corrupted import CANVAS, CONVENTION
from robustpose.pose.cell import Cell
from robustpose.pose.protocols import Estimator
from robustpose.sources import hash_code
from robustpose.states import MODULES, is_somebodys, know

PER_GROUP = "images_per_group"  # what results call how many images an estimator has to be handed at once


def identify_estimator(estimator: Estimator) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Return what determines an estimator, and doubts about that; of somebody's own, with its code and its state."""
    own, modules = getattr(estimator, "__wrapped__", estimator), getattr(estimator, MODULES, ())
    about = dict(estimator.provenance)
    if estimator.images_per_group > 1:
        about[PER_GROUP] = estimator.images_per_group
    if own is estimator and not is_somebodys(estimator):  # of this package; its provenance says all but who made it
        code = {**hash_code(modules), **as_table(about.get("code"))}
        return {**about, "code": code} if code else about, ()
    known = know(own, *modules)
    return {**about, "code": known.code, "state": known.whole_state}, known.doubts


def choose_files(part: Mapping[str, Any], cells: Iterable[Cell]) -> dict[str, Any]:
    """Return a part of an identity with the files of some cells alone, where it has a file for each cell."""
    stems = {cell.file_stem for cell in cells}
    of_cells = {
        key: {name: digest for name, digest in part[key].items() if name.rpartition(".")[0] in stems}
        for key in FOLDERS
        if key in part
    }
    return {**part, **of_cells}


def choose_provenance(identity: Mapping[str, Any], cells: Iterable[Cell]) -> dict[str, Any]:
    """Return what of an identity determines the results in some cells, and is of a length to be shown."""
    corruptions = {cell.corruption for cell in cells}
    shown = {
        key: {name: value for name, value in part.items() if name not in FOLDERS} if isinstance(part, dict) else part
        for key, part in identity.items()
    }
    shown[BY_CORRUPTION] = {name: code for name, code in identity[BY_CORRUPTION].items() if name in corruptions}
    if not shown[BY_CORRUPTION]:
        del shown[BY_CORRUPTION]
    if corruptions & CANVAS_BYTES.keys():  # an old set that was stored elsewhere does not say what it did
        shown.setdefault(CONVENTION, "unknown" if "corrupted_images" in identity else CANVAS)
    else:
        shown.pop(CONVENTION, None)
    return shown if "frost" in corruptions else {**shown, "frost_textures": "unused"}
