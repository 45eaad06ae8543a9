"""Kill commands by hand: ``python tests/kills/run.py --n 50``, of each; ``--command bench`` takes one.

``--seed 3`` chooses other moments, ``--ways group,parent,worker`` other ways to stop. ``--disk-full`` fills the disk
instead, to five levels, for the superuser.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
from collections import Counter
from pathlib import Path
from random import Random

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[2]))
os.environ["OMP_NUM_THREADS"] = "1"

from tests.kills.full import SHARES, fill_often, small_disk
from tests.kills.jobs import JOBS, make_inputs
from tests.kills.stop import OF_WORKERS, WAYS, Wholes, stop_often

SEED = 16
KILLS_A_RUN = 5


def main() -> int:
    """Kill commands, print what was wrong, and return 1 if anything was."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--n", type=int, default=50, help="stops of each command")
    parser.add_argument("--command", help=f"of {', '.join(JOBS)}; with commas; by default all")
    parser.add_argument("--ways", default=",".join(WAYS), help="in which they are stopped, with commas")
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--disk-full", action="store_true", help="fill the disk at moments of each command instead")
    parser.add_argument("--shares", default=",".join(map(str, SHARES)), help="of its room or events: these moments")
    options = parser.parse_args()
    names = options.command.split(",") if options.command else list(JOBS)
    scratch = Path(tempfile.mkdtemp(prefix="robustpose-kills-"))
    print(f"in {scratch}", flush=True)
    make_inputs(scratch / "inputs", names)
    wholes = Wholes(scratch / "inputs")
    n_problems = 0
    for name in names:
        if options.disk_full:
            n_problems += fill(name, wholes, [float(share) for share in options.shares.split(",")])
        else:
            n_problems += kill(name, wholes, options.n, options.ways.split(","), Random(options.seed))
    if not n_problems:
        shutil.rmtree(scratch)
    return 1 if n_problems else 0


def kill(name: str, wholes: Wholes, n_stops: int, ways: list[str], rng: Random) -> int:
    """Stop a command `n_stops` times, print what was wrong, and return the number of that."""
    ways = [way for way in ways if way not in OF_WORKERS or JOBS[name].has_workers]
    count: Counter[str] = Counter()
    n_problems, number = 0, 0
    while count.total() < n_stops:
        number += 1
        folder = wholes.inputs.parent / f"killed-{number}"
        n_now = min(KILLS_A_RUN, n_stops - count.total())
        stops, problems = stop_often(name, wholes, folder, n_now, ways, rng)
        count.update(stop.way for stop in stops if stop.was_in_time)
        problems += [f"{stop.way} at {stop.n_events}: {problem}" for stop in stops for problem in stop.problems]
        for problem in problems:
            print(f"{name}, run {number}: {problem}", flush=True)
        n_problems += len(problems)
        if not problems:
            shutil.rmtree(folder / name)
    spelled = ", ".join(f"{n} {way}" for way, n in sorted(count.items()))
    print(f"{name}: {count.total()} stops ({spelled}) in {number} runs: {n_problems} problems", flush=True)
    return n_problems


def fill(name: str, wholes: Wholes, shares: list[float]) -> int:
    """Fill the disk of a command at each moment, print what it said and what was wrong, and return how much that is."""
    whole, n_events = wholes.get(name)
    with small_disk(wholes.inputs.parent / "disk") as disk:
        found = fill_often(name, wholes.inputs, whole, n_events, disk, shares)
    for filled in found:
        print(f"{name}, {filled.share:.0%}: {filled.line if filled.was_hit else 'the room was enough'}", flush=True)
        for problem in filled.problems:
            print(f"{name}, {filled.share:.0%}: {problem}", flush=True)
    n_problems = sum(len(filled.problems) for filled in found)
    n_hit = sum(filled.was_hit for filled in found)
    print(f"{name}: full {n_hit} times of {len(found)}: {n_problems} problems", flush=True)
    return n_problems


if __name__ == "__main__":
    sys.exit(main())
