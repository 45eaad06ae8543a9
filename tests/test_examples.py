"""Every example runs as a program of its own and says what it should; each is short."""

import runpy
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[1] / "examples"
# What a reader looks for in the output of each.
SAID = {
    "advmix_in_your_loop": "4 loss ",
    "compare_and_gate": "passed: fog/3",
    "harden_in_memory": "advmix − supervised",
    "own_corruption": "__main__:dead_rows/5",
    "own_data": "'fog/3': ",
    "own_model": "baseline: clean",
}


def run_example(name, monkeypatch, capsys):
    """Run a program here, where libraries are loaded; return its exit code and what it prints."""
    monkeypatch.setattr("robustpose.cluster.engines.count_cores", lambda: 1)  # processes take seconds to start
    try:
        runpy.run_path(str(EXAMPLES / f"{name}.py"), run_name="__main__")
    except SystemExit as end:
        return end.code, capsys.readouterr().out
    return 0, capsys.readouterr().out


def test_all_examples_are_run_and_stand_on_the_first_page():
    page = (EXAMPLES.parent / "docs/index.md").read_text()
    assert [f"../examples/{name}.py" in page for name in SAID] == [True] * len(SAID)
    assert sorted(SAID) == sorted(path.stem for path in EXAMPLES.glob("*.py"))


@pytest.mark.parametrize("name", SAID)
def test_example_runs_and_is_short(name, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    code, output = run_example(name, monkeypatch, capsys)
    assert code == 0
    assert SAID[name] in output
    source = (EXAMPLES / f"{name}.py").read_text()
    assert len(source.splitlines()) < 60
    assert f"python examples/{name}.py" in source


def test_gate_ends_with_3_when_a_bound_is_not_reached(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    program = (EXAMPLES / "compare_and_gate.py").read_text()
    program = program.replace('"fog/3": 0.05', '"fog/3": 0.95').replace('"limit": 8', '"limit": 2')
    (tmp_path / "compare_and_gate.py").write_text(program)
    monkeypatch.setattr(f"{__name__}.EXAMPLES", tmp_path)
    code, output = run_example("compare_and_gate", monkeypatch, capsys)
    assert code == 3
    assert "FAILED: fog/3" in output
