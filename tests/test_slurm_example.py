"""examples/slurm: its scripts run in bash with SLURM's variables set, and stand-ins for sbatch and srun."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.kills.stop import find_differences

ROOT = Path(__file__).parents[1]
SCRIPTS = ROOT / "examples/slurm"
BENCH = "--model tests.outside:guess_from_pixels --data toy --limit 4 --corruptions contrast --severities 3"
# Runs what is submitted at once: every task of an array, then a job that depends on it, if all tasks ended well.
SBATCH = r"""#!/bin/bash
echo "sbatch $*" >>"$CALLS"
script="${!#}"; array=""; depends=""; parsable=""
for word in "$@"; do
    case "$word" in
        --array=1-*) array="${word#--array=1-}" ;;
        --dependency=afterok:*) depends="${word##*:}" ;;
        --parsable) parsable=1 ;;
        --cpus-per-task=*) export SLURM_CPUS_PER_TASK="${word#*=}" ;;
    esac
done
if [ -n "$depends" ] && [ "$(cat state-$depends)" != 0 ]; then echo "never runs" >>"$CALLS"; exit 0; fi
worst=0
for task in $(seq 1 "${array:-1}"); do
    [ -z "$array" ] || export SLURM_ARRAY_TASK_ID=$task
    bash "$script" >>output.txt 2>&1 </dev/null || worst=$?
done
echo $worst >state-77
[ -z "$parsable" ] && echo "Submitted batch job 77" || echo "77;cluster"
"""
SRUN = '#!/bin/bash\nexec "$@"\n'


@pytest.fixture
def sweep(tmp_path):
    """A function that runs sweep.sh in tmp_path with variables, and returns what it printed and what was submitted."""
    program = f'#!/bin/sh\nexec {sys.executable} -m robustpose "$@"\n'
    (tmp_path / "bin").mkdir()
    for name, text in {"sbatch": SBATCH, "srun": SRUN, "robustpose": program}.items():
        (tmp_path / "bin" / name).write_text(text)
        (tmp_path / "bin" / name).chmod(0o755)

    def run(**variables):
        paths = {"PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}", "PYTHONPATH": str(ROOT)}
        paths |= {"CALLS": str(tmp_path / "calls.txt"), "CPUS": "1"}
        done = subprocess.run(
            ["bash", SCRIPTS / "sweep.sh"],
            cwd=tmp_path,
            env={**os.environ, **paths, **variables},
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout, (tmp_path / "calls.txt").read_text().splitlines()

    return run


def test_sweep_ends_with_the_run_of_one_command(run, sweep, tmp_path):
    printed, calls = sweep(BENCH=BENCH, OUT="runs/pose", SHARDS="2", SBATCH="--partition=long", GATES="clean=0.0")
    assert "Submitted" in printed
    assert "--array=1-2" in calls[0]
    assert "--dependency=afterok:77" in calls[1]
    assert all("--partition=long" in call for call in calls)
    output = (tmp_path / "output.txt").read_text()
    assert "shard 2/2 is finished: robustpose merge runs/pose, once all are" in output
    assert "passed" in output
    assert run("bench", *BENCH.split(), "--workers", 1, "--out", tmp_path / "runs/whole")[0] == 0
    assert find_differences(tmp_path / "runs/whole", tmp_path / "runs/pose") == []


def test_shards_that_fail_are_not_merged(sweep):
    _, calls = sweep(BENCH="--model nothing:here --data toy", OUT="runs/pose", SHARDS="1")
    assert calls[-1] == "never runs"


def test_variables_that_are_missing_are_named(tmp_path):
    command, environment = ["bash", SCRIPTS / "sweep.sh"], {"PATH": os.environ["PATH"]}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.returncode != 0
    assert "set BENCH to what bench is told" in done.stderr


def test_line_for_gnu_parallel_makes_a_run(tmp_path):
    page = (ROOT / "docs/guides/cluster.md").read_text()
    (line,) = (line for line in page.splitlines() if line.startswith("parallel "))
    small = f"--workers 1 {BENCH.partition('--data toy')[2]}"
    line = line.replace("--model demo --data toy", f"--model tests.outside:guess_from_pixels --data toy {small}")
    line = line.replace("{1..8}", "1").replace("{}/8", "{}/1")
    program = f'exec {sys.executable} -m robustpose "$@"'
    stand_in = """
        parallel() {
            local words=()
            while [ "$1" != robustpose ]; do shift; done
            while [ "$1" != ::: ]; do words+=("$1"); shift; done
            shift
            for value in "$@"; do "${words[@]//\\{\\}/$value}" || return; done
        }
    """
    script = f"robustpose() {{ ({program}) }}\n{stand_in}\n{line}"
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(["bash", "-c", script], cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "shared/run/report.html").is_file()


def test_page_names_scripts_that_are_there():
    page = (ROOT / "docs/guides/cluster.md").read_text()
    named = set(re.findall(r"\(\.\./\.\./examples/slurm/([\w.]+)\)", page))
    assert named == {path.name for path in SCRIPTS.iterdir()}
