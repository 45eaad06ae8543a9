import pytest
import torch

from robustpose.train.plain_torch import plain_torch


def test_training_computes_in_float32_with_gradients_whatever_the_program_is_in():
    torch.set_default_dtype(torch.float64)
    try:
        with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16):
            with plain_torch():
                made = torch.ones(2, 2, requires_grad=True)
                (made @ made).sum().backward()
                assert (made.dtype, (made @ made).dtype, made.grad is not None) == (torch.float32, torch.float32, True)
            assert (torch.is_inference_mode_enabled(), torch.is_autocast_enabled("cpu")) == (True, True)
        assert torch.get_default_dtype() is torch.float64
    finally:
        torch.set_default_dtype(torch.float32)


def test_modes_of_the_program_are_back_after_an_error():
    with torch.no_grad():
        with pytest.raises(ZeroDivisionError), plain_torch():
            _ = 1 / 0
        assert not torch.is_grad_enabled()
