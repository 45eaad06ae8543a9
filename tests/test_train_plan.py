"""A training's plan: what is left to learn; trying some steps leaves nothing behind."""

import pytest

from robustpose.errors import UserError
from robustpose.train.loop import plan_training, train
from tests.runs import files_of
from tests.test_train_loop import settings_for
from tests.training import stop_at

pytestmark = pytest.mark.usefixtures("one_thread")


def test_plan_says_what_there_is_and_makes_nothing(tmp_path):
    plan = plan_training(settings_for(), tmp_path / "run")
    assert plan.n_steps == plan.epochs * -(-plan.n_samples // plan.batch_size)
    assert str(plan).startswith(f"{plan.n_samples} people, {plan.epochs} epochs, {plan.n_steps} steps of ")
    assert list(tmp_path.iterdir()) == []


def test_run_that_is_announced_learns_the_same_bits(tmp_path):
    plans = []
    train(settings_for(), tmp_path / "quiet")
    train(settings_for(), tmp_path / "announced", announce=plans.append)
    quiet, announced = files_of(tmp_path / "quiet"), files_of(tmp_path / "announced")
    assert announced["model.safetensors"] == quiet["model.safetensors"]
    assert announced["log.jsonl"] == quiet["log.jsonl"]
    assert abs(plans[0].checkpoint_bytes / len(quiet["last.ckpt"]) - 1) < 0.5  # of a tiny network


def test_resumed_run_has_less_to_do_and_learns_the_same_bits(tmp_path):
    plans = []
    train(settings_for(), tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        train(settings_for(), tmp_path / "run", stop_at(5))
    before = files_of(tmp_path / "run")
    plan = plan_training(settings_for(), tmp_path / "run")
    assert 0 < plan.n_done < plan.n_steps
    assert f"{plan.n_done} of them are done" in str(plan)
    assert files_of(tmp_path / "run") == before
    train(settings_for(), tmp_path / "run", announce=plans.append)
    assert plans == [plan] or plans[0].n_done == plan.n_done
    whole, resumed = files_of(tmp_path / "whole"), files_of(tmp_path / "run")
    assert resumed["model.safetensors"] == whole["model.safetensors"]
    assert plan_training(settings_for(), tmp_path / "run").seconds == 0


def test_run_that_was_stopped_in_an_evaluation_has_a_plan(tmp_path):
    def stop_in_evaluation(progress):
        if progress.figures is not None:
            raise KeyboardInterrupt

    settings = settings_for(checkpoint_every=1)
    with pytest.raises(KeyboardInterrupt):
        train(settings, tmp_path / "run", stop_in_evaluation)
    plan = plan_training(settings, tmp_path / "run")
    assert plan.n_done == plan.n_steps * 2 // 3  # two of three epochs
    assert plan.seconds > 0


def test_folder_of_something_else_is_refused(tmp_path):
    (tmp_path / "letter.txt").write_text("")
    with pytest.raises(UserError, match="holds no training"):
        plan_training(settings_for(), tmp_path)
