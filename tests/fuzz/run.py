"""Run the fuzzer: ``python tests/fuzz/run.py --n 5000``. A case is a function of the seed and its number.

``--case 17`` runs one again and keeps its folder; ``--only images`` takes one surface, or ``options``.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[2]))
for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[_name] = "1"  # a fork has none of its parent's other threads

from tests.fuzz.baseline import make_baseline  # noqa: E402
from tests.fuzz.judge import SECRET, Verdict, run_case  # noqa: E402
from tests.fuzz.mutate import spoil  # noqa: E402
from tests.fuzz.options import draw_words  # noqa: E402
from tests.fuzz.surfaces import SURFACES  # noqa: E402

SEED = 16
OPTIONS_SHARE = 0.25  # of all cases


@dataclass(frozen=True)
class Case:
    """One input: where it comes in, what was spoilt, the command, and how it went."""

    number: int
    surface: str
    file: str
    words: list[str]
    verdict: Verdict


def run_cases(
    baseline: Path, scratch: Path, numbers: range, seed: int = SEED, only: str = "", keep: bool = False
) -> Iterator[Case]:
    """Run the cases of these numbers one after the other, each in a folder of its own below `scratch`."""
    for number in numbers:
        folder = scratch / str(number) / "case"
        (folder.parent / "secret.txt").parent.mkdir(parents=True)
        (folder.parent / "secret.txt").write_text(SECRET)
        try:
            yield _run(baseline, folder, number, Random(f"{seed}:{number}"), only)
        finally:
            if not keep:
                shutil.rmtree(folder.parent, ignore_errors=True)


def _run(baseline: Path, folder: Path, number: int, rng: Random, only: str) -> Case:
    if only == "options" or (not only and rng.random() < OPTIONS_SHARE):
        words, needs = draw_words(rng)
        _copy(baseline, folder, needs)
        return Case(number, "options", "", words, run_case(folder, words))
    surfaces = [surface for surface in SURFACES if not only or surface.name == only]
    surface = rng.choices(surfaces, [one.weight for one in surfaces])[0]
    _copy(baseline, folder, surface.inputs)
    words = rng.choice(surface.commands).split()
    paths = sorted(folder.glob(rng.choice(surface.files)))
    path = rng.choice(paths)
    spoil(path, rng)
    file = path.relative_to(folder).as_posix()
    return Case(number, surface.name, file, words, run_case(folder, words))


def _copy(baseline: Path, folder: Path, names: Iterable[str]) -> None:
    """Copy good inputs to where a case may spoil them."""
    folder.mkdir(parents=True)
    for name in {"own.py", "canary.py", *names}:
        source, target = baseline / name, folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, dirs_exist_ok=True)
        else:
            shutil.copy(source, target)


def main() -> None:
    """Run as many cases as are asked for, and print those that went wrong; exit code 1 if there are any."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--n", type=int, default=300)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--only", default="", choices=["", "options", *(surface.name for surface in SURFACES)])
    parser.add_argument("--case", type=int)
    parser.add_argument("--verbose", action="store_true")
    given = parser.parse_args()
    numbers = range(given.first, given.first + given.n) if given.case is None else range(given.case, given.case + 1)
    scratch = Path(tempfile.mkdtemp(prefix="robustpose-fuzz-"))
    make_baseline(scratch / "good")
    sys.stdout.flush()
    codes: Counter[str] = Counter()
    n_wrong = 0
    for case in run_cases(scratch / "good", scratch, numbers, given.seed, given.only, given.case is not None):
        if case.number % 500 == 499:
            print(f"up to #{case.number}: {n_wrong} went wrong", flush=True)
        codes[f"{case.surface}: exit {case.verdict.code}"] += 1
        n_wrong += bool(case.verdict.problem)
        if case.verdict.problem or given.verbose or given.case is not None:
            print(
                f"#{case.number} {case.verdict.problem or 'fine'} [{case.surface} {case.file}] {' '.join(case.words)!r}"
            )
            print(f"   {case.verdict.said[-600:].strip()!r}", flush=True)
    for name, count in sorted(codes.items()):
        print(f"{count:6} {name}")
    print(f"{len(numbers)} inputs, {n_wrong} went wrong")
    if given.case is None:
        shutil.rmtree(scratch)
    else:
        print(f"left in {scratch}")
    sys.exit(n_wrong > 0)


if __name__ == "__main__":
    main()
