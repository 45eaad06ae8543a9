"""Suites: named tables of corruptions and severities, with the name of the mean over each.

To add a suite, give it a row in `SUITES`, and each of its corruptions one in `robustpose.corruptions.TABLE`. A suite
that has results never changes. Other corruptions, groups or severities give another mean, so they need another version:
results name the version of their suite, and those of two versions are never put in one table.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

from robustpose.corruptions import SEVERITIES, check_names
from robustpose.errors import UserError, nearest, spell_list
from robustpose.pose.cell import CLEAN, Cell


@dataclass(frozen=True)
class Suite:
    """A table of corruptions by severities. Each pair of the two is a cell; clean images are one more."""

    name: str  # what results and ``--suite`` call it
    version: int  # raised whenever its corruptions, groups or severities change
    # names of the corruptions by group, in the order of every table
    groups: Mapping[str, tuple[str, ...]] = field(hash=False)
    mean_name: str  # of the mean over corruptions of the mean over severities. No two suites share it.
    ratio_name: str  # of that mean divided by the clean score; empty where there is none
    severities: tuple[int, ...] = SEVERITIES  # of `robustpose.corruptions.SEVERITIES`
    # corruptions that move pixels while annotated joints stay: a part of the drop is then not the estimator's fault
    moves_pixels: tuple[str, ...] = ()
    description: str = ""  # one line for people who choose

    @property
    def label(self) -> str:
        """Return, say, `coco-c 1`: the name and the version."""
        return f"{self.name} {self.version}"

    @property
    def identity(self) -> dict[str, str | int]:
        """Return how results name the suite."""
        return {"name": self.name, "version": self.version}

    @property
    def corruptions(self) -> tuple[str, ...]:
        """Return the names of all corruptions, group by group."""
        return tuple(name for names in self.groups.values() for name in names)

    @property
    def cells(self) -> tuple[Cell, ...]:
        """Return clean and all cells, in the order of the tables."""
        return cells_of(self.corruptions, self.severities)

    @property
    def n_corruptions(self) -> int:
        """Return the number of corruptions."""
        return len(self.corruptions)

    @property
    def n_cells(self) -> int:
        """Return the number of cells, clean not counted."""
        return self.n_corruptions * len(self.severities)

    def with_mean_called(self, name: str) -> Suite:
        """Return the suite as a metric has it whose score on clean images is 1 by definition: no ratio to that."""
        return replace(self, mean_name=name, ratio_name="")

    def is_complete(self, cells: Collection[Cell]) -> bool:
        """Return whether clean and all cells of the suite are among `cells`: only then there is a mean."""
        return set(self.cells) <= set(cells)


def cells_of(names: Sequence[str], severities: Sequence[int]) -> tuple[Cell, ...]:
    """Return clean, and each of some corruptions at each of some severities."""
    return (CLEAN, *(Cell(name, severity) for name in names for severity in severities))


COCO_C = Suite(
    "coco-c",  # Wang et al., CVPR 2021; also MPII-C and OCHuman-C: the images differ, the corruptions do not
    version=1,
    groups={
        "noise": ("gaussian_noise", "shot_noise", "impulse_noise"),
        "blur": ("defocus_blur", "glass_blur", "motion_blur", "zoom_blur"),
        "weather": ("snow", "frost", "fog", "brightness"),
        "digital": ("contrast", "elastic_transform", "pixelate", "jpeg_compression"),
    },
    mean_name="mPC",
    ratio_name="rPC",
    moves_pixels=("glass_blur", "zoom_blur", "elastic_transform"),
    description="the corruptions of COCO-C, MPII-C and OCHuman-C",
)
HELD_OUT = Suite(
    "held-out",  # the extra corruptions of Hendrycks & Dietterich, ICLR 2019: for checks on what nobody tuned to
    version=1,
    groups={"held_out": ("speckle_noise", "gaussian_blur", "spatter", "saturate")},
    mean_name="mPH",
    ratio_name="rPH",
    description="the extra ones of ImageNet-C, which nobody tuned to",
)
AFTER_POSEBENCH = Suite(
    # The ten kinds of PoseBench (Ma et al., arXiv 2406.14367), whose program was never released: what is measured from
    # its figure and what is our choice is in docs/reference/corrupting.md. Never put beside their numbers.
    "after-posebench",
    version=1,
    groups={
        "blur_and_noise": ("motion_blur", "gaussian_noise", "impulse_noise"),
        "compression_and_color": ("pixelate", "jpeg_compression", "color_quantization"),
        "lighting": ("brightness", "darkness", "contrast"),
        "masking": ("mask",),
    },
    mean_name="mPP",
    ratio_name="mRR",  # mean over corruptions of (mean over severities / clean): the same as mean / clean
    description="after the ten kinds of PoseBench, in part our choice: not comparable with its numbers",
)
LOW_LIGHT = Suite(
    "low-light",  # ours, by a model of the sensor: see `robustpose.corruptions.sensor`
    version=1,
    groups={"low_light": ("underexposure", "high_gain", "dim_light")},
    mean_name="mPL",
    ratio_name="rPL",
    description="too little light, by a model of the sensor: gain, shot and read noise",
)
VIDEO = Suite(
    "video",  # ours
    version=1,
    groups={"video": ("h264", "h264_predicted", "h264_small")},
    mean_name="mPV",
    ratio_name="rPV",
    description="images out of H.264 streams; needs robustpose[video]",
)
C_BAR = Suite(
    "c-bar",  # Mintun et al., NeurIPS 2021: chosen for their distance from those of ImageNet-C
    version=1,
    groups={
        "noise": (
            "blue_noise_sample",
            "brownish_noise",
            "perlin_noise",
            "plasma_noise",
            "single_frequency_greyscale",
            "cocentric_sine_waves",
        ),
        "occlusion": ("checkerboard_cutout", "sparkles", "inverse_sparkles"),
        "optics": ("caustic_refraction",),
    },
    mean_name="mPCB",
    ratio_name="rPCB",
    moves_pixels=("caustic_refraction",),
    description="those of ImageNet-C-bar, chosen to be unlike ImageNet-C's",
)
SUITES: dict[str, Suite] = {suite.name: suite for suite in (COCO_C, HELD_OUT, C_BAR, AFTER_POSEBENCH, LOW_LIGHT, VIDEO)}


def find_suite(name: str, version: int | None = None) -> Suite:
    """Return the suite of a name; UserError if there is none, or if its version is not the one that results name."""
    if name not in SUITES:
        raise UserError(f"unknown suite '{name}'{nearest(name, SUITES)}: expected one of {', '.join(SUITES)}")
    suite = SUITES[name]
    if version not in (None, suite.version):
        raise UserError(f"version {version} of suite {name} was asked for, and this robustpose has {suite.version}")
    return suite


def choose_cells(
    words: Sequence[str], severities: Sequence[int] | None = None, suite: Suite = COCO_C
) -> tuple[Cell, ...]:
    """Return the cells of a run, clean first: those of the suite in its order, then others as they were named.

    Args:
        words: names of corruptions; groups of the suite, such as `noise`; `all` for the whole suite; the name of
            another suite for its corruptions, where `held_out` is `held-out`; `none` for clean images only; or
            ``package.module:function``.
        severities: some of the suite's; None for all of them.
        suite: of `all` and of the groups.
    """
    names: list[str] = []
    for word in words:
        other = SUITES.get(word.replace("_", "-"))
        if word == "all":
            names += suite.corruptions
        elif word in suite.groups:
            names += suite.groups[word]
        elif other is not None:
            names += other.corruptions
        elif word != "none":
            names.append(word)
    check_names(names)
    known = spell_list(suite.severities)
    chosen = sorted(set(suite.severities if severities is None else severities))
    unknown = [severity for severity in chosen if severity not in suite.severities]
    if unknown:
        raise UserError(f"the suite's severities are {known}, got {unknown[0]}")
    if names and not chosen:
        raise UserError(f"name at least one severity of {known}")
    order = [*suite.corruptions, *(name for one in SUITES.values() for name in one.corruptions), *names]
    return cells_of([name for name in dict.fromkeys(order) if name in names], chosen)
