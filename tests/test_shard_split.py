import pytest

from robustpose import UserError
from robustpose.benchmark.predict import count_images
from robustpose.benchmark.shards.split import MOST, Shard, list_shard_tasks, parse_shard, take_turns
from robustpose.corruptions.suites import COCO_C
from robustpose.pose.cell import CLEAN, Cell
from robustpose.work import cut_chunks

SIZES = [(1, 1), (1, 3), (9, 7), (40, 7), (161, 32), (161, 100), (2000, 32)]


def units_of(tasks):
    """Return the units of tasks."""
    return [(chunk.number, cell) for chunk, cells in tasks for cell in cells]


@pytest.mark.parametrize(("n_images", "n_shards"), SIZES)
def test_every_unit_is_in_one_shard(n_images, n_shards):
    shards = [list_shard_tasks(Shard(k, n_shards), n_images, COCO_C.cells) for k in range(1, n_shards + 1)]
    units = [unit for tasks in shards for unit in units_of(tasks)]
    assert len(units) == len(set(units)) == len(cut_chunks(n_images)) * len(COCO_C.cells)
    assert all(cells for tasks in shards for _, cells in tasks)


@pytest.mark.parametrize(("n_images", "n_shards"), SIZES)
def test_shards_have_the_same_number_of_images_but_for_a_unit(n_images, n_shards):
    shards = [list_shard_tasks(Shard(k, n_shards), n_images, COCO_C.cells) for k in range(1, n_shards + 1)]
    share, largest = n_images * len(COCO_C.cells) / n_shards, max(len(c.indices) for c in cut_chunks(n_images))
    assert all(abs(count_images(tasks) - share) <= largest for tasks in shards)


def test_shard_decodes_at_most_one_chunk_more_than_its_part_of_them():
    n_chunks = len(cut_chunks(2000))
    for k in range(1, 8):
        assert len(list_shard_tasks(Shard(k, 7), 2000, COCO_C.cells)) <= n_chunks / 7 + 2


def test_surplus_shards_have_nothing_to_do():
    counts = [len(units_of(list_shard_tasks(Shard(k, 100), 9, (CLEAN, Cell("fog", 1))))) for k in range(1, 101)]
    assert sum(counts) == 6
    assert max(counts) == 1


def test_cells_may_come_in_any_order():
    cells = COCO_C.cells
    ahead, back = (list_shard_tasks(Shard(3, 50), 100, one) for one in (cells, cells[::-1]))
    assert set(units_of(ahead)) == set(units_of(back))


def test_half_of_the_cells_of_a_chunk_has_all_corruptions_and_severities():
    half = take_turns(COCO_C.cells)[:38]
    assert {cell.corruption for cell in half} == {None, *COCO_C.corruptions}
    counts = [sum(cell.severity == severity for cell in half) for severity in range(1, 6)]
    assert max(counts) - min(counts) <= 2


def test_numbers_sort_as_folders_do():
    assert [parse_shard(text).folder_name for text in ("3/32", " 07/7", "12/100")] == [
        "03-of-32", "7-of-7", "012-of-100",
    ]  # fmt: skip


NO_SHARDS = ("0/4", "5/4", "a/b", "3", "", "1/0", "-1/4", "1/4/4", "1.5/4", "1/", "٣/٤", f"1/{MOST + 1}")


@pytest.mark.parametrize("text", NO_SHARDS)
def test_what_is_no_shard_is_one_line(text):
    with pytest.raises(UserError, match="--shard takes") as error:
        parse_shard(text)
    assert "\n" not in str(error.value)
