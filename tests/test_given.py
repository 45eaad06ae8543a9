"""What was given: options are named with what came, paths in errors are whole."""

import shlex
from pathlib import Path

import pytest

from robustpose.cli.given import name_whole_paths

TOY = "bench --model demo --data toy "


@pytest.fixture
def here(tmp_path, monkeypatch):
    """The folder that commands are run in."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "text.txt").write_text("hello")
    return tmp_path


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ("bench --model onnx:gone.onnx --data toy --out o", "ONNX file HERE/gone.onnx does not exist"),
        ("bench --model demo --annotations a/b.json --images . --out o", "HERE/a/b.json"),
        ("bench --model demo --data coco --root gone --out o", "the folder HERE/gone does not"),
        ("bench --model demo --data coco --root text.txt --out o", "HERE/text.txt is no folder"),
        (TOY + "--limit x --out o", "--limit must be a whole number, got 'x'"),
        (TOY + "--workers= --out o", "--workers must be a whole number, got ''"),
        (TOY + "--out ''", "--out is empty: give a path"),
        (TOY + "--frost= --out o", "--frost is empty: give a path, or leave it"),
        ("report gone", "HERE/gone has no summary.json: it is no run folder, nothing is there: name the folder"),
        ("leaderboard gone", "HERE/gone is no folder"),
        ("corrupt gone.jpg --out o", "image HERE/gone.jpg does not exist"),
        ("corrupt '' --out o", "IMAGE is empty: give a path"),
        ("corrupt text.txt --sheet text.txt/s.html", "cannot write HERE/text.txt/s.html: HERE/text.txt is no folder"),
        ("train --recipe demo --init gone.pth --out o", "start_from (--init): there is no weights file HERE/gone.pth"),
        ("train --recipe demo --init . --out o", "start_from (--init): . is a folder"),
        ("train --recipe demo --limit 0 --out o", "train_data: limit (--limit) must be at least 1, got 0"),
        ("train --recipe demo --val-limit 0 --out o", "val_data: limit (--val-limit) must be at least 1"),
        ("train --recipe demo --stylized s --out o", "takes no style_images (--stylized)"),
        ("stylize --styles s --out o --data toy --texture x", "--texture must be a number, got 'x'"),
    ],
)
def test_error_says_the_option_what_came_and_the_whole_path(run, here, command, message):
    code, _, errors = run(*shlex.split(command))
    assert code == 2
    assert errors.startswith("error: ")
    assert errors.count("\n") == 1
    assert message.replace("HERE", str(here)) in errors
    assert not (here / "o").exists()


@pytest.mark.parametrize(
    ("message", "given", "expected"),
    [
        ("there is no folder runs", {"a": Path("runs")}, "there is no folder HERE/runs"),
        ("runs/a has no summary.json", {"a": [Path("runs/a")]}, "HERE/runs/a has no summary.json"),
        ("at x/y.json: read it (x/y.json)", {"a": Path("x")}, "at HERE/x/y.json: read it (x/y.json)"),
        ("runs holds a finished run", {"a": Path("runs")}, "HERE/runs holds a finished run"),
        ("runs: it is empty", {"a": Path("runs")}, "HERE/runs: it is empty"),
        ("fog.json.", {"a": Path("fog.json")}, "HERE/fog.json."),
        # Words that are no paths stay.
        ("data 'coco' needs images (--images)", {"a": Path("images")}, "data 'coco' needs images (--images)"),
        ("a list 'images'", {"a": Path("images")}, "a list 'images'"),
        ("no Ray cluster runs here", {"a": Path("no")}, "no Ray cluster runs here"),
        ("unknown model 'demo'", {"a": "demo"}, "unknown model 'demo'"),
        ("no net/a.onnx", {"a": "detect:onnx:net/a.onnx"}, "no HERE/net/a.onnx"),
        ("the hub has no me/net", {"a": "hf:me/net"}, "the hub has no me/net"),
        ("no.json2 and other/no.json", {"a": Path("no.json")}, "no.json2 and other/no.json"),
        ("there is no folder /runs", {"a": Path("/runs")}, "there is no folder /runs"),
    ],
)
def test_relative_paths_that_were_given_become_whole(here, message, given, expected):
    assert name_whole_paths(message, given) == expected.replace("HERE", str(here))
