"""A training's line: loss, score, epoch and pace first, and the time left."""

from robustpose.show.terminal import describe_progress
from robustpose.train.loop import Progress
from robustpose.train.telling import Teller

LOSSES = {"loss": 4.12e-4, "heatmap": 3.9e-4, "distill": 1e-4, "adversarial": -9.9e-4, "view0": 0.31, "view1": 0.69}


def tell(n_steps=30_000):
    """Return what is shown after an evaluation, three steps into a run that takes half a second a step."""
    teller = Teller()
    teller.tell(Progress(12, 210, 1231, n_steps, 1e-3, LOSSES), 100.0)
    teller.tell(Progress(12, 210, 1233, n_steps, 1e-3, LOSSES, {"AP": 0.4312, "AP50": 0.8}), 101.0)
    return teller.tell(Progress(12, 210, 1233, n_steps, 1e-3, LOSSES), 101.0)


def test_most_important_words_come_first():
    shown = tell()
    assert shown.note.split("  ") == [
        "loss 4.1e-4", "AP 43.1", "epoch 12/210", "2.0 steps/s", "heat 3.9e-4", "teach 1.0e-4", "adv -9.9e-4",
        "views 31/69 %",
    ]  # fmt: skip
    assert shown.seconds_left == (30_000 - 1233) / 2


def test_line_fits_80_columns_with_loss_and_score():
    line = describe_progress(tell(), "steps", 80 - len("training") - 2 - 1 - 6)
    assert len(line) <= 63
    assert line.startswith("1,233/30,000 steps  loss 4.1e-4  AP 43.1")
    assert line.endswith("left")


def test_first_step_has_no_pace():
    shown = Teller().tell(Progress(1, 2, 1, 30, 1e-3, {"loss": 0.5}), 5.0)
    assert (shown.note, shown.seconds_left) == ("loss 5.0e-1  epoch 1/2", None)
