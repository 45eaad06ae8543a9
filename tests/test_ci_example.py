import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

import robustpose

ROOT = Path(__file__).parents[1]
WORKFLOW = ROOT / "examples/github-actions.yml"
# In the place of the demo, which needs PyTorch, and of all cells; of as many images as gates on differences ask for.
BENCH = (
    "--model tests.outside:guess_from_pixels --data toy --limit 30 --corruptions contrast --severities 3 --workers 1"
)


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
    assert cached == {"runs/new", "runs/main", "~/.cache/robustpose/frost"}
    cached.remove("~/.cache/robustpose/frost")
    commands = "\n".join(one.get("run", "") for one in steps)
    for path in (*cached, "scores.json", "comparison"):
        assert path in commands
    saved = [one for one in steps if one.get("uses", "").startswith("actions/cache/save")]
    assert saved[0]["if"].startswith("always()")


def list_places(part, *path):
    """Yield every text of a workflow with where it is."""
    if isinstance(part, str):
        yield path, part
    for key, one in part.items() if isinstance(part, dict) else enumerate(part) if isinstance(part, list) else ():
        yield from list_places(one, *path, key)


def test_functions_and_contexts_are_where_github_allows_them(workflow):
    for path, text in list_places(workflow):
        if "hashFiles" in text or "steps." in text:
            assert path[:1] + path[2:3] == ("jobs", "steps"), (path, text)
            assert path[4] in ("env", "if", "with", "run", "name"), (path, text)
        assert "env.DECIDES" not in text
    known = {one["id"] for one in workflow["jobs"]["gate"]["steps"] if "id" in one}
    texts = " ".join(text for _, text in list_places(workflow))
    assert set(re.findall(r"steps\.(\w+)\.", texts)) == known


def test_frost_is_installed_before_the_bench_and_kept(workflow):
    steps = workflow["jobs"]["gate"]["steps"]
    runs = [one.get("run", "") for one in steps]
    frost = runs.index("robustpose frost install")
    assert frost < next(i for i, run in enumerate(runs) if "robustpose bench" in run)
    place = Path(steps[frost - 1]["with"]["path"])
    assert place == Path("~/.cache/robustpose/frost")


def test_key_is_handed_from_step_to_step(step, tmp_path):
    assert step("Key", HASH="abc", GITHUB_OUTPUT=str(tmp_path / "output")) == (0, "")
    assert (tmp_path / "output").read_text() == "hash=abc\n"


def test_wheel_that_the_page_names_is_the_one_that_is_built():
    name = f"./wheels/robustpose-{robustpose.__version__}-py3-none-any.whl"
    assert name in (ROOT / "docs/guides/ci.md").read_text()
    assert name in WORKFLOW.read_text()
