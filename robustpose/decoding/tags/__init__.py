"""Heatmaps and tags of a whole image become people (HigherHRNet): merge the network's outputs, then group the joints.

Others import from here only.
"""

from robustpose.decoding.tags.grouping import COCO_ORDER, group_people
from robustpose.decoding.tags.merging import Maps, Outputs, merge_outputs

__all__ = ["COCO_ORDER", "Maps", "Outputs", "group_people", "merge_outputs"]
