"""Joint names: which side a name says, which two are each other's mirror image, which two lists name the same joints.

By the usual spellings: ``left_eye``, ``eye_left``, ``L_Eye``, ``LEye``, ``eyeLeft``, ``eye.L``, ``left eye``, ``lsho``,
``FL_paw``. What names do not say, such as the sides of numbered joints, is never guessed.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

Pairs = tuple[tuple[int, int], ...]

LEFT, RIGHT = "<", ">"  # in a reading
MIRROR = str.maketrans(LEFT + RIGHT, RIGHT + LEFT)
SIDE_WORDS = {"left": LEFT, "right": RIGHT, "l": LEFT, "r": RIGHT, "lt": LEFT, "rt": RIGHT, "lft": LEFT, "rgt": RIGHT}
GLUED_WORDS = (("left", LEFT), ("right", RIGHT), ("左", LEFT), ("右", RIGHT))
GLUED_LETTERS = (("l", LEFT), ("r", RIGHT))
# Capitals before a capitalised word (LEye), words, numbers, letters of other alphabets.
WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+|[^\W\d_A-Za-z]+")
SHORT = {"sho": "shoulder", "elb": "elbow", "wri": "wrist", "kne": "knee", "ank": "ankle"}  # as in MPII's files
# What a letter of a side is glued to, so that `lhip` says a side even if no `rhip` does.
PARTS = {
    "eye", "ear", "cheek", "brow", "eyebrow", "shoulder", "arm", "elbow", "wrist", "hand", "thumb", "finger",
    "hip", "leg", "thigh", "knee", "shin", "ankle", "foot", "heel", "toe", "bigtoe", "smalltoe", "paw",
}  # fmt: skip
NO_SIDES = {"rear"}  # words that only look so
# Numbered joints of these are on the midline, as in tail_1, tail_2, or C7, T10, L5, S1.
MIDLINE = {
    "spine", "tail", "neck", "back", "head", "trunk", "torso", "pelvis", "chest", "thorax", "nose", "body", "vertebra",
    "c", "t", "l", "s",
}  # fmt: skip


@dataclass(frozen=True)
class Sides:
    """What names say about sides."""

    pairs: Pairs  # (left, right) indices, in the order of the left ones
    doubt: str  # why the names do not tell all sides, for messages; empty where they do


def find_sides(names: Sequence[str]) -> Sides:
    """Return which joints change places in a mirror image, by their names.

    >>> find_sides(["nose", "LEye", "REye"])
    Sides(pairs=((1, 2),), doubt='')
    >>> find_sides(["nose", "left_eye"]).doubt
    "'left_eye' has no partner"
    """
    sure = [_read_side(name) for name in names]
    pairs = _pair([[reading] if reading else [] for reading in sure])
    paired = {joint for pair in pairs for joint in pair}
    # Readings that only a partner makes likely, such as lsho with rsho: of what is left.
    likely = [[] if i in paired else _list_readings(name) for i, name in enumerate(names)]
    pairs = tuple(sorted([*pairs, *_pair(likely)]))
    paired = {joint for pair in pairs for joint in pair}
    alone = [repr(name) for i, name in enumerate(names) if i not in paired and _looks_sided(name)]
    rest = [name for i, name in enumerate(names) if i not in paired]
    if alone:
        doubt = f"{', '.join(alone[:3])}{', …' * (len(alone) > 3)} {'has' if len(alone) == 1 else 'have'} no partner"
    elif not pairs and len(names) > 1:
        doubt = f"no names among {', '.join(names[:4])}{', …' * (len(names) > 4)} are of a left and a right joint"
    elif numbered := _find_numbered(rest):
        doubt = f"{', '.join(numbered[:3])}{', …' * (len(numbered) > 3)} are only numbered"
    else:
        doubt = ""
    return Sides(pairs, doubt)


def match_names(own: Sequence[str], wanted: Sequence[str]) -> tuple[int, ...] | None:
    """Return the index in `own` of each joint of `wanted`, however both are spelt; None unless they name the same.

    >>> match_names(["nose", "LEye", "REye"], ["left_eye", "right_eye", "nose"])
    (1, 2, 0)
    """
    if tuple(own) == tuple(wanted):
        return tuple(range(len(own)))
    index = {key: i for i, key in enumerate(spell(own))}
    keys = spell(wanted)
    if not len(own) == len(wanted) == len(index) == len(set(keys)) or set(keys) != set(index):
        return None
    return tuple(index[key] for key in keys)


def find_names(own: Sequence[str], wanted: Sequence[str]) -> tuple[int, ...] | None:
    """Return the index in `own` of each joint of `wanted`, however both are spelt; None unless each is named once.

    >>> find_names(["nose", "chin", "LEye", "REye"], ["left_eye", "right_eye"])
    (2, 3)
    """
    keys, wanted_keys = spell(own), spell(wanted)
    if len(set(wanted_keys)) < len(wanted_keys) or any(keys.count(key) != 1 for key in wanted_keys):
        return None
    return tuple(keys.index(key) for key in wanted_keys)


def find_shared(own: Sequence[str], others: Sequence[str]) -> tuple[int, ...]:
    """Return the indices of the joints of `own` that `others` name, too, however both are spelt, each once in both.

    >>> find_shared(["nose", "left_hip", "tail"], ["LHip", "nose", "neck"])
    (0, 1)
    """
    keys, other_keys = spell(own), spell(others)
    return tuple(i for i, key in enumerate(keys) if keys.count(key) == 1 and other_keys.count(key) == 1)


def find_lacking(own: Sequence[str], wanted: Sequence[str]) -> list[str]:
    """Return the joints of `wanted` that `own` does not name, however both are spelt.

    >>> find_lacking(["nose", "LEye", "REye"], ["left_eye", "neck"])
    ['neck']
    """
    keys = set(spell(own))
    return [name for name, key in zip(wanted, spell(wanted), strict=True) if key not in keys]


def split_name(name: str) -> list[str]:
    """Return the words of a name in lower case, without those of its side, abbreviations written out.

    >>> split_name("LeftUpLeg"), split_name("r_ank")
    (['up', 'leg'], ['ankle'])
    """
    words = _split_words(name)
    glued = _read_part(words)
    words = [glued[1:]] if glued else [word for word in words if word not in SIDE_WORDS]
    return [SHORT.get(word, word) for word in words]


def _read_side(name: str) -> str | None:
    """Return a name with its side words as LEFT or RIGHT, the rest in lower case; None if it says no side for sure.

    A single mark comes first: left_eye and eyeLeft are read alike.
    """
    parts = []
    for match in WORDS.finditer(name):
        word = match.group().lower()
        is_numbered = name[match.end() : match.end() + 1].isdigit()  # L5 may be a vertebra
        mark = None if len(word) == 1 and is_numbered else SIDE_WORDS.get(word)
        parts.append(mark or next((side + word[len(of) :] for of, side in GLUED_WORDS if word.startswith(of)), word))
    return _join(parts)


def _list_readings(name: str) -> list[str]:
    """Return all ways in which a name may say a side: the sure one, or any l, r, left or right that begins a word."""
    sure = _read_side(name)
    if sure:
        return [sure]
    words = _split_words(name)
    readings = []
    for i, word in enumerate(words):
        for of, side in (*GLUED_WORDS, *GLUED_LETTERS):
            for rest in {word.removeprefix(of), word.removesuffix(of)} - {word}:
                readings.append(_join([*words[:i], side + rest, *words[i + 1 :]]))
    return [reading for reading in readings if reading]


def _join(parts: Sequence[str]) -> str | None:
    text = "".join(parts)
    marks = [mark for mark in text if mark in (LEFT, RIGHT)]
    if len(marks) == 1:
        return marks[0] + text.replace(marks[0], "")
    return text if marks else None


def _pair(readings: Sequence[Sequence[str]]) -> Pairs:
    """Return the pairs (left, right) of joints whose readings mirror each other's, and nobody else's."""
    joints = defaultdict(set)
    for joint, of_joint in enumerate(readings):
        for reading in of_joint:
            joints[reading].add(joint)
    partners = [set().union(*(joints.get(one.translate(MIRROR), set()) for one in of)) for of in readings]
    pairs = []
    for joint, of_joint in enumerate(readings):
        if len(partners[joint]) != 1:
            continue
        (other,) = partners[joint]
        if partners[other] != {joint} or other == joint:
            continue
        shared = next(one for one in of_joint if other in joints.get(one.translate(MIRROR), ()))
        if next(mark for mark in shared if mark in (LEFT, RIGHT)) == LEFT:
            pairs.append((joint, other))
    return tuple(pairs)


def _looks_sided(name: str) -> bool:
    """Tell whether a name says a side even without a partner."""
    return _read_side(name) is not None or _read_part(_split_words(name)) is not None


def _read_part(words: Sequence[str]) -> str | None:
    """Return the reading of a part of the body with a side glued to it (lhip, eyeleft); None for anything else."""
    name = "".join(words)
    if name in NO_SIDES:
        return None
    for of, side in (*GLUED_WORDS, *GLUED_LETTERS):
        for rest in (name.removeprefix(of), name.removesuffix(of)):
            if rest != name and SHORT.get(rest, rest) in PARTS:
                return side + SHORT.get(rest, rest)
    return None


def spell(names: Sequence[str]) -> list[str]:
    """Return one spelling of each name for all usual ones."""
    keys = []
    all_words = [_split_words(name) for name in names]
    for name, words in zip(names, all_words, strict=True):
        is_right_ear = words == ["rear"] and ["lear"] in all_words
        reading = RIGHT + "ear" if is_right_ear else _read_side(name) or _read_part(words) or "".join(words)
        mark = reading[0] if reading[:1] in (LEFT, RIGHT) else ""
        keys.append(mark + SHORT.get(reading[len(mark) :], reading[len(mark) :]))
    return keys


def _split_words(name: str) -> list[str]:
    return [match.group().lower() for match in WORDS.finditer(name)]


def _find_numbered(names: Sequence[str]) -> list[str]:
    """Return the names that only a number tells from another one, but for those on the midline."""
    groups = defaultdict(list)
    for name in names:
        words = _split_words(name)
        letters = [word for word in words if not word.isdigit()]
        if len(letters) < len(words) and not MIDLINE.intersection(letters):
            groups["".join(letters)].append(name)
    return [name for group in groups.values() if len(group) > 1 for name in group]
