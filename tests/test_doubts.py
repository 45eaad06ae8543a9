"""Doubts: what could be wrong is said in the terminal, in summary.json and on the page."""

import json

import pytest

from robustpose.benchmark.job import Job
from robustpose.benchmark.run import rescore, run_bench
from robustpose.data.corrupted import CorruptedSpec, MadeImages
from robustpose.data.toy import ToyPeople
from robustpose.errors import DoubtWarning, UserError
from robustpose.evaluation import evaluate
from robustpose.export.stylize import StyleJob, stylize
from robustpose.export.write import SetJob, write_set
from robustpose.pose.cell import CLEAN, Cell
from robustpose.pose.types import no_poses
from robustpose.results.doubts import doubt_score
from robustpose.train.loop import train
from robustpose.train.settings import make_settings


class DoubtfulToy(ToyPeople):
    warnings = ("the boxes look odd",)


class Blind:
    needs_boxes = False
    warnings = ("the colours are a guess",)

    def __init__(self, skeleton):
        self.skeleton = skeleton

    def predict(self, frames):
        return [no_poses(frame.image_id, self.skeleton.n_joints) for frame in frames]


def make_estimator(skeleton):
    from robustpose.pose.protocols import Estimator, adopt

    return adopt(Blind(skeleton), Estimator, "blind")


def test_warnings_reach_terminal_summary_and_page(tmp_path):
    job = Job(lambda: DoubtfulToy(4), make_estimator, CorruptedSpec().open(), tmp_path / "run")
    with pytest.warns(DoubtWarning) as told:
        summary = run_bench(job, [CLEAN], n_resamples=0)
    texts = [str(one.message) for one in told]
    assert (
        summary["warnings"] == texts == ["the boxes look odd", "the colours are a guess", *doubt_score("AP", 0.0, {})]
    )
    assert json.loads((tmp_path / "run" / "summary.json").read_text())["warnings"] == texts
    page = (tmp_path / "run" / "report.html").read_text()
    assert all(text[:40] in page for text in texts)


def test_scoring_again_keeps_what_is_known(tmp_path):
    job = Job(lambda: DoubtfulToy(4), make_estimator, CorruptedSpec().open(), tmp_path / "run")
    with pytest.warns(DoubtWarning):
        first = run_bench(job, [CLEAN], n_resamples=0)
    with pytest.warns(DoubtWarning):
        assert rescore(job, n_resamples=0)["warnings"] == first["warnings"]


def test_a_usual_score_gives_no_warning():
    assert doubt_score("AP", 0.05, {}) == []
    assert len(doubt_score("AP", 0.049, {})) == 1
    assert "x and y that are not px" not in doubt_score("AP", 0.0, None)[0]  # nobody says what it is


@pytest.mark.parametrize(
    ("estimator", "cause"),
    [
        ({"kind": "onnx"}, "are colours, mean, std or scale other than it was trained with (--model-set channels=bgr"),
        ({"kind": "onnx"}, "or another decode=; joints that are others"),
        ({"kind": "onnx", "form": "simcc"}, "mean=, std=, scale=255); joints"),
        ({"kind": "tflite", "form": "coordinates"}, "(--model-set points=xy-01, yx-01, xy-px, yx-px)"),
        ({"kind": "onnx", "form": "one-stage"}, "rows= or units= other than the file's, a threshold="),
        ({"kind": "hf", "backend": "torch"}, "another dataset_index= or joints="),
        ({"kind": "function"}, "px of the whole image, x first (boxes come as x1 y1 x2 y2, not as x y width height)"),
        ({"name": "Blind"}, "px of the whole image, x first"),
        ({"kind": "results"}, "px of the original image"),
        ({"kind": "hrnet_w32", "backend": "torch"}, "weights that were not trained to the end"),
        ({"kind": "heatmaps", "state_sha256": "x"}, "weights that were not trained to the end"),
    ],
)
def test_causes_of_a_low_score_are_those_of_the_kind_of_model(estimator, cause):
    (text,) = doubt_score("AP", 0.0, estimator)
    assert text.startswith("AP on clean images is 0.0, next to nothing: usual causes are ")
    assert cause in text
    assert text.endswith("boxes or results of other images, or images that are turned")
    assert len(text) < 450


class TwoDoubtfulToys(ToyPeople):
    warnings = ("the boxes look odd",)

    def __init__(self):
        super().__init__(2)


def test_every_command_that_opens_data_says_once_what_is_doubtful_about_them(tmp_path):
    toy = TwoDoubtfulToys()
    with pytest.warns(DoubtWarning) as told:
        evaluate(toy, Blind(toy.skeleton))
    assert [str(one.message) for one in told] == ["the boxes look odd", "the colours are a guess"]
    data = {"train_data": {"name": "tests.test_doubts:TwoDoubtfulToys"}, "val_data": {"name": "toy", "n_images": 2}}
    settings = make_settings({"model": "small", "input_wh": (64, 64), "epochs": 1, "batch_size": 2, "lr": 0.1, **data})
    with pytest.warns(DoubtWarning, match="boxes look odd"):
        train(settings, tmp_path / "trained")
    commands = {
        "made from image files": lambda: write_set(
            SetJob(TwoDoubtfulToys, MadeImages(), "plain", "png", tmp_path / "set"), [Cell("fog", 1)]
        ),
        "have no file names": lambda: stylize(StyleJob(TwoDoubtfulToys, tmp_path, tmp_path / "styled")),
    }
    for message, command in commands.items():  # which end right after that
        with pytest.warns(DoubtWarning, match="boxes look odd"), pytest.raises(UserError, match=message):
            command()
