"""Changes: in what a setup differs from the one that a folder was begun with, said by the names of files.

A setup is JSON. These of its keys hold more than a value:

code, metric_code   what somebody's own code is in: SHA-256 of each file by its name, see `sources` and `states`
                    and of variables, ``SCALE of darken``
corruption_code     the same by the names of corruptions, and versions of the codec of those of H.264; a run may take in
                    others later
state               SHA-256 of weights, arguments and variables of an object, by their names
files, boxes_files  SHA-256 of each file of a folder by its name; a run may take in others later
external_data       SHA-256 of the files that belong to another file, by their names

Notes of 0.1.0 have none of them. What they leave open is not asked, but for somebody's own code: no version tells that.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from robustpose.files import list_differences

CODE = ("code", "metric_code")
STATE = "state"
ALL_NAMES = {"(names)": "all"}  # in a state: it has all names, so that others have come in or gone
OF = " of "  # between the names of a variable and of what it belongs to
BY_CORRUPTION = "corruption_code"
FOLDERS = {"files": "sha256", "boxes_files": "boxes_sha256"}  # and the digest of the whole folder
GROWING = (BY_CORRUPTION, *FOLDERS)
# Not in notes of 0.1.0.
LATER = (
    "external_data",
    "skeleton_sha256",
    "annotated_sha256",
    "given_boxes_sha256",
    "pixels_sha256",
    "styles_contents_sha256",
    "contents_sha256",
    "image_files_sha256",
    "stylized_sha256",
)
# Key of a digest -> key of the file's name beside it.
NAMED = {
    "sha256": "name", "annotations_sha256": "name", "boxes_sha256": "boxes_file", "skeleton_sha256": "sigmas_from",
}  # fmt: skip
# Key of a digest -> what has changed.
SPOKEN = {
    "image_files_sha256": "the image files have changed",
    "truth_sha256": "the truth (gt_valid.mat) has changed",
    "annotated_sha256": "what is annotated has changed",
    "given_boxes_sha256": "the boxes that the dataset gives have changed",
    "people_sha256": "where people are, which decides pixels, has changed",
    "pixels_sha256": "the pixels that the dataset gives, which must be the same at each reading, have changed",
    "manifest_sha256": "the corrupted set's manifest.json has changed",
    "names_and_sizes_sha256": "the corrupted images have changed",
    "contents_sha256": "the corrupted images have changed",
    "styles_sha256": "the style images have changed",
    "styles_contents_sha256": "the style images have changed",
    "stylized_sha256": "the stylised copies have changed",
    "state_sha256": "the network's weights have changed",
}
DIGEST = re.compile("[0-9a-f]{64}")
SINCE = "since this run was begun"
Tree = Mapping[str, Any]


def find_changes(old: Tree, new: Tree) -> tuple[list[str], dict[str, Any], dict[str, Any]]:
    """Return a line for each change that has a name, and what is left to compare of both setups.

    >>> find_changes({"seed": 1, "code": {"net.py": "a"}}, {"seed": 2, "code": {"net.py": "b"}})
    (['net.py has changed since this run was begun'], {'seed': 1}, {'seed': 2})
    """
    new = json.loads(json.dumps(new))  # as in the file
    lines: list[str] = []
    rest: tuple[dict[str, Any], dict[str, Any]] = ({}, {})
    for key in [*old, *(key for key in new if key not in old)]:
        before, now = old.get(key), new.get(key)
        if before == now or (key in LATER and before is None):
            continue
        if _is_told_by_files(key, old, new) or _is_only_a_name(key, old, new):
            continue
        explained = _explain(key, old, new)
        if explained is not None:
            lines += (f"{line} {SINCE}" for line in explained)
        elif isinstance(before, dict) and isinstance(now, dict):
            inner, *sides = find_changes(before, now)
            lines += inner
            for side, left in zip(rest, sides, strict=True):
                side.update({key: left} if any(sides) else {})
        else:
            for side, tree in zip(rest, (old, new), strict=True):
                side.update({key: tree[key]} if key in tree else {})
    return list(dict.fromkeys(lines)), *rest


def list_changes(old: Tree, new: Tree) -> list[str]:
    """Return all that differs, a line each: values first, then what has changed."""
    lines, *rest = find_changes(old, new)
    return [*list_differences(*rest), *lines]


def keep_known(old: Tree, new: Tree) -> dict[str, Any]:
    """Return a setup without what an old note leaves open, somebody's own code included."""
    return {key: value for key, value in new.items() if key in old or key not in (*CODE, *LATER)}


def tell_files_apart(one: Any, other: Any) -> list[str]:
    """Return the names of files that are not the same in two tables of code; versions of libraries do not count."""
    one, other = as_table(one), as_table(other)
    files = [name for name in {**one, **other} if DIGEST.fullmatch(str(one.get(name, other.get(name))))]
    both = [name for name in files if OF not in name or (name in one and name in other)]  # of versions that note both
    return [name for name in both if one.get(name) != other.get(name)]


def spell_state(variable: str, name: str) -> str:
    """Return the name that a variable has in a table of code, of what is called ``module:name``."""
    return f"{variable}{OF}{name.rpartition(':')[2]}"


def choose_states(code: Tree) -> dict[str, str]:
    """Return the variables in a table of code."""
    return {name: digest for name, digest in code.items() if OF in name}


def take_in(old: Tree, new: Tree) -> dict[str, Any]:
    """Return a folder's note with what it may take in of a setup that has no changes."""
    merged = dict(old)
    for key, before in old.items():
        now = new.get(key)
        if isinstance(before, dict) and isinstance(now, Mapping):
            # In one order, whichever came first: runs in one go and bit by bit leave the same note.
            merged[key] = dict(sorted({**now, **before}.items())) if key in GROWING else take_in(before, now)
    return merged


def as_table(value: Any) -> Tree:
    """Return a table as it is, and an empty one for anything else that a note may hold."""
    return value if isinstance(value, Mapping) else {}


def _is_told_by_files(key: str, old: Tree, new: Tree) -> bool:
    """Return whether a digest is of a folder whose files are compared one by one."""
    return any(key == digest and files in old and files in new for files, digest in FOLDERS.items())


def _is_only_a_name(key: str, old: Tree, new: Tree) -> bool:
    """Return whether a key is the name of detections whose bytes are told: other names for the same are no change."""
    digest = "boxes_sha256"
    if key != NAMED[digest] or old.get(digest) is None:
        return False
    return old.get(digest) == new.get(digest) or _is_told_by_files(digest, old, new)


def _explain(key: str, old: Tree, new: Tree) -> list[str] | None:
    """Return what has changed at a key, in words; None for what is compared as any other value."""
    before, now = old.get(key), new.get(key)
    if key in CODE:
        return list(_compare_code(before, as_table(now)))
    if key == BY_CORRUPTION:
        known = {
            name: as_table(before).get(name) for name in as_table(now) if not isinstance(before, dict) or name in before
        }
        return [line for name, code in known.items() for line in _compare_code(code, as_table(now)[name])]
    if key == STATE:
        return [f"{name} of what is benched has changed" for name in _list_changed_state(before, now)]
    if key in FOLDERS:
        return [f"{name} has changed" for name in _list_differing(before, now)]
    if key == "external_data":
        return list(_compare_code(as_table(before), as_table(now)))
    if not isinstance(before, str) or not isinstance(now, str):
        return None
    if key in NAMED and old.get(NAMED[key]) is not None and old.get(NAMED[key]) == new.get(NAMED[key]):
        return [f"{old[NAMED[key]]} has changed"]
    if key == "frost_textures" and before.startswith("folder:") and now.startswith("folder:"):
        return ["the frost textures have changed"]
    return [SPOKEN[key]] if key in SPOKEN else None


def _compare_code(before: Any, now: Tree) -> Iterator[str]:
    """Yield what has changed between the files of some code, changed ones first."""
    if not isinstance(before, dict):
        if now:
            yield f"{next(iter(now))}, or what it uses, may have changed (an earlier version did not note code)"
        return
    yield from (f"{name} has changed" for name in _list_differing(before, now))
    yield from (f"{name} is not used any more, as it was" for name in before if name not in now)
    has_states = bool(choose_states(before))  # not noted by earlier versions
    yield from (f"{name} has come in" for name in now if name not in before and (has_states or OF not in name))


def _list_changed_state(before: Any, now: Any) -> list[str]:
    """Return the names of a state that differ, or are in one only where both have all names."""
    before, now = as_table(before), as_table(now)
    if not before.keys() & ALL_NAMES.keys() & now.keys():
        return _list_differing(before, now)
    return [name for name in {**before, **now} if before.get(name) != now.get(name)]


def _list_differing(before: Any, now: Any) -> list[str]:
    """Return the names that two tables have in common, with different values."""
    return [name for name in as_table(before) if name in as_table(now) and before[name] != now[name]]
