import json
import re
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest

import robustpose
from robustpose.corruptions.suites import COCO_C, HELD_OUT, choose_cells
from robustpose.errors import UserError
from robustpose.results.gates import Gate, check_gates, judge_gates, make_gates, parse_gates, spell_apart
from tests.runs import CELLS, bench_predictions, write_predictions
from tests.summaries import make_summary, write_run


def judge(text, **summary):
    [judged] = judge_gates(parse_gates([text]), make_summary(**summary))
    return judged


def test_every_kind_of_score_has_a_gate_in_capitals_or_not():
    texts = ["mPC=0.1", "RPC=0.1", "Clean=0.1", "Noise=0.1", "fog=0.1", "FOG/3=0.1"]
    judged = judge_gates(parse_gates(texts), make_summary())
    assert [one.name for one in judged] == ["mPC", "rPC", "AP*", "noise", "fog", "fog/3"]
    assert [judge(f"{word}=0.1").name for word in ("ap", "ap*", "mean", "Ratio")] == ["AP*", "AP*", "mPC", "rPC"]
    assert all(one.is_passed for one in judged)
    assert judge("mph=0.1", suite=HELD_OUT, cells=HELD_OUT.cells).name == "mPH"
    assert judge("pckh*=0.1", metric="PCKh").name == "PCKh*"
    assert judge("mean_of_chosen=0.1", cells=CELLS).name == "mean_of_chosen"


@pytest.mark.parametrize("texts", [["clean=0.9", "AP*=0.1"], ["mean=0.3,mPC=0.2"]])
def test_two_spellings_of_one_score_are_two_gates_of_it(texts):
    with pytest.raises(UserError, match=r"--fail-under gives (AP\*|mPC) twice, .*: leave one of them out"):
        judge_gates(parse_gates(texts), make_summary())


@pytest.mark.parametrize("bound", [np.float32(0.5), np.float64(0.5), np.array(0.5), Fraction(1, 2), Decimal("0.5")])
def test_bound_of_a_program_is_any_real_number(bound):
    assert make_gates({" fog ": bound}) == [Gate("fog", 0.5, "0.5")]


@pytest.mark.parametrize(
    ("bounds", "words"),
    [
        ([("clean", 0.1)], "bounds are given by the names of scores, {'mPC': 0.3}, got"),
        ("clean", "bounds are given by the names of scores"),
        ({1: 0.5}, "a score is named by a word, such as 'mPC' or 'fog/3', got 1"),
        *(({"clean": bad}, "must be a number of 0 to 1, got") for bad in (True, "0.1", 1.5, float("nan"), 1j, None)),
        ({"clean": np.array([0.1])}, "must be a number of 0 to 1, got"),
    ],
)
def test_bounds_of_a_program_that_are_none_are_one_line(bounds, words):
    with pytest.raises(UserError, match=words):
        make_gates(bounds)


def test_what_came_of_a_gate_is_shown():
    assert re.fullmatch(r"<passed: AP\* \d\.\d{4} (\[.*\] )?is at least 0\.1>", repr(judge("clean=0.1")))
    assert repr(judge("clean=1")).startswith("<FAILED: AP* ")


def test_corruptions_of_ones_own_have_gates():
    cells = choose_cells(["tests.outside:darken", "fog"], [1, 4])
    assert judge("tests.outside:darken=0.1", cells=cells).is_passed
    assert judge("tests.outside:darken/4=0.9", cells=cells).is_passed is False


@pytest.mark.parametrize(
    ("bound", "is_passed"), [("0.7", True), ("70%", True), ("7e-1", True), ("0.70000001", False), ("0", True)]
)
def test_a_score_at_the_bound_passes_and_nothing_is_rounded(bound, is_passed):
    assert judge(f"clean={bound}").is_passed is is_passed


def test_a_score_just_below_its_bound_is_shown_with_the_digits_that_tell_them_apart():
    assert judge("clean=0.30", clean=0.29996).describe() == "FAILED: AP* 0.29996 is below 0.30"
    assert judge("clean=0.30", clean=0.4123, bands=True).describe() == (
        "passed: AP* 0.4123 [0.3823, 0.4323] is at least 0.30"
    )
    assert float(spell_apart(0.3 - 1e-16, 0.3)) < 0.3
    assert judge("clean=80%", clean=0.5069, bands=True).describe() == (
        "FAILED: AP* 50.69% [47.69%, 52.69%] is below 80%"  # one unit in a line
    )


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("mPC=30", "got 30: is it in percent? Then write 30%"),
        ("mPC=300%", "0% to 100%, got 300%"),
        ("mPC=-0.1", "got -0.1"),
        *(
            (f"mPC={bound}", "must be a number")
            for bound in ("nan", "inf", "much", "0x1", "1_0", "٣", "1e-9999", "--1")
        ),
        ("mPC", "takes NAME=BOUND"),
        ("mPC=", "takes NAME=BOUND"),
        ("", "takes NAME=BOUND"),
        ("mPC=0,3", "a point in a number"),
        ("mPC=0.1,MPC=0.2", "gives 'MPC' twice, 0.1 and 0.2"),
    ],
)
def test_a_gate_that_cannot_be_read_is_refused(text, words):
    with pytest.raises(UserError) as refused:
        parse_gates([text])
    assert words in str(refused.value)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("fgo", "no score is called 'fgo' (did you mean 'fog'?): this run has AP*, fog, contrast, mean_of_chosen"),
        ("fog/3", "fog/3 is not among the cells"),
        ("snow", "snow is not among the cells"),
        ("mPC", "mPC needs clean and all 75 cells of coco-c, of which this run has 4"),
        ("noise", "noise needs clean and all 75 cells"),
        ("PCKh*", "no score is called 'PCKh*'"),
        ("mPH", "no score is called 'mPH'"),
    ],
)
def test_a_score_that_a_run_will_not_have_is_refused(name, words):
    with pytest.raises(UserError) as refused:
        check_gates(parse_gates([f"{name}=0.1"]), COCO_C, CELLS, "AP")
    assert words in str(refused.value)


def test_a_score_that_is_not_defined_is_an_error_and_never_passed():
    with pytest.raises(UserError, match="rPC is not defined in this run"):
        judge("rPC=0", clean=0.0, drop=0.0)


def test_report_judges_a_finished_run_with_an_exit_code_of_its_own(tmp_path, run):
    folder = write_run(tmp_path / "run", clean=0.6)
    code, output, errors = run("report", folder, "--fail-under", "clean=0.6", "--fail-under", "mPC=99%,fog=0.1")
    assert code == 3
    assert "passed: AP* 0.6000 is at least 0.6\n" in output
    assert "passed: fog" in output
    assert [line for line in errors.splitlines() if "FAILED" in line] == ["FAILED: mPC 45.00% is below 99%"]
    assert run("report", folder, "--fail-under", "clean=0.6")[0] == 0


def test_bench_refuses_what_it_cannot_judge_before_anything_is_predicted(tmp_path, coco_folder, run):
    data = ["--annotations", coco_folder / "people.json", "--images", coco_folder / "images"]
    words = ["--model", "demo", *data, "--corruptions", "fog", "--out", tmp_path / "run"]
    for gate in ("mPC=0.1", "fog=40"):
        code, output, errors = run("bench", *words, "--fail-under", gate)
        assert (code, output, len(errors.splitlines())) == (2, "", 1), errors
    assert run("bench", *words[:-4], "--preview", "--fail-under", "mPC=0.1", *words[-2:])[0] == 2
    assert not (tmp_path / "run").exists()


def test_bench_and_score_judge_with_or_without_predicting(tmp_path, coco_folder, run):
    predictions = write_predictions(tmp_path / "predictions", coco_folder, 1.0)
    folder = bench_predictions(run, coco_folder, predictions, tmp_path / "run", "--fail-under", "clean=0.1")
    data = ["--annotations", coco_folder / "people.json", "--images", coco_folder / "images"]
    again = ["bench", "--model", f"results:{predictions}", *data, "--corruptions", "fog,contrast"]
    code, _, errors = run(*again, "--severities", "1,4", "--out", folder, "--fail-under", "clean=1,fog=0.999999")
    assert code == 3
    assert errors.count("FAILED: ") == 2, errors
    code, output, _ = run("score", folder, "--fail-under", "clean=1", "--json", "-", "--quiet")
    assert code == 3
    assert json.loads(output)["gates"][0]["passed"] is False


def test_programs_hold_a_run_against_bounds(tmp_path):
    loaded = robustpose.load_run(write_run(tmp_path / "run", clean=0.6))
    assert [one.is_passed for one in loaded.check({"clean": 0.6, "mPC": 0.46})] == [True, False]
    for bounds in ({"clean": 60}, {"clean": True}, {"clean": float("nan")}, {"clean": "0.3"}, {"fgo": 0.3}):
        with pytest.raises(UserError, match=r"number of 0 to 1|^check\(\): no score is called 'fgo'"):
            loaded.check(bounds)
