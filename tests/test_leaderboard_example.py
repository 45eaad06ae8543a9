"""The workflow that checks entries and builds their page: its commands run here."""

import shlex
from pathlib import Path

import pytest
import yaml

from tests.test_entries import write_entry

WORKFLOW = Path(__file__).parents[1] / "examples/github-leaderboard.yml"


@pytest.fixture(scope="module")
def jobs():
    return yaml.safe_load(WORKFLOW.read_text())["jobs"]


@pytest.fixture
def do(jobs, run, tmp_path, monkeypatch):
    """A function that runs the robustpose command of a step in a folder with one entry; its exit code and errors."""
    monkeypatch.chdir(tmp_path)
    write_entry(tmp_path / "entries/net.json")
    lines = {one["name"]: one["run"].splitlines()[0] for one in jobs["check"]["steps"] if "name" in one}

    def run_step(name):
        program, *words = shlex.split(lines[name])
        assert program == "robustpose"
        code, _, errors = run(*words)
        return code, errors

    return run_step


def test_its_commands_check_entries_and_build_the_page(do, tmp_path):
    assert do("Check") == (0, "")
    assert do("Build") == (0, "")
    assert (tmp_path / "site/leaderboard.html").is_file()
    write_entry(tmp_path / "entries/other.json", links={"report": "gone.html"})
    assert do("Check")[0] == 2


def test_it_serves_what_it_builds_of_the_default_branch_alone(jobs):
    steps = jobs["check"]["steps"]
    uploaded = next(one for one in steps if one.get("uses", "").startswith("actions/upload-pages-artifact"))
    assert uploaded["with"]["path"] == "site"
    assert "cp site/leaderboard.html site/index.html" in steps[-2]["run"]
    assert jobs["serve"]["needs"] == "check"
    for condition in (uploaded["if"], jobs["serve"]["if"]):
        assert "github.ref_name == github.event.repository.default_branch" in condition
