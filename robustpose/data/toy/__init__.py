"""Toy people: drawn images of one to four people with exact COCO joints, made from (seed, index) alone.

For a first look, for tests and for a network that trains in minutes: no files, no downloads. `body` poses a person,
`dress` clothes it, `paint` draws shapes, and `scene` puts people and everything around them into an image.

Visibility follows COCO's rules: 0, with xy (0, 0), outside the image; 1 in the image but hidden by the person's own
body, by hair or a hat, by someone else or by an object; 2 visible. Eyes, ears and nose on the side of the head that is
turned away are 0, as COCO's annotators leave them. Left and right are the person's own.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

import numpy as np

from robustpose.data.readers import Reader
from robustpose.data.toy.scene import GENERATOR_VERSION, Scene, compose_scene, paint_scene
from robustpose.errors import UserError
from robustpose.pose.crop import clip_truth_box
from robustpose.pose.protocols import Dataset
from robustpose.pose.skeletons import COCO
from robustpose.pose.types import Floats, Frame, Image, Truth

SPLITS = ("train", "val")
SCENES_KEPT = 8


@dataclass(frozen=True, eq=False)
class Painted(Reader):
    """Paint a scene, anew in each process."""

    scene: Scene

    def __call__(self) -> Image:
        return paint_scene(self.scene)


class ToyPeople(Dataset):
    """A data set of drawn people: one to four in each image, two to five with `crowded`.

    The first images are the same for every `n_images`. The splits `train` and `val` never share an image.
    """

    skeleton = COCO
    metric = "coco_ap"

    def __init__(self, n_images: int = 64, seed: int = 0, split: str = "val", crowded: bool = False) -> None:
        if n_images < 1:
            raise UserError(f"toy needs n_images of at least 1, got {n_images}")
        if split not in SPLITS:
            raise UserError(f"toy has the splits {' and '.join(SPLITS)}, got '{split}'")
        self.n_images = n_images
        self.seed = seed
        self.split = split
        self.crowded = crowded
        # It determines every pixel.
        self.provenance = {
            "name": "toy-crowds" if crowded else "toy",
            "seed": seed,
            "split": split,
            "n_images": n_images,
            "generator_version": GENERATOR_VERSION,
        }
        self._scenes: OrderedDict[int, Scene] = OrderedDict()  # the latest ones

    def __len__(self) -> int:
        return self.n_images

    def frame(self, index: int) -> Frame:
        """Return image `index`, painted when it is first looked at, with everyone's true box."""
        scene = self._scene(index)
        return Frame(index + 1, Painted(scene), np.stack([person.box_xyxy for person in scene.people]))

    def truth(self, index: int) -> Truth:
        """Return who is in image `index`; area is that of the person's visible pixels."""
        people = self._scene(index).people
        return Truth(
            image_id=index + 1,
            xy=np.stack([person.xy for person in people]),
            visible=np.stack([person.visible for person in people]),
            area=np.array([person.area for person in people]),
            boxes=np.stack([person.box_xyxy for person in people]),
            crowd=np.zeros(len(people), bool),
        )

    def learning_boxes(self, index: int) -> Floats:
        """Return true boxes cut off at the image as COCO's are: the demo network was trained so.

        They end a pixel before those of the frames.
        """
        scene = self._scene(index)
        boxes = [person.box_xyxy for person in scene.people]
        clipped = [clip_truth_box(np.concatenate([box[:2], box[2:] - box[:2]]), scene.size_wh) for box in boxes]
        return np.stack([box if cut is None else cut for box, cut in zip(boxes, clipped, strict=True)])

    def _scene(self, index: int) -> Scene:
        if not 0 <= index < self.n_images:
            raise IndexError(f"toy has images 0..{self.n_images - 1}, got {index}")
        if index not in self._scenes:
            name = f"{self.provenance['name']}|{GENERATOR_VERSION}|{self.seed}|{self.split}|{index}"
            self._scenes[index] = compose_scene(name, self.crowded)
            if len(self._scenes) > SCENES_KEPT:
                self._scenes.popitem(last=False)
        return self._scenes[index]
