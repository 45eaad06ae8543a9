"""Is consistency, which needs no annotations, a stand-in for a score? Rank correlations of both over the same cells.

    robustpose bench --model … --annotations … --images … --out runs/net
    robustpose bench --model results:runs/net --images … --out runs/net-consistency
    python benchmarks/consistency.py runs/net runs/net-consistency

prints Spearman's correlation of the two over all corrupted cells, over corruptions, and over the corruptions at each
severity, with a 95 % interval from resamples of the corruptions. 1: the order is the same.
"""

import argparse
from pathlib import Path

import numpy as np

from robustpose.pose.cell import Cell
from robustpose.results.comparisons import correlate_ranks
from robustpose.results.summary import read_summary

N_RESAMPLES = 1000
LEAST = 3  # corruptions: two are in the same order or not


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("scored", type=Path, help="run folder with scores, such as AP")
    parser.add_argument("consistency", type=Path, help="run folder with consistency, of the same predictions or boxes")
    folders = vars(parser.parse_args()).values()
    scored, consistency = (read_summary(folder) for folder in folders)
    keys = [key for key in scored["cells"] if key in consistency["cells"]]
    if len({key.partition("/")[0] for key in keys}) < LEAST:
        shared = ", ".join(keys) or "none"
        parser.exit(2, f"ranks need cells of at least {LEAST} corruptions that both runs have, got {shared}\n")
    print(f"{scored['metric']} and {consistency['metric']} in {len(keys)} cells: rank correlation")
    show("all cells", keys, scored["cells"], consistency["cells"])
    show("corruptions", list(scored["corruptions"]), scored["corruptions"], consistency["corruptions"])
    for severity in sorted({Cell.from_key(key).severity for key in keys}):
        of_severity = [key for key in keys if Cell.from_key(key).severity == severity]
        if len(of_severity) >= LEAST:
            show(f"severity {severity}", of_severity, scored["cells"], consistency["cells"])


def show(what: str, keys: list[str], scores: dict[str, float], others: dict[str, float]) -> None:
    """Print the correlation over some cells or corruptions. Cells of one corruption are drawn together."""
    sides = [{key: of[key] for key in keys} for of in (scores, others)]
    groups: dict[str, list[str]] = {}
    for key in keys:
        groups.setdefault(key.partition("/")[0], []).append(key)
    rng, names = np.random.default_rng(0), list(groups)
    drawn = [[key for name in rng.choice(names, len(names)) for key in groups[name]] for _ in range(N_RESAMPLES)]
    value, resampled = correlate(keys, *sides), [correlate(some, *sides) for some in drawn]
    low, high = np.nanquantile(resampled, [0.025, 0.975])
    print(f"{what:<12} {value:.3f} [{low:.3f}, {high:.3f}]   ({len(keys)})")


def correlate(keys: list[str], first: dict[str, float], second: dict[str, float]) -> float:
    return float(correlate_ranks(np.array([first[key] for key in keys]), np.array([second[key] for key in keys])))


if __name__ == "__main__":
    main()
