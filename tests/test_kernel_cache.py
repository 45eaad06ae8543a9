"""The cache of compiled loops, where nothing can be written, as in a container with a read-only root."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from robustpose import kernel_cache
from robustpose.cli.failures import explain


@pytest.fixture
def nothing_to_write(monkeypatch, tmp_path):
    """Where numba would keep loops cannot be written; the temporary folder is `tmp_path`."""
    monkeypatch.delenv("NUMBA_CACHE_DIR", raising=False)
    monkeypatch.setattr("os.access", lambda path, mode: False)
    monkeypatch.setattr("tempfile.gettempdir", lambda: str(tmp_path))
    # What the code under test writes into the environment goes with the test.
    monkeypatch.setattr("os.environ", dict(os.environ))


def test_loops_are_kept_in_a_private_temporary_folder(nothing_to_write, tmp_path):
    kernel_cache.choose_kernel_cache()
    folder = tmp_path / f"robustpose-{os.getuid()}"
    assert os.environ["NUMBA_CACHE_DIR"] == str(folder)
    assert folder.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("kind", ["open to all", "a link", "a file"])
def test_folder_that_others_could_have_written_to_is_not_used(nothing_to_write, tmp_path, kind):
    folder = tmp_path / f"robustpose-{os.getuid()}"
    if kind == "open to all":
        folder.mkdir()
        folder.chmod(0o777)
    elif kind == "a link":
        (tmp_path / "elsewhere").mkdir()
        folder.symlink_to(tmp_path / "elsewhere")
    else:
        folder.touch()
    kernel_cache.choose_kernel_cache()
    assert "NUMBA_CACHE_DIR" not in os.environ


def test_users_own_choice_stays(nothing_to_write, monkeypatch):
    monkeypatch.setitem(os.environ, "NUMBA_CACHE_DIR", "/mine")
    kernel_cache.choose_kernel_cache()
    assert os.environ["NUMBA_CACHE_DIR"] == "/mine"


def test_where_something_can_be_written_nothing_changes(monkeypatch):
    monkeypatch.setattr("os.environ", {**os.environ, "NUMBA_CACHE_DIR": ""})
    kernel_cache.choose_kernel_cache()
    assert os.environ["NUMBA_CACHE_DIR"] == ""


def test_folders_with_loops_are_those_of_the_package():
    package = Path(kernel_cache.PACKAGE)
    found = {path.parent for path in package.rglob("*.py") if re.search(r"@.*\bnjit\b", path.read_text())}
    assert found == {package / folder for folder in kernel_cache.WITH_LOOPS}


def test_numba_without_a_place_is_one_line_that_names_the_variable(tmp_path):
    (tmp_path / "loops.py").write_text("import numba\n\n\n@numba.njit(cache=True)\ndef add(a):\n    return a\n")
    (tmp_path / "__pycache__").touch()  # no folder
    code = "import sys; sys.dont_write_bytecode = True; import loops"
    environment = {**os.environ, "HOME": "/dev/null", "XDG_CACHE_HOME": "/dev/null", "NUMBA_CACHE_DIR": ""}
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert "no locator available" in done.stderr
    assert "NUMBA_CACHE_DIR" in str(explain(RuntimeError(done.stderr.strip().splitlines()[-1])))
