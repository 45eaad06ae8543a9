from robustpose.show.side_by_side import print_differences
from tests.test_compare_page import make


def test_a_few_runs_have_columns_and_the_verdict_comes_last(capsys):
    print_differences(make(warnings=("run number 1: nothing found",)))
    output, errors = capsys.readouterr()
    lines = output.splitlines()
    assert lines[0] == "A: run number 0"
    assert any("mPC" in line and "50.0" in line and "*52.0" in line and "+2.0 [1.0, 3.0]" in line for line in lines)
    assert lines[-1].startswith("verdict: run number 1 is better than run number 0: mPC 52.0 against 50.0, +2.0 points")
    assert errors == "warning: run number 1: nothing found\n"


def test_many_runs_have_a_line_each(capsys):
    print_differences(make(6))
    lines = capsys.readouterr().out.splitlines()
    assert [sum(f"run number {run} " in line and "│" in line for line in lines) for run in range(6)] == [1] * 6
    assert "groups, corruptions and cells of so many runs are on the page" in lines
