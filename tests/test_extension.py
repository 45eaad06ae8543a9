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
