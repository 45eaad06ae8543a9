"""How fast are the corruptions, how much memory do they take, and do they equal the original program?

    python benchmarks/corruptions.py
    python benchmarks/corruptions.py --images val2017 --reference /path/to/python-with-imagecorruptions

One thread, CPU time, medians. First table: one 640 x 480 image, all five severities of each corruption, in
milliseconds: `warm` = release seeding with fields drawn before, `own` = independent seeding, `worst` = the slowest
single warm cell. With --reference, another interpreter that has imagecorruptions 1.1.2 does the same cells in the same
run, one corruption after the other; if it runs on the NumPy of this interpreter, its pixels are compared, too. Second
table, with --images: every image of a folder through all 75 cells in a fresh process, empty caches and imports
included; the reference does every n-th image, scaled by pixels.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[_name] = "1"

import cv2
import numpy as np

from robustpose.corruptions import SEVERITIES, corrupt, corrupt_all
from robustpose.corruptions.suites import COCO_C
from robustpose.data.images import read_image

CELLS = [(name, severity) for name in COCO_C.corruptions for severity in SEVERITIES]


class Reference:
    """The original program, in another interpreter that answers one question after the other."""

    def __init__(self, python: Path) -> None:
        driver = Path(__file__).with_name("reference_driver.py")
        self._process = subprocess.Popen(
            [str(python), "-W", "ignore", str(driver)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.versions: dict[str, str] = self._read()

    def ask(self, **question: Any) -> dict[str, Any]:
        """Send a question and return its answer."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(question) + "\n")
        self._process.stdin.flush()
        return self._read()

    def _read(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise SystemExit("the reference interpreter died: does it have imagecorruptions?")
        return json.loads(line)


def median_ms(run: Any, repeats: int) -> float:
    """Return the median CPU time of `run` in milliseconds."""
    seconds = []
    for _ in range(repeats):
        start = time.process_time()
        run()
        seconds.append(time.process_time() - start)
    return 1000 * statistics.median(seconds)


def compare_cells(image: np.ndarray, repeats: int, reference: Reference | None, scratch: Path) -> None:
    """Print the table of one image."""
    np.save(scratch / "image.npy", image)
    equal_libraries = reference is not None and reference.versions["numpy"] == np.__version__
    titles = [
        "warm",
        "own",
        "worst",
        *(["original", "ratio"] if reference else []),
        *(["differ"] if equal_libraries else []),
    ]
    print(f"{'corruption':<18}" + "".join(f"{title:>10}" for title in titles))
    totals = dict.fromkeys(titles, 0.0)
    for name in COCO_C.corruptions:
        cells = [(name, severity) for severity in SEVERITIES]
        list(corrupt_all(image, cells))
        row = {"warm": median_ms(lambda cells=cells: list(corrupt_all(image, cells)), repeats)}
        list(corrupt_all(image, cells, (0, 1)))
        row["own"] = median_ms(lambda cells=cells: list(corrupt_all(image, cells, (0, 1))), repeats)
        row["worst"] = max(median_ms(lambda s=s, name=name: corrupt(image, name, s), repeats) for s in SEVERITIES)
        if reference:
            answer = reference.ask(image=str(scratch / "image.npy"), name=name, repeats=1, out=str(scratch / "theirs"))
            row["original"] = 1000 * sum(answer["seconds"])
            row["ratio"] = row["original"] / row["warm"]
            if equal_libraries:
                ours = corrupt_all(image, cells)
                theirs = (np.load(scratch / f"theirs-{severity}.npy") for severity in SEVERITIES)
                row["differ"] = sum(int((a != b).sum()) for a, b in zip(ours, theirs, strict=True))
        print(f"{name:<18}" + "".join(f"{row[title]:>10.1f}" for title in titles), flush=True)
        for title in titles:
            totals[title] = max(totals[title], row[title]) if title == "worst" else totals[title] + row[title]
    if reference:
        totals["ratio"] = totals["original"] / totals["warm"]
    print(f"{'75 cells':<18}" + "".join(f"{totals[title]:>10.1f}" for title in titles))
    if reference:
        print(f"own seeds against the original: {totals['original'] / totals['own']:.1f} times as fast")


def run_folder(files: list[Path]) -> None:
    """Do every image of a folder, and print seconds and peak memory as JSON: what a fresh process is started for."""
    n_pixels = 0
    for file in files:
        image = read_image(file)
        n_pixels += image.shape[0] * image.shape[1]
        for _ in corrupt_all(image, CELLS):
            pass
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"seconds": time.process_time(), "pixels": n_pixels, "peak_mb": peak}))


def compare_folder(files: list[Path], reference: Reference | None, every: int, scratch: Path) -> None:
    """Print what a whole folder of images takes."""
    command = [sys.executable, __file__, "--run-folder", *map(str, files)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    ours = json.loads(done.stdout)
    sizes = {read_image(file).shape for file in files}
    print(f"\n{len(files)} images of {len(sizes)} sizes, 75 cells each, a fresh process")
    print(f"ours      {ours['seconds']:8.1f} s CPU, peak memory {ours['peak_mb']:.0f} MB")
    if reference:
        seconds, n_pixels = 0.0, 0
        for file in files[::every]:
            image = read_image(file)
            np.save(scratch / "image.npy", image)
            n_pixels += image.shape[0] * image.shape[1]
            for name in COCO_C.corruptions:
                seconds += sum(reference.ask(image=str(scratch / "image.npy"), name=name, repeats=1)["seconds"])
        theirs = seconds * ours["pixels"] / n_pixels
        print(f"original  {theirs:8.1f} s CPU, from {len(files[::every])} of the images")
        print(f"ours is {theirs / ours['seconds']:.1f} times as fast")


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=Path, help="folder of images for the second table")
    parser.add_argument("--reference", type=Path, help="interpreter with imagecorruptions 1.1.2")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--every", type=int, default=54, help="which images of the folder the reference does")
    parser.add_argument("--run-folder", type=Path, nargs="+", help=argparse.SUPPRESS)
    options = parser.parse_args()
    cv2.setNumThreads(1)
    if options.run_folder:
        run_folder(options.run_folder)
        return
    reference = Reference(options.reference) if options.reference else None
    if reference:
        print("original program on", ", ".join(f"{name} {version}" for name, version in reference.versions.items()))
    with tempfile.TemporaryDirectory() as scratch:
        files = sorted(p for p in options.images.iterdir() if p.suffix in (".jpg", ".png")) if options.images else []
        image = next((x for x in map(read_image, files) if x.shape == (480, 640, 3)), None)
        compare_cells(draw_image() if image is None else image, options.repeats, reference, Path(scratch))
        if files:
            compare_folder(files, reference, options.every, Path(scratch))


def draw_image() -> np.ndarray:
    """Return a 640 x 480 picture of drawn people, for when no folder is given."""
    from robustpose.data.toy import ToyPeople

    return cv2.resize(ToyPeople(1).frame(0).image, (640, 480), interpolation=cv2.INTER_CUBIC)


if __name__ == "__main__":
    main()
