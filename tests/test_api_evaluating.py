"""evaluate from Python: the figures of bench's clean images."""

import numpy as np
import pytest

import robustpose
from robustpose.data.toy import ToyPeople
from robustpose.errors import UserError
from tests.memory_models import Nobody, find_centres, make_net


@pytest.mark.parametrize("model", ["demo", find_centres, Nobody])
def test_figures_are_those_of_bench_on_clean_images(model):
    run = robustpose.bench(model, "toy", limit=3, corruptions="none", workers=1, resamples=0, progress=False)
    figures = robustpose.evaluate(model, "toy", limit=3, progress=False)
    assert next(iter(figures)) == "AP"
    assert figures["AP"] == run.clean
    assert figures == robustpose.evaluate(model, ToyPeople(n_images=3), progress=False)


def test_metric_and_mistakes_are_those_of_bench():
    figures = robustpose.evaluate(find_centres, "toy", limit=2, metric="pck:box@0.2", progress=False)
    assert next(iter(figures)).startswith("PCK")
    with pytest.raises(UserError, match="does not say what its input is"):
        robustpose.evaluate(make_net(), "toy", limit=2, progress=False)
    with pytest.raises(UserError, match="limit= must be at least 1"):
        robustpose.evaluate("demo", "toy", limit=0, progress=False)
    with pytest.raises(UserError, match=r"^progress= must be True or False, got 'no'$"):
        robustpose.evaluate("demo", "toy", progress="no")
    with pytest.raises(UserError, match="null"):
        robustpose.evaluate("demo", annotations="\0x", images="\0y")


def raise_in_colour(image, boxes):
    raise ValueError("\x1b[31mred")


def test_message_of_a_model_has_no_letters_that_cannot_be_seen():
    with pytest.raises(UserError, match=r"ValueError: \\x1b\[31mred"):
        robustpose.evaluate(raise_in_colour, "toy", limit=1, progress=False)


def find_nothing(image, boxes):
    return np.zeros((len(boxes), 17, 3))


def test_score_that_is_next_to_nothing_is_warned_of_with_the_causes_that_bench_names():
    with pytest.warns(UserWarning, match=r"^AP on clean images is 0\.0, next to nothing: usual causes are x and y"):
        assert robustpose.evaluate(find_nothing, "toy", limit=2, progress=False)["AP"] == 0
