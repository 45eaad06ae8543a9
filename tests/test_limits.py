import re
from pathlib import Path

import pytest

from robustpose.errors import UserError
from robustpose.limits import LIMITS, check_limit, read_limit

PAGE = Path(__file__).parents[1] / "docs" / "security.md"


def test_limit_is_that_of_the_table_until_a_variable_lifts_it(monkeypatch):
    monkeypatch.delenv("ROBUSTPOSE_MAX_MEGAPIXELS", raising=False)
    check_limit("MEGAPIXELS", 100, "image a.png", "megapixels")
    with pytest.raises(UserError, match=r"^image a\.png takes 101 megapixels.* set ROBUSTPOSE_MAX_MEGAPIXELS=101$"):
        check_limit("MEGAPIXELS", 100.5, "image a.png", "megapixels")
    monkeypatch.setenv("ROBUSTPOSE_MAX_MEGAPIXELS", "101")
    check_limit("MEGAPIXELS", 100.5, "image a.png", "megapixels")


@pytest.mark.parametrize("word", ["-1", "1.5", "many", "1" * 10, "0x10", " 5"])
def test_variable_that_is_no_number_is_an_error(monkeypatch, word):
    monkeypatch.setenv("ROBUSTPOSE_MAX_JSON_MB", word)
    with pytest.raises(UserError, match="ROBUSTPOSE_MAX_JSON_MB must be a whole number above 0"):
        read_limit("JSON_MB")


def test_page_lists_every_limit():
    rows = re.findall(r"^\| `ROBUSTPOSE_MAX_(\w+)` \| (\d+) \|", PAGE.read_text(), flags=re.MULTILINE)
    assert {name: int(limit) for name, limit in rows} == LIMITS
