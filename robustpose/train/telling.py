"""Telling: what is said of a training while it runs, short enough for a line of a terminal."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from robustpose import progress as work

if TYPE_CHECKING:
    from robustpose.train.loop import Progress

# The names of losses are long in log.jsonl, where there is room.
SHORT = {"heatmap": "heat", "distill": "teach", "adversarial": "adv", "confidence": "conf"}
LOSS = "loss"  # what the student learns by: the sum of its terms
VIEW = "view"  # begins the names of what are no losses: the mean weight of each view in mixed crops


class Teller:
    """Turn the progress of training steps into progress as it is shown: with the time left, and the score so far."""

    def __init__(self) -> None:
        self.figures: dict[str, float] = {}  # of the last evaluation
        self._began: tuple[float, int] | None = None  # seconds of a clock and steps, at the first step of this process

    def tell(self, progress: Progress, now: float | None = None) -> work.Progress:
        """Take in a step or an evaluation, at `now` seconds of a clock, and return what is to be shown."""
        now = time.monotonic() if now is None else now
        if progress.figures is not None:
            self.figures = dict(progress.figures)
        self._began = self._began or (now, progress.step)
        seconds, done = now - self._began[0], progress.step - self._began[1]
        pace = seconds / done if done and seconds > 0 else None
        left = pace * (progress.n_steps - progress.step) if pace else None
        return work.Progress(progress.step, progress.n_steps, left, describe_step(progress, self.figures, pace))


def describe_step(progress: Progress, figures: dict[str, float], pace: float | None) -> str:
    """Return the loss, the score, the epoch, the pace, then the terms of the loss: the most important first.

    `figures` are of the last evaluation, 0..1, its score first; `pace` is in seconds a step.
    """
    losses = progress.losses
    words = [f"{LOSS} {_short(losses[LOSS])}"] if LOSS in losses else []
    score = next(iter(figures.items()), None)
    if score is not None:
        words.append(f"{score[0]} {100 * score[1]:.1f}")
    words.append(f"epoch {progress.epoch}/{progress.n_epochs}")
    if pace is not None:
        words.append(f"{1 / pace:.1f} steps/s" if pace < 1 else f"{pace:.1f} s/step")
    terms = {name: loss for name, loss in losses.items() if name != LOSS and not name.startswith(VIEW)}
    words += [f"{SHORT.get(name, name)} {_short(loss)}" for name, loss in terms.items()]
    views = [f"{100 * weight:.0f}" for name, weight in losses.items() if name.startswith(VIEW)]
    if views:
        words.append(f"views {'/'.join(views)} %")
    return "  ".join(words)


def _short(loss: float) -> str:
    """Return 0.000412 as `4.1e-4`."""
    digits, _, power = f"{loss:.1e}".partition("e")
    return f"{digits}e{int(power)}" if power.lstrip("+-0").isdigit() else digits
