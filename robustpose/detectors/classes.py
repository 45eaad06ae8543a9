"""Classes: which classes of a detector count as which category of the data."""

from __future__ import annotations

from collections.abc import Sequence

from robustpose.errors import UserError, nearest, quote

# Names of the 80 classes of COCO in their order, and the ids that they have in its files.
COCO_CLASSES = (
    "person", "bicycle", "car", "motorcycle", "airplane", "bus", "train", "truck", "boat", "traffic light",
    "fire hydrant", "stop sign", "parking meter", "bench", "bird", "cat", "dog", "horse", "sheep", "cow", "elephant",
    "bear", "zebra", "giraffe", "backpack", "umbrella", "handbag", "tie", "suitcase", "frisbee", "skis", "snowboard",
    "sports ball", "kite", "baseball bat", "baseball glove", "skateboard", "surfboard", "tennis racket", "bottle",
    "wine glass", "cup", "fork", "knife", "spoon", "bowl", "banana", "apple", "sandwich", "orange", "broccoli",
    "carrot", "hot dog", "pizza", "donut", "cake", "chair", "couch", "potted plant", "bed", "dining table", "toilet",
    "tv", "laptop", "mouse", "remote", "keyboard", "cell phone", "microwave", "oven", "toaster", "sink",
    "refrigerator", "book", "clock", "vase", "scissors", "teddy bear", "hair drier", "toothbrush",
)  # fmt: skip
NOT_USED = (12, 26, 29, 30, 45, 66, 68, 69, 71, 83)  # of the ids 1 to 90
COCO_IDS = tuple(i for i in range(1, 91) if i not in NOT_USED)
# What people are called; a detector says one of them, data another.
PEOPLE = ("person", "people", "human", "pedestrian", "persons", "humans", "pedestrians")
MOST_SHOWN = 12  # names of classes in a message


def name_classes(n_classes: int) -> tuple[str, ...]:
    """Return the names of so many classes of a network that names none: COCO's where the number is theirs, else none.

    Without a name are numbers that COCO's files do not use, of networks with a class for each of their ids.

    >>> name_classes(80)[0], name_classes(91)[1], name_classes(7)
    ('person', 'person', ())
    """
    if n_classes == len(COCO_CLASSES):
        return COCO_CLASSES
    if n_classes in (90, 91, 92):  # ids from 1, from 0, and from 0 with one more for nothing
        first = 1 if n_classes == 90 else 0
        names = dict(zip(COCO_IDS, COCO_CLASSES, strict=True))
        return tuple(names.get(first + i, "") for i in range(n_classes))
    return ()


def group_classes(
    what: str, names: Sequence[str], n_classes: int | None, categories: Sequence[str], said: Sequence[str] | None
) -> list[list[int]]:
    """Return the numbers of the classes that count as each category of the data.

    Args:
        what: the detector, as messages begin.
        names: of its classes in their order; empty where nobody says them.
        n_classes: how many it has; None where nobody knows.
        categories: names of the data's categories, at least one.
        said: classes, names or numbers, each perhaps with ``=CATEGORY``; by default those named as the categories.

    Raises:
        UserError: a category without a class, or a class that there is not.

    >>> group_classes("it", ("dog", "person"), 2, ["person"], None)
    [[1]]
    """
    if said is None:
        return [[_find_default(what, names, n_classes, category, len(categories))] for category in categories]
    groups: list[list[int]] = [[] for _ in categories]
    for word in said:
        name, is_mapped, category = word.partition("=")
        number = _find_class(what, names, n_classes, name.strip())
        groups[_find_category(what, name, category.strip() if is_mapped else None, categories)].append(number)
    empty = [category for category, group in zip(categories, groups, strict=True) if not group]
    if empty:
        raise UserError(f"{what}: classes={','.join(said)} name none for the category {quote(empty[0])} of the data")
    return [list(dict.fromkeys(group)) for group in groups]


def _find_default(what: str, names: Sequence[str], n_classes: int | None, category: str, n_categories: int) -> int:
    """Return the number of the class that a category of the data is called by."""
    found = _match(category, names)
    if found is not None:
        return found
    if n_classes == 1 and n_categories == 1 and not names:
        return 0
    hint = nearest(category, [name for name in names if name])
    have = f"its classes are {_list(names)}{hint}" if names else "it does not name its classes"
    example = "a number from 0" if not names else "such as classes=" + next(name for name in names if name)
    raise UserError(f"{what} has no class {quote(category)}, which the data look for: {have}; say classes=, {example}")


def _find_class(what: str, names: Sequence[str], n_classes: int | None, word: str) -> int:
    """Return the number of a class that is said by name or by number."""
    found = _match(word, names)
    if found is not None:
        return found
    if word.isascii() and word.isdecimal() and len(word) < 6:
        if n_classes is not None and int(word) >= n_classes:
            raise UserError(f"{what} has {n_classes} classes, counted from 0: classes={word} is none of them")
        return int(word)
    if not names:
        raise UserError(f"{what} does not name its classes: say classes= by numbers from 0, got {quote(word)}")
    raise UserError(f"{what} has no class {quote(word)}{nearest(word, names)}: its classes are {_list(names)}")


def _find_category(what: str, name: str, category: str | None, categories: Sequence[str]) -> int:
    """Return the index of the category that a class counts as: the one that is said, the only one, or its namesake."""
    if category is None and len(categories) == 1:
        return 0
    found = _match(name if category is None else category, categories)
    if found is None:
        which = f"is called {quote(category)}" if category is not None else f"is called as class {quote(name)}"
        raise UserError(
            f"{what}: no category of the data {which}: they are {_list(categories)}; say "
            f"classes={name}={next(iter(categories))}, or another of them"
        )
    return found


def _match(word: str, names: Sequence[str]) -> int | None:
    """Return the index of a name, however it is spelt."""
    plain = [_simplify(name) for name in names]
    wanted = [_simplify(word)]
    wanted += PEOPLE if wanted[0] in PEOPLE else ()
    return next((plain.index(way) for way in wanted if way and way in plain), None)


def _simplify(name: str) -> str:
    return name.strip().lower().replace("_", " ").replace("-", " ")


def _list(names: Sequence[str]) -> str:
    shown = [quote(name) for name in names if name]
    return ", ".join(shown[:MOST_SHOWN]) + (f", … {len(shown)} in all" if len(shown) > MOST_SHOWN else "")
