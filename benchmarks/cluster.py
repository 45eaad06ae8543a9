"""What Ray takes of a sweep, and whether kills change a byte: two nodes on this machine, of one core each.

PYTHONPATH=. python benchmarks/cluster.py overhead          # ms a unit, of an estimator that costs nothing
PYTHONPATH=. python benchmarks/cluster.py sweep --images 64 # ms a unit of the demo on Ray, and on as many processes
PYTHONPATH=. python benchmarks/cluster.py kills --images 40 # the same bytes though nodes and the command are killed
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = "1"
os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
os.environ["PYTHONPATH"] = str(Path(__file__).parent.parent)

import numpy as np
from ray.cluster_utils import Cluster

from robustpose.api.bench import bench
from robustpose.benchmark import predict
from robustpose.carried import Carried
from robustpose.cluster import Place, RayCluster
from robustpose.cluster.ray_worker import MOST_TOGETHER
from robustpose.pose.types import Poses
from robustpose.progress import Progress
from robustpose.work import do_tasks

NODE = {"num_cpus": 1, "object_store_memory": 100 * 2**20}


@dataclass(frozen=True)
class Nothing:
    """Units of 64 images with 4 people each, which cost nothing to find."""

    def open(self) -> list[list[Poses]]:
        """Return the poses of some units, as many as travel together."""
        rng = np.random.default_rng(0)
        return [
            [Poses(i, rng.random((4, 17, 2)), rng.random((4, 17)), rng.random(4), np.arange(4)) for i in range(64)]
            for _ in range(MOST_TOGETHER)
        ]

    def kinds(self, task: range) -> list[str]:
        """Return that all units are alike."""
        return ["unit"] * len(task)

    def part(self, task: range, start: int, stop: int) -> range:
        """Return some units."""
        return task[start:stop]

    def do(self, poses: list[list[Poses]], task: range) -> Iterator[tuple[int, list[Poses]]]:
        """Yield the units."""
        for number in task:
            yield number, poses[number % MOST_TOGETHER]

    def keep(self, made: tuple[int, list[Poses]]) -> int:
        """Return the unit's number."""
        return made[0]

    def carry(self, opened: Any) -> Carried:
        """Return the work: it has no files."""
        return Carried(self, lambda task: task, {})


@contextmanager
def two_nodes() -> Iterator[Cluster]:
    """Yield a cluster of a head and another node."""
    cluster = Cluster(initialize_head=True, head_node_args={**NODE, "include_dashboard": False})
    cluster.add_node(**NODE)
    try:
        yield cluster
    finally:
        cluster.shutdown()


def cpu_of(pid: int) -> float:
    """Return the seconds of CPU that a process has taken."""
    words = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")


def measure_overhead(n_units: int) -> None:
    """Print what a unit costs: wall, and CPU in the command and in its process for Ray."""
    sys.modules["cluster"] = sys.modules["__main__"]  # workers import it by this name
    Nothing.__module__ = "cluster"
    os.environ["PYTHONPATH"] += f"{os.pathsep}{Path(__file__).parent}"
    tasks = [range(start, min(start + 76, n_units)) for start in range(0, n_units, 76)]
    with two_nodes() as cluster, RayCluster(Place(address=cluster.address)) as engine:
        list(do_tasks(Nothing(), tasks[:4], engine, lambda progress: None))
        driver = engine._connection._process.pid
        results = do_tasks(Nothing(), tasks, engine, lambda progress: None)
        next(results)  # workers have started
        start, here, there = time.perf_counter(), time.process_time(), cpu_of(driver)
        n = sum(1 for _ in results)
        wall, here, there = time.perf_counter() - start, time.process_time() - here, cpu_of(driver) - there
    print(
        f"{n:,} units: {1e3 * wall / n:.2f} ms a unit; CPU {1e3 * here / n:.2f} ms here, {1e3 * there / n:.2f} for Ray"
    )


def cpu_of_all(pid: int) -> float:
    """Return the seconds of CPU that a process and all that it has started, and they, have taken, those ended too."""
    parents: dict[int, list[int]] = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            parents.setdefault(int(path.read_text().rpartition(")")[2].split()[1]), []).append(int(path.parent.name))
    seconds, waiting = 0.0, [pid]
    while waiting:
        one = waiting.pop()
        waiting += parents.get(one, [])
        with suppress(OSError):
            words = Path(f"/proc/{one}/stat").read_text().rpartition(")")[2].split()
            seconds += sum(int(word) for word in words[11:15]) / os.sysconf("SC_CLK_TCK")
    return seconds


def time_sweep(n_images: int, corruptions: Sequence[str], engine: str | RayCluster) -> tuple[int, float, float, float]:
    """Return the units of the demo's second half, wall and CPU for them, and wall for the whole bench.

    In the first half, workers start and load their libraries.
    """
    seen: list[tuple[int, float, float]] = []  # units that are done, seconds, CPU of all processes
    predict_units = predict.predict_units

    def timed(prepared: Any, list_todo: Any, n_total: int, engine: Any, on_progress: Any) -> None:
        n_units = 0

        def note(progress: Progress) -> None:
            nonlocal n_units
            n_units += 1
            if progress.done == progress.total or (not seen and progress.done * 2 >= progress.total):
                seen.append((n_units, time.perf_counter(), cpu_of_all(os.getpid())))
            on_progress(progress)

        predict_units(prepared, list_todo, n_total, engine, note)

    start = time.perf_counter()
    with patch.object(predict, "predict_units", timed):
        bench(
            "demo", "toy", limit=n_images, corruptions=corruptions, workers=2, engine=engine,
            resamples=0, report=False, progress=False,
        )  # fmt: skip
    (before, begin, cpu_before), (after, end, cpu_after) = seen
    return after - before, end - begin, cpu_after - cpu_before, time.perf_counter() - start


def compare_sweeps(n_images: int, corruptions: Sequence[str], n_rounds: int) -> None:
    """Print what units of the demo cost on Ray and on processes, in turn, and the medians of their differences."""
    differences = []
    with two_nodes() as cluster:
        for _ in range(n_rounds):
            found = {}
            for name in ("processes", "ray"):
                with RayCluster(Place(address=cluster.address)) as engine:  # workers are new in both
                    who = engine if name == "ray" else name
                    n, wall, cpu, whole = time_sweep(n_images, corruptions, who)
                found[name] = 1e3 * wall / n, 1e3 * cpu / n
                print(
                    f"{name:<10}{n:>6} units of the second half: {found[name][0]:.1f} ms wall, {found[name][1]:.1f} "
                    f"ms CPU a unit; whole bench {whole:.1f} s (load {os.getloadavg()[0]:.1f})",
                    flush=True,
                )
            differences.append(np.subtract(found["ray"], found["processes"]))
            differences[-1] = np.append(differences[-1], 100 * differences[-1] / found["processes"])
    wall, cpu, wall_share, cpu_share = np.median(differences, axis=0)
    print(f"Ray takes {wall:+.2f} ms wall ({wall_share:+.1f} %) and {cpu:+.2f} ms CPU ({cpu_share:+.1f} %) more a unit")


def count_units(out: Path) -> int:
    """Return how many units of a run are finished, cells that are whole with all of theirs."""
    return len(list(out.glob("units/*/*"))) + 10 * len(list(out.glob("predictions/*")))


def wait_for(out: Path, n_units: int, process: subprocess.Popen[bytes]) -> None:
    """Wait until a run has so many units, or has ended."""
    while count_units(out) < n_units and process.poll() is None:
        time.sleep(0.1)


def check_kills(n_images: int, folder: Path) -> None:
    """Print whether runs with kills are the same as one with two processes, and what each took."""
    command = [sys.executable, "-m", "robustpose", "bench", "--model", "demo", "--data", "toy", "--no-report"]
    command += ["--limit", str(n_images), "--resamples", "40", "--out"]
    start = time.perf_counter()
    subprocess.run([*command, str(folder / "processes"), "--workers", "2"], check=True, stdout=subprocess.DEVNULL)
    print(f"processes: {time.perf_counter() - start:.0f} s")
    for name in ("undisturbed", "nodes killed", "command killed", "node late"):
        out, start = folder / name, time.perf_counter()
        with two_nodes() as cluster:
            words = [*command, str(out), "--engine", f"ray:{cluster.address}"]
            other = next(iter(cluster.worker_nodes))
            if name == "node late":
                cluster.remove_node(other)
            process = subprocess.Popen(words, stdout=subprocess.DEVNULL)
            if name == "nodes killed":
                for _ in range(3):
                    wait_for(out, count_units(out) + 60, process)
                    cluster.remove_node(other, allow_graceful=False)
                    other = cluster.add_node(**NODE)
            elif name != "undisturbed":
                wait_for(out, 100, process)
            if name == "command killed":
                process.kill()
                process.wait()
                process = subprocess.Popen(words, stdout=subprocess.DEVNULL)
            elif name == "node late":
                cluster.add_node(**NODE)
            code = process.wait()
        differs = subprocess.run(["diff", "-r", folder / "processes", out], capture_output=True, check=False).returncode
        print(f"{name}: exit {code}, {'DIFFERENT' if differs else 'same bytes'}, {time.perf_counter() - start:.0f} s")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["overhead", "sweep", "kills"])
    parser.add_argument("--images", type=int, default=40)
    parser.add_argument("--corruptions", nargs="+", default=["all"])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--units", type=int, default=20_000)
    given = parser.parse_args()
    if given.what == "overhead":
        measure_overhead(given.units)
        return
    if given.what == "sweep":
        compare_sweeps(given.images, given.corruptions, given.rounds)
        return
    folder = Path(tempfile.mkdtemp())
    try:
        check_kills(given.images, folder)
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
