import ast
import io
import os
import sys
from pathlib import Path

import pytest

import robustpose
from robustpose.printing import (
    MOST_LETTERS,
    count_columns,
    fold,
    forgiving_streams,
    make_visible,
    one_line,
    print_aside,
    print_line,
    print_table,
)

ROOT = Path(robustpose.__file__).parent
# What acts in a terminal, or hides, and what is seen of it.
ACTING = {
    "\x1b[2J": "\\x1b[2J",  # clears the screen
    "\x1b]8;;http://evil\x1b\\": "\\x1b]8;;http://evil\\x1b\\",  # a link
    "\x1b]52;c;ZWNobw==\x07": "\\x1b]52;c;ZWNobw==\\x07",  # the clipboard
    "\x9b31m": "\\x9b31m",  # the same in one letter
    "\x90\x9d\x85": "\\x90\\x9d\\x85",
    "a\nerror: b\r\x08\x0b\x0c\x00\t": "a\\nerror: b\\r\\x08\\x0b\\x0c\\x00\\t",
    "\u2028\u2029": "\\u2028\\u2029",
    "\u202egpj.exe": "\\u202egpj.exe",
    "\u2066\u2069\u200e\u061c": "\\u2066\\u2069\\u200e\\u061c",
    "\u200b\u200d\ufeff\u2060\u00ad": "\\u200b\\u200d\\ufeff\\u2060\\xad",
    "\udc9b\ud800": "\\udc9b\\ud800",
    "\U000e0041\ue000\uffff": "\\U000e0041\\ue000\\uffff",
}


@pytest.mark.parametrize(("text", "seen"), ACTING.items())
def test_letters_that_act_or_hide_are_seen_instead(text, seen):
    assert make_visible(f"über {text} 関節") == f"über {seen} 関節"


def test_words_of_any_language_stay(capsys):
    words = "épaule gauche, 左肩, ορθός, כתף\u3000[/red] :fire: 🏃 40\u00a0%"
    assert make_visible(words) == words
    print_line(words)
    assert capsys.readouterr().out == words + "\n"


@pytest.mark.parametrize("letter", ["x", "\x1b", "\n"])
def test_line_keeps_both_ends_however_long_it_is(letter):
    line = one_line(f"begin {letter * 10_000_000} end")
    assert len(line) <= MOST_LETTERS
    assert line.startswith("begin ")
    assert line.endswith(" end") or letter != "x"


def test_table_takes_words_as_they_are(capsys):
    hostile = "[link=http://evil]fog[/link] :fire: [/red] \x1b[31m\n"
    print_table(hostile, ["", hostile], [[hostile, "1"], ["x" * 10_000_000, "2"]], 160)
    output = capsys.readouterr().out
    assert output.count("[link=http://evil]fog[/link] :fire: [/red] \\x1b[31m\\n") == 3
    assert "\x1b" not in output
    assert len(output) < 5000


class Refusing(io.StringIO):
    def write(self, text):
        raise OSError(28, "No space left on device")


def test_printing_goes_on_when_a_stream_refuses(monkeypatch):
    monkeypatch.setattr(sys, "stdout", Refusing())
    monkeypatch.setattr(sys, "stderr", Refusing())
    with forgiving_streams() as output:
        for _ in range(2):
            print_line("a")
            print_aside("b")
            print_table("a", ["b"], [["c"]], 80)
        assert output.refusal.strerror == "No space left on device"


@pytest.mark.parametrize(("encoding", "seen"), [("ascii", "- ~ \\xe9 \\u95a2\n"), ("cp1252", "– ~ é \\u95a2\n")])
def test_letters_that_a_stream_has_not_are_spelled(monkeypatch, encoding, seen):
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, encoding=encoding, write_through=True))
    with forgiving_streams():
        print_line("– ≈ é 関")
    assert raw.getvalue().decode(encoding).replace("-", "–") == seen.replace("-", "–")


def test_everything_is_printed_through_one_door():
    """No print, console or stream of its own anywhere else, which could let text from files act."""
    doors = {"printing.py"}
    found = []
    for path in sorted(ROOT.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            name = ast.unparse(node.func) if isinstance(node, ast.Call) else ""
            is_own = name in ("print", "input") or name.rpartition(".")[2] in (
                "Console",
                "echo",
                "secho",
                "StreamHandler",
            )
            is_harmless = name.endswith(("isatty", "fileno", "flush"))
            is_own |= name.startswith(("sys.stdout.", "sys.stderr.")) and not is_harmless
            if is_own and path.relative_to(ROOT).as_posix() not in doors:
                found.append(f"{path.relative_to(ROOT)}:{node.lineno}: {name}")
    assert found == []


def test_a_line_is_written_at_once_for_who_is_stopped_between_two_writes_leaves_half_a_line(monkeypatch):
    class Stream(io.StringIO):
        def write(self, text):
            assert text.endswith("\n")
            return super().write(text)

    for name, print_one in (("stdout", print_line), ("stderr", print_aside)):
        monkeypatch.setattr(sys, name, Stream())
        print_one("scoring: 0/2")
        assert getattr(sys, name).getvalue() == "scoring: 0/2\n"
        monkeypatch.setattr(sys, name, None)
        print_one("scoring: 0/2")


@pytest.mark.parametrize("width", [30, 40, 80])
def test_terminal_breaks_lines_between_words_and_keeps_scores_with_their_intervals(width):
    line = "runs/a-b/net.onnx:  AP* 65.6 [56.5, 76.0]   mPC 41.7 [33.2, 50.4]   rPC 63.6  関節 of 50% [40%, 60%]."
    lines = fold(line, width).split("\n")
    assert max(map(count_columns, lines)) <= width
    assert " ".join(" ".join(lines).split()) == " ".join(line.split())
    for whole in ("AP* 65.6 [56.5, 76.0]", "mPC 41.7 [33.2, 50.4]", "rPC 63.6", "of 50% [40%, 60%]."):
        assert any(whole in one for one in lines)


def test_word_that_no_line_holds_stays_whole_for_who_copies_it():
    assert fold(f"page: /{'a' * 50}/report.html", 20) == f"page:\n/{'a' * 50}/report.html"
    assert fold("", 20) == ""


def test_only_a_terminal_has_lines_broken(monkeypatch):
    class Screen(io.StringIO):
        def isatty(self):
            return True

        def fileno(self):
            return 1

    monkeypatch.setattr("os.get_terminal_size", lambda number: os.terminal_size((20, 24)))
    for stream, seen in (Screen(), "one two three four\nfive six\n"), (io.StringIO(), "one two three four five six\n"):
        monkeypatch.setattr(sys, "stderr", stream)
        print_aside("one two three four five six")
        assert stream.getvalue() == seen


def print_scores(width, capsys):
    scores = ["65.6 [56.5, 76.0]", "41.7 [33.2, 50.4]", "63.6 [58.0, 70.1]"]
    print_table("scores", ["", "model", "AP*", "mPC", "rPC", "run"], [["1", "net", *scores, "a"]], width, (0, 1, 5))
    return capsys.readouterr().out.splitlines()


def test_intervals_are_beside_their_scores_or_whole_below_them(capsys):
    assert "65.6 [56.5, 76.0] │ 41.7 [33.2, 50.4] │ 63.6 [58.0, 70.1]" in print_scores(120, capsys)[4]
    lines = print_scores(66, capsys)
    assert lines[4].split() == ["│", "1", "│", "net", "│", "65.6", "│", "41.7", "│", "63.6", "│", "a", "│"]
    assert "[56.5, 76.0] │ [33.2, 50.4] │ [58.0, 70.1]" in lines[5]


def test_no_line_of_a_table_in_a_pipe_ends_with_spaces(capsys):
    assert print_scores(120, capsys)[0] == "scores"
    assert all(line == line.rstrip() for line in print_scores(66, capsys))
