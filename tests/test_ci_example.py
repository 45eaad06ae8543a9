import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[1]
WORKFLOW = ROOT / "examples/github-actions.yml"
# In the place of the demo, which needs PyTorch, and of all cells.
BENCH = "--model tests.outside:guess_from_pixels --data toy --limit 4 --corruptions contrast --severities 3 --workers 1"


@pytest.fixture(scope="module")
def workflow():
    return yaml.safe_load(WORKFLOW.read_text())


@pytest.fixture
def step(workflow, tmp_path):
    """A function that runs the command of a step as GitHub does, and returns its exit code and errors."""
    (tmp_path / "bin").mkdir()
    program = tmp_path / "bin/robustpose"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m robustpose "$@"\n')
    program.chmod(0o755)
    steps = {one["name"]: one for one in workflow["jobs"]["gate"]["steps"] if "name" in one}

    def run(name, **changes):
        settings = {key: value for key, value in workflow["env"].items() if "${{" not in value}
        settings |= {"BENCH": BENCH, "GITHUB_STEP_SUMMARY": str(tmp_path / "steps.md"), **changes}
        paths = {"PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}", "PYTHONPATH": str(ROOT)}
        done = subprocess.run(
            ["bash", "-e", "-c", steps[name]["run"]],
            cwd=tmp_path,
            env={**os.environ, **settings, **paths},
            capture_output=True,
            text=True,
        )
        return done.returncode, done.stderr

    return run


def test_its_bounds_are_of_scores_that_it_has(workflow):
    from robustpose.corruptions.suites import COCO_C
    from robustpose.results.gates import check_gates, parse_gates

    gates = parse_gates([workflow["env"]["GATES"]])
    check_gates(gates, COCO_C, COCO_C.cells, "AP")
    assert workflow[True] == {"push": None, "pull_request": None}  # YAML 1.1 reads `on` as True


def test_its_commands_end_with_0_and_with_3(step, tmp_path):
    code, errors = step("Bench", GATES="clean=0.0,contrast=0%")
    assert code == 0, errors
    assert step("Compare with main") == (0, "")  # of which there is none yet
    assert step("Keep as main")[0] == 0
    code, errors = step("Bench", GATES="clean=0.0,contrast=0.99")  # the same run, judged again
    assert code == 3
    assert "FAILED: contrast" in errors
    assert json.loads((tmp_path / "scores.json").read_text())["passed"] is False
    code, errors = step("Compare with main", KEPT="clean,contrast")
    assert code == 0, errors
    assert step("Show the scores")[0] == 0
    assert "guess_from_pixels" in (tmp_path / "steps.md").read_text()


def test_its_caches_and_pages_are_what_its_commands_write(workflow):
    steps = workflow["jobs"]["gate"]["steps"]
    cached = {one["with"]["path"] for one in steps if "actions/cache" in one.get("uses", "")}
    assert cached == {"runs/new", "runs/main"}
    commands = "\n".join(one.get("run", "") for one in steps)
    for path in (*cached, "scores.json", "comparison"):
        assert path in commands
    saved = [one for one in steps if one.get("uses", "").startswith("actions/cache/save")]
    assert saved[0]["if"] == "always()"
