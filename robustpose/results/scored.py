"""What is scored: which joints, people, areas and sigmas, said beside the data's name where they are unusual.

The same annotations give many scores. Two that mean something else must not be called by the same name.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from robustpose.errors import spell_list
from robustpose.metrics import names_code, needs_sigmas, spell_in_full

# Of a dataset's provenance: what may differ in two runs of the same images, and what it is in words.
_WAYS = {
    "parts": "joints",
    "joints": "joints",
    "joints_scored": "joints",
    "skeleton": "skeletons",
    "skeleton_sha256": "skeletons",
    "sigmas_from": "sigmas",
    "category": "categories",
    "categories": "categories",
    "area": "areas",
    "metric": "metrics",
}


AS_ONE = "all categories are scored as one"  # in the warning of poses that do not say theirs


def list_notes(dataset: Mapping[str, Any], warnings: Sequence[str] | None = None) -> list[str]:
    """Return what is unusual in what is scored, from the provenance of a dataset.

    `warnings` of a run tell whether AP is a mean over categories; without them, how many there are is said alone.

    >>> list_notes({"metric": "coco_ap", "parts": "wholebody", "area": "0.53 x box"})
    ['parts wholebody', 'areas 0.53 x box']
    >>> list_notes({"metric": "coco_ap", "joints_scored": "12 of 14", "sigmas_from": "1/K"})
    ['12 of 14 joints', 'sigmas 1/K']
    """
    scored, several = dataset.get("joints_scored"), dataset.get("categories")
    category = dataset.get("category")
    notes = [f"{scored} joints"] if scored else []
    if dataset.get("parts"):
        notes.append(f"parts {dataset['parts']}")
    if isinstance(several, list) and len(several) > 1:
        is_mean = dataset.get("metric") == "coco_ap" and warnings is not None and AS_ONE not in " ".join(warnings)
        notes.append(f"{'mean over ' if is_mean else ''}{len(several)} categories")
    elif category not in (None, "person"):
        notes.append(f"category {several[0] if several else category}")
    if dataset.get("area"):
        notes.append(f"areas {dataset['area']}")
    pck = name_pck(dataset)
    return [*notes, *([pck] if pck else []), *_note_sigmas(dataset)]


def name_pck(dataset: Mapping[str, Any]) -> str:
    """Return the name of a PCK in full, such as `pck:box@0.2`, from the provenance of a dataset; none of others."""
    metric = name_metric(dataset)
    return metric if isinstance(metric, str) and metric.startswith("pck:") else ""


def name_metric(dataset: Mapping[str, Any]) -> Any:
    """Return which metric the provenance of a dataset names, in full: equal for what is the same metric."""
    metric = dataset.get("metric")
    return spell_in_full(metric) if isinstance(metric, str) else metric


def _note_sigmas(dataset: Mapping[str, Any]) -> list[str]:
    """Return whose sigmas they are, where they count, and the joints do not tell: nobody's, or those of a file."""
    source, metric = str(dataset.get("sigmas_from", "")), dataset.get("metric")
    is_by_oks = isinstance(metric, str) and needs_sigmas(metric) and not names_code(metric)
    if not is_by_oks or not (source == "1/K" or "." in source):
        return []
    return [f"sigmas {source}" if source == "1/K" else f"sigmas of {source}"]


def list_joints_scored(dataset: Mapping[str, Any]) -> list[str]:
    """Return the joints that are scored where these are not all; else none."""
    joints = dataset.get("joints")
    return [str(joint) for joint in joints] if isinstance(joints, list) else []


def tell_difference(keys: Sequence[str]) -> str:
    """Return how two runs differ that are told apart by some keys of their datasets' provenance.

    >>> tell_difference(["parts", "sigmas_from"])
    'they are of other joints and sigmas on the same images'
    >>> tell_difference(["parts", "annotations_sha256"])
    'they are not of the same images'
    """
    if not keys or any(key not in _WAYS for key in keys):
        return "they are not of the same images"
    ways = dict.fromkeys(_WAYS[key] for key in keys)
    return f"they are of other {spell_list(list(ways))} on the same images"


def name_scored(dataset: Mapping[str, Any]) -> str:
    """Return what is counted, from the provenance of a dataset: people, or instances of other categories.

    >>> name_scored({"categories": ["person"]}), name_scored({"category": "all", "categories": ["cat", "dog"]})
    ('people', 'instances')
    """
    several, category = dataset.get("categories"), dataset.get("category")
    names = several if isinstance(several, list) and several else [category]
    return "people" if set(map(str, names)) <= {"person", "None"} else "instances"


def count_title(kind: str, dataset: Mapping[str, Any]) -> str:
    """Return what is counted in a table of categories, parts or levels: who is of a category need not be a person."""
    return "annotated" if kind == "category" else name_scored(dataset)
