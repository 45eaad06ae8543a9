import numpy as np
import pytest

from robustpose.corruptions.exact.poisson_replay import make_mean_tables, replay_poisson, sum_logs
from tests.scenes import draw_scene

COUNTS = np.arange(256, dtype=np.uint8)


def replay(values, photons, seed, n_uniforms):
    """Return the numbers drawn for `values`, from a stream that is lengthened where it ends too early."""
    out = np.empty_like(values)
    tables = make_mean_tables(np.arange(256) / 255.0 * photons)
    done, position = 0, 0
    while done < values.size:
        uniforms = np.random.RandomState(seed).random_sample(n_uniforms)
        done, position = replay_poisson(values, uniforms, sum_logs(uniforms), tables, COUNTS, done, position, out)
        n_uniforms *= 2
    return out


def images():
    scene = draw_scene(61, 83, seed=9).reshape(-1)
    yield "scene", scene
    yield "dark", scene // 8
    yield "bright", 255 - scene // 8
    yield "binary", (scene > 128).astype(np.uint8) * 255
    yield "ramp", np.arange(20000).astype(np.uint8)
    for value in (0, 1, 42, 43, 106, 213, 255):
        yield f"flat-{value}", np.full(5000, value, np.uint8)


@pytest.mark.parametrize("photons", [60, 25, 12, 5, 3])
@pytest.mark.parametrize(("kind", "values"), list(images()), ids=[kind for kind, _ in images()])
def test_numbers_are_those_of_the_legacy_generator(kind, values, photons):
    for seed in (1, 2, 3):
        expected = np.random.RandomState(seed).poisson(values / 255.0 * photons)
        np.testing.assert_array_equal(replay(values, photons, seed, 3 * values.size), expected)


@pytest.mark.parametrize("photons", [60, 12, 3])
def test_stream_that_ends_too_early_is_taken_up_where_it_was_left(photons):
    values = draw_scene(40, 50, seed=2).reshape(-1)
    whole = replay(values, photons, 1, 40 * values.size)
    np.testing.assert_array_equal(replay(values, photons, 1, 50), whole)
