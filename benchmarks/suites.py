"""How long do all cells of each suite take for one image?

    python benchmarks/suites.py
    python benchmarks/suites.py --suites video c-bar --images val2017

One 640 x 480 image, all cells of a suite, one thread, CPU time in milliseconds. `cold` = the first image of a fresh
process: loading of the corruptions and their compiled loops, random fields; the median of some processes. `warm` =
release seeding with fields drawn before, and `own` = independent seeding: medians of several times. Suites take turns,
so that a machine that is busy for a while is so for all. `slowest` = the corruption that takes most of `warm`. A suite
that needs a library which is not installed is left out, and named.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[_name] = "1"

import cv2
import numpy as np

from robustpose.corruptions import corrupt_all
from robustpose.corruptions.suites import SUITES, Suite
from robustpose.data.corrupted import MadeImages
from robustpose.data.images import read_image
from robustpose.errors import UserError

SHAPE = (480, 640, 3)


def pairs_of(suite: Suite) -> list[tuple[str, int]]:
    """Return the cells of a suite as `corrupt_all` takes them."""
    return [(name, severity) for name in suite.corruptions for severity in suite.severities]


def measure_ms(run: Callable[[], object]) -> float:
    """Return the CPU time of `run` in milliseconds."""
    start = time.process_time()
    run()
    return 1000 * (time.process_time() - start)


def measure_cold(suite: Suite, image: Path) -> float:
    """Return the CPU time of the first image of a fresh process in milliseconds."""
    command = [sys.executable, __file__, "--cold", suite.name, str(image)]
    return float(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def compare_suites(suites: list[Suite], image: np.ndarray, file: Path, repeats: int) -> None:
    """Print the table."""
    columns: dict[str, dict[str, list[float]]] = {suite.name: {"cold": [], "warm": [], "own": []} for suite in suites}
    singles: dict[str, dict[str, list[float]]] = {suite.name: {} for suite in suites}
    for _ in range(max(1, repeats // 2)):
        for suite in suites:
            columns[suite.name]["cold"].append(measure_cold(suite, file))
    for repeat in range(repeats + 1):
        for suite in suites:
            cells = pairs_of(suite)
            warm = measure_ms(lambda cells=cells: list(corrupt_all(image, cells)))
            own = measure_ms(lambda cells=cells: list(corrupt_all(image, cells, (0, 1))))
            for name in suite.corruptions:
                of_one = [cell for cell in cells if cell[0] == name]
                alone = measure_ms(lambda cells=of_one: list(corrupt_all(image, cells)))
                singles[suite.name].setdefault(name, []).append(alone)
            if repeat:  # the first time loads and draws
                columns[suite.name]["warm"].append(warm)
                columns[suite.name]["own"].append(own)
    titles = ("cells", "cold", "warm", "own")
    print(f"{'suite':<18}" + "".join(f"{title:>10}" for title in titles) + "  slowest")
    for suite in suites:
        medians = [statistics.median(of) for of in columns[suite.name].values()]
        of_each = {name: statistics.median(times[1:]) for name, times in singles[suite.name].items()}
        slowest = max(of_each, key=of_each.__getitem__)
        print(
            f"{suite.name:<18}{suite.n_cells:>10}"
            + "".join(f"{median:>10.0f}" for median in medians)
            + f"  {slowest} {of_each[slowest]:.0f}"
        )


def main() -> None:
    """Print the table, or, in a fresh process, the time of its first image."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--suites", nargs="+", default=list(SUITES), choices=list(SUITES), metavar="NAME")
    parser.add_argument("--images", type=Path, help="folder: its first 640 x 480 image is taken, else a drawn one")
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--cold", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    cv2.setNumThreads(1)
    if options.cold:
        suite, image = SUITES[options.cold[0]], np.load(options.cold[1])
        print(measure_ms(lambda: list(corrupt_all(image, pairs_of(suite)))))
        return
    suites = []
    for suite in (SUITES[name] for name in options.suites):
        try:
            MadeImages().check(suite.cells)
            suites.append(suite)
        except UserError as error:
            print(f"{suite.name} is left out: {error}")
    with tempfile.TemporaryDirectory() as scratch:
        file = Path(scratch) / "image.npy"
        image = choose_image(options.images)
        np.save(file, image)
        compare_suites(suites, image, file, options.repeats)


def choose_image(folder: Path | None) -> np.ndarray:
    """Return the first 640 x 480 image of a folder; drawn people, where no folder is given."""
    if folder is None:
        from robustpose.data.toy import ToyPeople

        return cv2.resize(ToyPeople(1).frame(0).image, SHAPE[1::-1], interpolation=cv2.INTER_CUBIC)
    files = sorted(path for path in folder.iterdir() if path.suffix in (".jpg", ".png"))
    image = next((image for image in map(read_image, files) if image.shape == SHAPE), None)
    if image is None:
        raise SystemExit(f"no image in {folder} is 640 x 480 px")
    return image


if __name__ == "__main__":
    main()
