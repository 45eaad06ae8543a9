"""Comparable: whether runs are of the same images, truth and corrupted pixels, and what else differs between them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from robustpose.changes import BY_CORRUPTION, CODE, as_table, keep_known, tell_files_apart
from robustpose.errors import UserError, first_few
from robustpose.results.scored import name_metric, tell_difference
from robustpose.results.summary import identify_data

# What has to be the same for two runs to be of the same pixels; where boxes came from may be what is compared.
SAME_PIXELS = ("profile", "seed", "frost_textures")
UNTOLD = ("unknown", "unused", None)  # a corrupted set without a manifest, a run without frost


def _check_joints(folder: Path, one: Mapping[str, Any], other_folder: Path, two: Mapping[str, Any]) -> None:
    """Raise UserError if two runs of the same annotations score other joints of them."""
    if one.get("joints") == two.get("joints") or one.get("name") != two.get("name"):
        return
    scored = [of.get("joints_scored", "all") for of in (one, two)]
    chosen = [set(of["joints"]) for of in (one, two) if isinstance(of.get("joints"), list)]
    shared = [joint for joint in one.get("joints") or two.get("joints") or () if all(joint in of for of in chosen)]
    say = f": bench both with --joints {','.join(shared)}" if shared else ""
    raise UserError(
        f"{folder.absolute()} and {other_folder.absolute()} cannot be compared, they are scored on other joints, "
        f"{scored[0]} and {scored[1]}{say}"
    )


def note_differences(folder: Path, first: Mapping[str, Any], other_folder: Path, other: Mapping[str, Any]) -> list[str]:
    """Return what is not the same between two runs, though they can be compared.

    Raises:
        UserError: they are not of the same images.
    """
    one, two = first["provenance"], other["provenance"]
    _check_joints(folder, one["dataset"], other_folder, two["dataset"])
    different = [
        f"{name} {one.get(name)} and {two.get(name)}"
        for name in SAME_PIXELS
        if one.get(name) != two.get(name) and one.get(name) not in UNTOLD and two.get(name) not in UNTOLD
    ]
    ours, theirs = ({**identify_data(p["dataset"]), "metric": name_metric(p["dataset"])} for p in (one, two))
    ours, theirs = keep_known(theirs, ours), keep_known(ours, theirs)
    keys = [key for key in {**ours, **theirs} if ours.get(key) != theirs.get(key)]
    reason = tell_difference([] if different else keys)
    different += [f"{key} {ours.get(key)} and {theirs.get(key)}" for key in keys]
    changed = {key: tell_files_apart(*(p["dataset"].get(key) for p in (one, two))) for key in CODE}
    different += [f"the metric's {name} in two versions" for name in changed["metric_code"]]
    if different:
        raise UserError(
            f"{folder.absolute()} and {other_folder.absolute()} cannot be compared, {reason}: "
            f"{first_few(different, 'differences')}"
        )
    notes = [
        f"{what}: {one.get(name, 'made')} in {folder.name}, {two.get(name, 'made')} in {other_folder.name}"
        for name, what in (("box_protocol", "boxes"), *((name, name.replace("_", " ")) for name in SAME_PIXELS))
        if one.get(name) != two.get(name)
    ]
    least = [of["dataset"].get("min_box_score", 0) for of in (one, two)]
    if least[0] != least[1]:
        notes.append(f"boxes from score {least[0]:g} in {folder.name}, from {least[1]:g} in {other_folder.name}")
    if changed["code"]:
        files = ", ".join(changed["code"])
        notes.append(
            f"the code of the data, {files}, differs between {folder.name} and {other_folder.name}; the truth does not"
        )
    if one.get("corrupted_images") != two.get("corrupted_images"):
        notes.append(f"corrupted images of {folder.name} and {other_folder.name} come from different places")
    return notes


def tell_corruptions_apart(
    folders: Sequence[Path], summaries: Sequence[Mapping[str, Any]]
) -> tuple[set[str], list[str]]:
    """Return the corruptions of somebody's own that are not the same in all runs, and a note on each one in doubt."""
    apart: set[str] = set()
    notes = []
    own = dict.fromkeys(name for summary in summaries for name in summary["corruptions"] if ":" in name)
    for name in own:
        codes = {
            folder.name: as_table(summary["provenance"].get(BY_CORRUPTION)).get(name)
            for folder, summary in zip(folders, summaries, strict=True)
            if name in summary["corruptions"]
        }
        known = [code for code in codes.values() if code]
        files = {file: None for code in known[1:] for file in tell_files_apart(known[0], code)}
        if files:
            apart.add(name)
            notes.append(f"{name} is left out: {', '.join(files)} was not the same in {' and '.join(codes)}")
        elif len(known) < len(codes):
            notes.append(f"{name}: not every run says which code it is, so it may not be the same corruption")
    return apart, notes
