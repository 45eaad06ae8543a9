"""Compare two runs, and end with exit code 3 if the second one is worse: a gate in a program of yours.

    python examples/compare_and_gate.py

The second run is the new one; put two models, or two versions of one, in the place of the demo.
"""

import sys

import robustpose

KEPT = ("clean", "fog")  # scores that must not get worse
MARGIN = 0.01  # of what may be lost all the same
BOUNDS = {"clean": 0.20, "fog/3": 0.05}  # and what the new run must reach


def main():
    """Bench the demo network with and without its mirror test, and return the exit code."""
    few = {"limit": 8, "corruptions": ["fog", "contrast"], "severities": [1, 3]}
    old = robustpose.bench("demo", "toy", options={"flip_test": False}, out="runs/old", **few)
    new = robustpose.bench("demo", "toy", out="runs/new", **few)  # or robustpose.load_run("runs/new")
    comparison = robustpose.compare(old, new, names=["old", "new"])  # on the same resampled images
    print(comparison.verdict, comparison.write("comparison"), sep="\n")
    failed = []
    for name in KEPT:
        difference = comparison.difference(name)  # new less old
        low, high = difference.interval
        print(f"{name}: {difference.value:+.3f} [{low:+.3f}, {high:+.3f}]")
        if high < -MARGIN:  # all of the interval: a loss that other images could explain does not fail
            failed.append(f"{name} is worse than in the old run")
    for judged in new.check(BOUNDS):
        print(judged.describe())  # passed: clean 0.528 is at least 0.2
        if not judged.is_passed:
            failed.append(judged.describe())
    print(*failed, sep="\n", file=sys.stderr)
    return 3 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
