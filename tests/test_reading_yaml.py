import pytest

from robustpose.errors import UserError
from robustpose.reading import parse_yaml


@pytest.mark.parametrize("text", ["a: 1\nb: 2\na: 3\n", "x: [{a: 1, a: 2}]", "x: {y: {a: , a: }}"])
def test_a_key_that_is_twice_in_a_group_is_refused(text):
    with pytest.raises(
        UserError, match=r"the recipe has 'a' twice in one group, the second in line \d: leave one of them out"
    ):
        parse_yaml(text, "the recipe")


def test_keys_of_different_groups_and_merged_ones_may_be_alike():
    text = "base: &base {a: 1, b: 2}\nother: {<<: *base, a: 3}\nlist: [{a: 1}, {a: 2}]\n"
    assert parse_yaml(text, "the recipe")["other"] == {"a": 3, "b": 2}
