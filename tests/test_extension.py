"""Every kind of thing that can be added, added from outside the package."""

import json

import pytest

from robustpose.cli import main

OUTSIDE = "tests.outside:"


@pytest.mark.parametrize(
    ("model", "data", "corruption"),
    [
        ("guess_from_pixels", "Squares", "contrast"),
        ("Centre", "Squares", "contrast"),
        ("guess_from_pixels", "Squares", OUTSIDE + "darken"),
    ],
)
@pytest.mark.parametrize("workers", ["1", "2"])
def test_bench_takes_what_others_wrote(tmp_path, model, data, corruption, workers):
    words = ["bench", "--model", OUTSIDE + model, "--data", OUTSIDE + data, "--corruptions", corruption]
    words += ["--severities", "2", "--workers", workers, "--out", str(tmp_path / "run")]
    with pytest.raises(SystemExit) as end:
        main(words)
    assert not end.value.code
    summary = json.loads((tmp_path / "run/summary.json").read_text())
    assert list(summary["cells"]) == [f"{corruption}/2"]


def test_run_on_data_of_others_is_shown_without_running_their_code_and_scored_when_it_is_named(run, tmp_path):
    words = ["--model", OUTSIDE + "Centre", "--data", OUTSIDE + "Squares", "--corruptions", "none", "--workers", 1]
    assert run("bench", *words, "--out", tmp_path / "run")[0] == 0
    code, _, errors = run("report", tmp_path / "run")
    assert code == 0
    assert f"warning: the page has no gallery: {tmp_path / 'run'} names code as its data, {OUTSIDE}Squares" in errors
    code, _, errors = run("score", tmp_path / "run")
    assert code == 2
    assert "name the data again (--data, --metric)" in errors
    assert run("score", tmp_path / "run", "--data", OUTSIDE + "Squares")[0] == 0
