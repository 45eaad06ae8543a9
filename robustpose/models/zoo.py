"""The zoo: networks as they were published: input, training, score and file, from `zoo.yaml`; and input specs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from typing import Any

import yaml

from robustpose.errors import UserError, nearest
from robustpose.models import family_of
from robustpose.models.families import FAMILIES, FamilyName
from robustpose.models.input_spec import InputSpec
from robustpose.pose.skeletons import COCO, MPII, Skeleton


@dataclass(frozen=True)
class ZooNetwork:
    """One network at one input size.

    Its `training` holds settings of a recipe that trains it, with `input_wh` where crops have another size than whole
    images, and its `batch`: devices, and crops on each of them, which is what a batch norm saw. Its `score` on clean
    data, 0..1, is as its authors give it: AP on COCO val2017, of crops with detected boxes, or PCKh on MPII valid; None
    where only Wang et al. give one.
    """

    name: str  # its row here
    network: str  # row of the table of networks
    skeleton: Skeleton  # what it was trained on: COCO or MPII
    input_wh: tuple[int, int]  # px; the sizes of whole images as `--model-set input=` takes them
    training: Mapping[str, Any]
    score: float | None = None
    file: str | None = None  # its official name; None where there is none that we read

    @property
    def input_spec(self) -> InputSpec:
        """Return what its input has to be."""
        return make_input_spec(self.network, self.skeleton, self.input_wh)

    def training_settings(self, n_devices: int = 1, batch_size: int | None = None) -> dict[str, Any]:
        """Return the settings of a recipe that trains it as it was trained, by default with the same batch size.

        Each device does its share of a batch in so many parts that batch norms see as many crops as they did.
        """
        n_shares, n_crops = self.training["batch"]
        batch_size = batch_size or n_shares * n_crops
        return {
            "model": self.network,
            "input_wh": list(self.input_wh),
            "batch_size": batch_size,
            "accumulate": max(1, batch_size // (n_crops * n_devices)),
            **{key: value for key, value in self.training.items() if key != "batch"},
        }


# By family of networks: what their checkpoints expect instead of RGB with ImageNet's mean and std, in 0..1.
COLOURS: Mapping[str, Mapping[str, Any]] = {
    "sbl": {"channels": "bgr"},  # with ImageNet's RGB mean and std all the same, as it was trained
    "mobilenet": {"mean": (0.5, 0.5, 0.5), "std": (0.5, 0.5, 0.5)},
}


def _read_zoo() -> dict[str, ZooNetwork]:
    content = yaml.safe_load(resources.files("robustpose.models").joinpath("zoo.yaml").read_text())
    trainings = content["trainings"]
    skeletons = {skeleton.name: skeleton for skeleton in (COCO, MPII)}
    zoo = {}
    for name, (network, joints, (width, height), training, *published) in content["networks"].items():
        score, file = (*published, None, None)[:2]
        score = None if score is None else round(score / 100, 4)
        zoo[name] = ZooNetwork(name, network, skeletons[joints], (width, height), trainings[training], score, file)
    return zoo


ZOO: Mapping[str, ZooNetwork] = _read_zoo()


def get_network(name: str) -> ZooNetwork:
    """Return the row of the zoo of a name, or raise UserError."""
    if name not in ZOO:
        raise UserError(f"unknown network '{name}'{nearest(name, ZOO)}: robustpose list networks shows all")
    return ZOO[name]


def has_published_input(network: str) -> bool:
    """Tell whether weights of a network that do not say their input can have that of a row: it has one here."""
    return any(published.network == network for published in ZOO.values())


def find_published(skeleton: Skeleton) -> Skeleton:
    """Return COCO's or MPII's skeleton if it has the joints of `skeleton`, in any order and spelling; else that one.

    Official weights have the published order, whatever that of the annotations is.
    """
    return next((one for one in (COCO, MPII) if one.arrange(skeleton.joints) is not None), skeleton)


def make_input_spec(
    network: str, skeleton: Skeleton, input_wh: tuple[int, int] | None = None, family: FamilyName | None = None
) -> InputSpec:
    """Return the input spec of a network for any skeleton and input size (width, height), px.

    Networks without a row get the colours that ImageNet networks have. The size is by default what is usual in the
    family, the family what the table of networks says. A side that does not suit the family is a UserError.
    """
    record = FAMILIES[family or family_of(network)]
    input_wh = input_wh or record.input_wh_by_joints.get(skeleton.joints, record.input_wh)
    if any(side < 32 or (side % 32 and not (record.reaches_last_pixel and side % 16 == 1)) for side in input_wh):
        sides = "multiples of 32, or of 16 plus 1" if record.reaches_last_pixel else "multiples of 32"
        size = f"{input_wh[0]}x{input_wh[1]} (width x height)"
        raise UserError(f"the input of {network} must have sides that are {sides}, got {size}")
    return InputSpec(
        name=network,
        input_wh=input_wh,
        joints=skeleton.joints,
        stride=record.stride,
        sigma=record.choose_sigma(input_wh),
        family=record.name,
        **COLOURS.get(network.split("_")[0], {}),
    )
