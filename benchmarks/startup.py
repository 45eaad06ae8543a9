"""Start-up: the time that the command line and `import robustpose` take before anything is done.

    python benchmarks/startup.py [--rounds 20]

prints, for each, the median and the least CPU time of several processes, less the least that Python alone takes, and
how many modules they load. On a quiet machine it takes as long as that; on a busy one CPU time hardly changes.
"""

import argparse
import os
import resource
import statistics
import subprocess
import sys

MAIN = "import sys\nfrom robustpose.cli import main\ntry:\n    main(sys.argv[1:])\nexcept SystemExit:\n    pass\n"
COUNT = "import sys\nprint(len(sys.modules), file=sys.stderr)\n"
COMPLETE = {"_ROBUSTPOSE_COMPLETE": "complete_bash", "COMP_WORDS": "robustpose bench --row coco-c/", "COMP_CWORD": "3"}
CASES = {
    "python alone": ("", [], {}),
    "import robustpose": ("import robustpose\n", [], {}),
    "robustpose --help": (MAIN, ["--help"], {}),
    "robustpose bench --help": (MAIN, ["bench", "--help"], {}),
    "robustpose train --help": (MAIN, ["train", "--help"], {}),
    "robustpose list rows": (MAIN, ["list", "rows"], {}),
    "completion of --row": (MAIN, [], COMPLETE),
}


def run(code: str, words: list[str], variables: dict[str, str]) -> tuple[float, int]:
    """Return the CPU seconds of a process, and the modules that it had loaded at its end."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    command = [sys.executable, "-c", code + COUNT, *words]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env={**os.environ, **variables})
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return seconds, int(done.stderr.split()[-1])


def main() -> None:
    """Print a line a case."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=20)
    rounds = parser.parse_args().rounds
    bare = 0.0
    print(f"{'':<26} {'median':>9} {'least':>9}  modules")
    for name, (code, words, variables) in CASES.items():
        found = [run(code, words, variables) for _ in range(rounds)]
        seconds = [one for one, _ in found]
        bare = bare or min(seconds)
        less = 0.0 if name == "python alone" else bare
        median, least = (1000 * (value - less) for value in (statistics.median(seconds), min(seconds)))
        print(f"{name:<26} {median:6.0f} ms {least:6.0f} ms  {found[0][1]:>7}")


if __name__ == "__main__":
    main()
