from robustpose.results.setups import collect_doubts, tell_setups_apart


def make(*warnings, **provenance):
    return {"warnings": list(warnings), "provenance": provenance}


def test_only_what_differs_is_told_with_nothing_for_what_a_run_does_not_say():
    one = make(seed="release", estimator={"name": "a", "input": "256x192"}, frost_textures=["x", "y"])
    other = make(seed="release", estimator={"name": "b", "input": "256x192"})
    assert tell_setups_apart([one, other]) == [("estimator name", ("a", "b")), ("frost textures", ("x, y", None))]


def test_long_values_are_cut():
    ((_, values),) = tell_setups_apart([make(note="x" * 10_000), make(note="y")])
    assert len(values[0]) == 200


def test_a_warning_is_told_once_with_the_runs_that_carry_it():
    runs = [make("it is low"), make("it is low", "it is turned"), make()]
    assert collect_doubts("abc", runs) == ["a and b: it is low", "b: it is turned"]
    assert collect_doubts("ab", runs[:2]) == ["all runs: it is low", "b: it is turned"]
    assert collect_doubts("abcde", [make("x")] * 4 + [make()]) == ["4 runs, a among them: x"]


def test_what_was_measured_is_no_doubt():
    assert collect_doubts("a", [make("only 12 of the 17 annotated joints are scored")]) == []
