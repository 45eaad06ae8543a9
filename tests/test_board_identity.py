import pytest

from robustpose.results.board_identity import tell_boards_apart
from robustpose.results.leaderboard import read_boards
from tests.test_leaderboard import write_summary

PEOPLE = {"name": "people.json", "n_images": 9, "annotations_sha256": "0" * 64}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"dataset": {**PEOPLE, "annotations_sha256": "1" * 64}}, "annotations SHA-256 11111111"),
        ({"dataset": {**PEOPLE, "sigmas_from": "a.yaml"}}, "sigmas from a.yaml"),
        ({"profile": "release", "seed": 3}, "seed 3"),
        ({"dataset": {**PEOPLE, "files": {str(i): "0" for i in range(99)}}}, "files with SHA-256 "),
    ],
)
def test_boards_of_one_title_say_in_what_they_differ(tmp_path, run, changes, words):
    write_summary(tmp_path / "a/summary.json", "a")
    write_summary(tmp_path / "b/summary.json", "b", **changes)
    write_summary(tmp_path / "c/summary.json", "c", box_protocol="clean-det")
    boards, _ = read_boards(tmp_path)
    apart = {board.entries[0].name: told for board, told in zip(boards, tell_boards_apart(boards), strict=True)}
    assert len(apart["a"]) == len(apart["b"]) == 1
    assert apart["b"][0].startswith(words)
    assert apart["c"] == []
    code, output, _ = run("leaderboard", tmp_path)
    assert code == 0
    assert words in " ".join(output.split())
    assert words in (tmp_path / "leaderboard.html").read_text()
