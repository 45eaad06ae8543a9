"""Harden your own network in your own loop: `AdvMixStep` is one iteration of AdvMix.

    python examples/advmix_in_your_loop.py

Put your network, your crops and your targets in the place of the random ones here. Views must share their geometry: the
crop, its colours changed, and the crop with squares taken out, all normalised as your network expects.
"""

import numpy as np
import torch
from torch import nn

from robustpose.models.input_spec import InputSpec
from robustpose.train.advmix import AdvMixStep
from robustpose.train.mixing import GeneratorMix, make_generator
from robustpose.train.optimisation import Optimisation
from robustpose.train.seen import list_seen
from robustpose.train.teacher import Teacher
from robustpose.train.views.autoaugment import apply_autoaugment
from robustpose.train.views.gridmask import draw_grid, remove_squares

N_JOINTS, WIDTH, HEIGHT = 17, 96, 128


def normalise(crops):
    """Return (B, 3, h, w) of uint8 crops (B, h, w, 3)."""
    return (torch.from_numpy(crops).float() / 255 - 0.45).permute(0, 3, 1, 2) / 0.225


def make_views(crops, rng):
    """Return clean, AutoAugment and GridMask views (B, 3, 3, h, w) of uint8 crops (B, h, w, 3)."""
    clean = normalise(crops)
    coloured = normalise(np.stack([apply_autoaugment(crop, rng) for crop in crops]))
    grids = torch.from_numpy(np.stack([draw_grid((HEIGHT, WIDTH), rng) for _ in crops]))
    return torch.stack([clean, coloured, remove_squares(clean, grids)], dim=1)


def main():
    """Take a few steps on random crops."""
    rng = np.random.default_rng(0)
    student = nn.Sequential(nn.Conv2d(3, 32, 4, 4), nn.BatchNorm2d(32), nn.ReLU(), nn.Conv2d(32, N_JOINTS, 1))
    teacher = Teacher(student, alpha=0.1)  # a frozen copy of the student as it starts; alpha of the paper's eq. 8
    mixer = GeneratorMix(make_generator(n_views=3, input_wh=(WIDTH, HEIGHT), width=16))
    step = AdvMixStep(student, teacher, mixer, optimisation=Optimisation(lr=1e-3))
    for number in range(5):
        crops = rng.integers(0, 256, (8, HEIGHT, WIDTH, 3), np.uint8)
        target = torch.rand(8, N_JOINTS, HEIGHT // 4, WIDTH // 4)
        weight = torch.ones(8, N_JOINTS, 1)  # 0 for joints that nobody annotated
        losses = step({"views": make_views(crops, rng), "target": target, "weight": weight})
        print(number, "  ".join(f"{name} {float(loss):.4f}" for name, loss in losses.items()))
    # So that results of `robustpose.bench(student, …)` mark scores under corruptions that it has learned from.
    student.input_spec = InputSpec("mine", (WIDTH, HEIGHT), seen=list_seen(["autoaugment", "gridmask"]))
    torch.save(student.state_dict(), "hardened.pth")  # nothing is added at inference


if __name__ == "__main__":
    main()
