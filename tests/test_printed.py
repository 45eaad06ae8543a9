import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import robustpose
from robustpose.cli.printed import to_plain
from tests.runs import files_of
from tests.summaries import write_run

ROOT = Path(__file__).parents[1]


@pytest.fixture
def folder(tmp_path):
    return write_run(tmp_path / "run")


def test_standard_output_holds_the_json_alone_and_the_rest_is_on_standard_error(folder, run):
    code, output, errors = run("report", folder, "--json", "-")
    assert code == 0
    document = json.loads(output)
    assert document["clean"] == 0.7
    assert document["folder"] == str(folder)
    assert "AP* 70.0" in errors
    assert "report: " in errors


def test_a_file_gets_the_same_document_beside_the_tables(folder, run, tmp_path):
    _, output, _ = run("report", folder, "--json", "-")
    _, tables, _ = run("report", folder, "--json", tmp_path / "new" / "scores.json")
    assert "AP* 70.0" in tables
    assert (tmp_path / "new/scores.json").read_text() == output


def test_quiet_shows_warnings_errors_and_failed_bounds_alone(folder, run, tmp_path):
    assert run("leaderboard", tmp_path, "--quiet") == (0, "", "")
    (tmp_path / "other").mkdir()
    (tmp_path / "other/summary.json").write_text("{}")
    code, output, errors = run("leaderboard", tmp_path, "--quiet")
    assert (code, output, errors[:17]) == (0, "", "warning: left out")
    code, output, errors = run("report", folder, "--quiet", "--fail-under", "clean=0.1,mPC=0.9")
    assert (code, output) == (3, "")
    assert errors.splitlines()[-1] == "FAILED: mPC 0.5500 is below 0.9"


def test_after_an_error_there_is_no_json(tmp_path, run):
    code, output, errors = run("report", tmp_path, "--json", "-")
    assert (code, output) == (2, "")
    assert errors.startswith("error: ")


@pytest.mark.parametrize(
    "place",
    [
        "",
        ".",
        "run",
        "run/summary.json",
        "run/report.html",
        "notes.json",
        "link.json",
        "notes.json/x",
        "/dev/null",
        "ff",
    ],
)
def test_json_goes_to_no_folder_and_over_no_file_of_others(folder, run, tmp_path, monkeypatch, place):
    monkeypatch.chdir(tmp_path)
    (folder / "run.json").write_text("{}")
    (tmp_path / "notes.json").write_text('{"mine": 1}')
    (tmp_path / "link.json").symlink_to("run/summary.json")
    os.mkfifo("ff")
    before = files_of(tmp_path)
    code, output, errors = run("report", "run", "--json", place)
    assert (code, output, len(errors.splitlines())) == (2, "", 1), errors
    assert errors.startswith("error: --json")
    assert files_of(tmp_path) == before


def test_json_follows_links_and_is_written_over_its_own(folder, run, tmp_path):
    (tmp_path / "link.json").symlink_to("real.json")
    for _ in range(2):
        assert run("report", folder, "--json", tmp_path / "link.json")[0] == 0
    assert (tmp_path / "link.json").is_symlink()
    assert json.loads((tmp_path / "real.json").read_text())["robustpose"] == robustpose.__version__
    assert json.loads(run("report", folder, "--json", "/dev/stdout")[1])["clean"] == 0.7


def test_what_libraries_and_other_processes_print_does_not_come_between(folder, tmp_path):
    program = (
        "import os, sys; from robustpose.cli import main, finished\n"
        "from robustpose.show import terminal\n"
        "terminal.print_summary = lambda summary: (os.system('echo noise'), os.write(1, b'more\\n'))\n"
        f"main(['report', {str(folder)!r}, '--json', '-'])"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["metric"] == "AP"
    assert {"noise", "more"} <= set(done.stderr.splitlines())


def test_every_value_is_plain_json():
    values = {"a": np.float32(0.5), "b": (np.int64(3), float("inf")), "c": np.array([1.0, np.nan]), 4: None}
    assert json.dumps(to_plain(values)) == '{"a": 0.5, "b": [3, null], "c": [1.0, null], "4": null}'
