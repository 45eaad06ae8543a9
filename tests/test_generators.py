"""Generators: a corruption of one's own draws by the same methods under every seed."""

import numpy as np
import pytest

from robustpose.corruptions.generators import LegacyRng, NamedGenerator

KINDS = {"release": lambda: LegacyRng(3), "independent": lambda: NamedGenerator(np.random.PCG64(3))}
CALLS = {
    "integers": lambda rng: rng.integers(2, 9, size=(3, 4)),
    "integers to the end": lambda rng: rng.integers(2, 8, size=(3, 4), endpoint=True),
    "integers from 0": lambda rng: rng.integers(9, size=(3, 4)),
    "randint": lambda rng: rng.randint(2, 9, (3, 4)),
    "random": lambda rng: rng.random((3, 4)),
    "random_sample": lambda rng: rng.random_sample((3, 4)),
    "rand": lambda rng: rng.rand(3, 4),
    "randn": lambda rng: rng.randn(3, 4),
    "standard_normal": lambda rng: rng.standard_normal((3, 4)),
    "standard_exponential": lambda rng: rng.standard_exponential((3, 4)),
    "standard_gamma": lambda rng: rng.standard_gamma(2.0, (3, 4)),
    "normal": lambda rng: rng.normal(1, 2, (3, 4)),
    "uniform": lambda rng: rng.uniform(1, 2, (3, 4)),
    "choice": lambda rng: rng.choice(5, (3, 4)),
    "choice of rows": lambda rng: rng.choice(np.eye(4), 3, axis=0),
    "permutation": lambda rng: rng.permutation(np.arange(12).reshape(3, 4), axis=1),
    "permuted": lambda rng: rng.permuted(np.arange(12).reshape(3, 4), axis=1),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", CALLS)
def test_every_method_draws_again_what_it_drew_from_the_same_seed(kind, name):
    first, again = (CALLS[name](KINDS[kind]()) for _ in range(2))
    assert first.shape == (3, 4)
    np.testing.assert_array_equal(first, again)
    rng = KINDS[kind]()
    assert any((CALLS[name](rng) != first).any() for _ in range(20))  # it moves on


@pytest.mark.parametrize("kind", KINDS)
def test_bounds_and_types_are_those_of_generator(kind):
    rng = KINDS[kind]()
    assert set(rng.integers(3, size=200)) == {0, 1, 2}
    assert set(rng.integers(1, 3, size=200, endpoint=True)) == {1, 2, 3}
    assert set(rng.randint(3, size=200)) == {0, 1, 2}
    for draw in (rng.random, rng.standard_normal, rng.standard_exponential):
        assert draw(4, dtype=np.float32).dtype == np.float32
        assert np.ndim(draw()) == 0
        out = np.zeros((2, 3))
        assert draw(out=out) is out
        assert out.any()
    assert np.ndim(rng.rand()) == np.ndim(rng.randn()) == 0


@pytest.mark.parametrize("kind", KINDS)
def test_shuffling_keeps_what_there_is(kind):
    rows = np.arange(12).reshape(3, 4)
    KINDS[kind]().shuffle(rows, axis=1)
    np.testing.assert_array_equal(np.sort(rows, axis=1), np.arange(12).reshape(3, 4))
    assert (rows != np.arange(12).reshape(3, 4)).any()


def test_legacy_generator_keeps_the_numbers_of_the_published_one():
    ours, published = LegacyRng(5), np.random.RandomState(5)
    for name, *arguments in (
        ("random_sample", 3), ("rand", 3), ("randn", 3), ("randint", 9), ("uniform", 1, 2, 3), ("normal", 0, 1, 3),
        ("standard_normal", 3), ("standard_exponential", 3), ("standard_gamma", 2.0, 3), ("choice", 9, 3),
        ("permutation", 9), ("poisson", 4.0, 3), ("binomial", 9, 0.5, 3),
    ):  # fmt: skip
        np.testing.assert_array_equal(getattr(ours, name)(*arguments), getattr(published, name)(*arguments))
    np.testing.assert_array_equal(ours.random(3), published.random_sample(3))
    np.testing.assert_array_equal(ours.integers(2, 9, 5), published.randint(2, 9, 5, np.int64))
