"""Models that tests hand over in memory: networks, callables and estimators that other processes find here."""

from __future__ import annotations

import numpy as np
import torch
from torch import nn

from robustpose import Poses
from robustpose.pose.types import no_poses


class Gain(nn.Module):
    """A layer with a number that no state holds."""

    def __init__(self, gain: float) -> None:
        super().__init__()
        self.gain = gain

    def forward(self, x):
        return x * self.gain


class Net(nn.Module):
    """A network of heatmaps, of 24 filters or so."""

    def __init__(self, joints: int = 17, stride: int = 4) -> None:
        super().__init__()
        self.first = nn.Conv2d(3, 8, 3, stride=stride, padding=1)
        self.norm = nn.BatchNorm2d(8)
        self.gain = Gain(2.0)
        self.drop = nn.Dropout(0.5)
        self.last = nn.Conv2d(8, joints, 1)

    def forward(self, x):
        return self.last(self.drop(self.gain(torch.relu(self.norm(self.first(x))))))


class Answer(nn.Module):
    """A network that gives what it is made with."""

    def __init__(self, answer) -> None:
        super().__init__()
        self.answer = answer

    def forward(self, x):
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


def make_net(**arguments) -> Net:
    """Return a network with weights that are the same each time."""
    with torch.random.fork_rng():
        torch.manual_seed(1)
        return Net(**arguments)


def find_centres(image, boxes):
    """Find every joint in the middle of the box."""
    centres = (boxes[:, None, :2] + boxes[:, None, 2:]) / 2
    return np.concatenate([np.repeat(centres, 17, 1), np.ones((len(boxes), 17, 1))], -1)


class Nobody:
    """An estimator that finds nobody."""

    needs_boxes = False

    def __init__(self, skeleton) -> None:
        self.skeleton = skeleton
        self.provenance = {"kind": "nobody"}

    def predict(self, frames) -> list[Poses]:
        return [no_poses(frame.image_id, self.skeleton.n_joints) for frame in frames]
