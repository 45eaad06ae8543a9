"""Work that is carried: a machine that sees no file of this one leaves the same bytes behind."""

import pytest

from robustpose.benchmark.run import run_bench
from robustpose.corruptions.suites import choose_cells
from tests.elsewhere import Elsewhere, Machine
from tests.runs import files_of

CELLS = choose_cells(["contrast", "gaussian_noise"], [2])


@pytest.fixture(scope="module")
def machine(tmp_path_factory):
    machine = Machine(tmp_path_factory.mktemp("machine"))
    yield machine
    machine.close()


def bench_both(machine, make, tmp_path, hidden=(), cells=CELLS):
    """Bench here and elsewhere, and return the engine that saw it done elsewhere."""
    engine = Elsewhere(machine, hidden)
    run_bench(make(tmp_path / "here"), cells, n_resamples=5)
    run_bench(make(tmp_path / "elsewhere"), cells, engine, n_resamples=5)
    assert files_of(tmp_path / "here") == files_of(tmp_path / "elsewhere")
    return engine


def test_run_is_the_same(machine, make_job, coco_folder, tmp_path):
    engine = bench_both(machine, make_job, tmp_path, [coco_folder / "images"])
    n_images = sum(path.stat().st_size for path in (coco_folder / "images").iterdir())
    assert engine.n_bytes > n_images
