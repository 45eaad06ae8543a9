"""The scripts that train on several nodes hand on what they are given, and say what they lack."""

import os
import re
import subprocess
from pathlib import Path

import pytest

from robustpose.train.recipes import read_settings

EXAMPLES = Path(__file__).parents[1] / "examples"
SLURM, TORCHRUN = EXAMPLES / "slurm/train.sbatch", EXAMPLES / "torchrun/train.sh"
GIVEN = {"TRAIN": "--recipe advmix/toy --init demo", "OUT": "runs/a b"}
OF_SLURM = {"SLURM_NNODES": "4", "SLURM_NTASKS_PER_NODE": "8", **GIVEN}
OF_TORCHRUN = {"NODES": "2", "DEVICES": "3", "NODE": "1", "FIRST": "node0", **GIVEN}


def run(script: Path, folder: Path, variables: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Run a script in which srun and torchrun only print their words, one a line."""
    for name in ("srun", "torchrun"):
        program = folder / name
        program.write_text('#!/bin/sh\nprintf "%s\\n" "$0" "$@"\n')
        program.chmod(0o755)
    environment = {"PATH": f"{folder}:{os.environ['PATH']}", **variables}
    return subprocess.run(["bash", str(script)], env=environment, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    ("script", "variables", "counts"), [(SLURM, OF_SLURM, ["4", "8"]), (TORCHRUN, OF_TORCHRUN, ["2", "3"])]
)
def test_scripts_start_train_with_the_counts_of_what_they_start(
    script: Path, variables: dict[str, str], counts: list[str], tmp_path: Path
) -> None:
    done = run(script, tmp_path, variables)
    assert done.returncode == 0, done.stderr
    words = done.stdout.splitlines()
    train = words[words.index("train") + 1 :]
    assert train == [*GIVEN["TRAIN"].split(), "--out", GIVEN["OUT"], "--nodes", counts[0], "--devices", counts[1]]
    if script == TORCHRUN:
        options = dict(zip(words[1:11:2], words[2:12:2], strict=True))
        where = {"--master-addr": "node0", "--master-port": "29500"}
        assert options == {"--nnodes": "2", "--node-rank": "1", "--nproc-per-node": "3", **where}
    else:
        assert words[1] == "--kill-on-bad-exit=1"


@pytest.mark.parametrize(("script", "variables"), [(SLURM, OF_SLURM), (TORCHRUN, OF_TORCHRUN)])
def test_what_is_lacking_is_named(script: Path, variables: dict[str, str], tmp_path: Path) -> None:
    for name in ("TRAIN", "OUT"):
        done = run(script, tmp_path, {key: value for key, value in variables.items() if key != name})
        assert done.returncode != 0
        assert name in done.stderr


def test_asked_for_resources_go_together_with_the_published_batch() -> None:
    asked = dict(re.findall(r"^#SBATCH --([a-z-]+)=(\S+)", SLURM.read_text(), re.MULTILINE))
    assert asked["ntasks-per-node"] == asked["gpus-per-node"]
    engine = {"nodes": int(asked["nodes"]), "devices": int(asked["ntasks-per-node"])}
    assert read_settings("advmix/toy", ["batch_size=256"], {"start_from": Path("x"), "engine": engine}).n_parts == 32
