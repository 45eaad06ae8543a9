"""Every kind of thing that can be added, added from outside the package."""

import json

import numpy as np
import pytest

from robustpose import UserError
from robustpose.cli import main
from robustpose.evaluation import predict, score
from robustpose.pose.skeletons import COCO
from tests.outside import Centre

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


class Share:
    """A metric of somebody's own: its only figure is what the class says."""

    primary = "share"
    one_pose_per_box = False
    figure: object = None

    def update(self, poses, truth):
        """Take no note."""

    def compute(self):
        """Return the figure."""
        return {"share": self.figure}


@pytest.mark.parametrize("figure", [float("nan"), "0.5", None])
def test_metric_of_others_must_give_a_number(figure):
    metric = Share()
    metric.figure = figure
    with pytest.raises(UserError, match=rf"compute\(\) of Share must give a finite number for 'share'.*, got {figure}"):
        score([], [], metric)


@pytest.mark.parametrize("figure", [37.2, 1.01, -0.5, float("inf")])
def test_metric_of_others_must_give_a_number_from_0_to_1(figure):
    metric = Share()
    metric.figure = figure
    with pytest.raises(UserError, match=rf"must give 'share' in 0\.\.1, or -1 .*, got {figure:g}: is it in percent\?"):
        score([], [], metric)


def test_figures_of_others_may_be_of_numpy():
    metric = Share()
    metric.figure = np.float32(0.5)
    assert json.dumps(score([], [], metric)) == '{"share": 0.5}'


@pytest.mark.parametrize("found", [None, np.zeros((1, 17, 3)), [np.zeros((17, 3))]])
def test_estimator_of_others_must_give_poses(found):
    estimator = Centre(COCO)
    estimator.predict = lambda frames: found
    with pytest.raises(UserError, match=r"predict\(\) must return a list of Poses, one per frame, got "):
        predict([], estimator)
