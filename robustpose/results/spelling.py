"""Spelling: words that come from files, for CSV, LaTeX and Markdown, so that they are words there and nothing else.

Letters that cannot be seen are escapes, as in the terminal: see `robustpose.printing`.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence

from robustpose.printing import make_visible

NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")
# Where a spreadsheet may see a cell begin: at the start, or, if it cuts at semicolons, behind one.
CELL_STARTS = re.compile(r"(^|;)(?=[\s\"'`,;|]*[=+\-@])")
LATEX = {
    **{letter: f"\\{letter}" for letter in "&%$#_{}"},
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': r"\symbol{34}",
    "`": r"\symbol{96}",
    "[": "{[}",  # behind the end of a row it would begin an option
    "]": "{]}",
    "*": "{*}",
    **{"–": "--", "—": "---", "−": "$-$", "×": r"$\times$", "≈": r"$\approx$", "…": r"\ldots{}", "°": r"$^\circ$"},
    **{"ß": r"\ss{}", "æ": r"\ae{}", "Æ": r"\AE{}", "ø": r"\o{}", "Ø": r"\O{}", "ł": r"\l{}", "Ł": r"\L{}"},
    **{"“": "``", "”": "''", "‘": "`", "’": "'", "\u00a0": "~"},
}
# By combining letter: the command that puts the accent on the letter before.
LATEX_ACCENTS = dict(zip("\u0300\u0301\u0302\u0303\u0308\u0327\u030c", "`'^~\"cv", strict=True))
# What is always a sign; a star or an underscore that emphasis could begin with; and what links begin with.
MARKDOWN = re.compile(r"[\\`\[\]|~$#]|\*(?=\S)|(?<![^\W_])_|(?<=\w):(?=//)|(?<=www)\.")


def speak(name: str) -> str:
    """Return the name of a corruption or a joint for reading; one of somebody's own code stays as options take it.

    >>> speak("zoom_blur"), speak("h264_small"), speak("mycorruptions:dead_rows")
    ('zoom blur', 'H.264 small', 'mycorruptions:dead_rows')
    """
    return name if ":" in name else name.replace("_", " ").replace("h264", "H.264")


def spell_csv(value: object) -> str:
    """Return what stands in a cell of CSV. No spreadsheet takes a word for a formula; numbers stay as they are.

    >>> spell_csv("=1+1"), spell_csv("-0.5"), spell_csv("a-b")
    ("'=1+1", '-0.5', 'a-b')
    """
    text = make_visible(value)
    if NUMBER.fullmatch(text):
        return text
    # Spreadsheets read wide signs of East Asia as the narrow ones. Each letter is looked up as one, so places agree.
    narrow = "".join(unicodedata.normalize("NFKC", letter)[:1] or letter for letter in text)
    places = [match.end() for match in CELL_STARTS.finditer(narrow)]
    return "'".join(text[start:end] for start, end in zip([0, *places], [*places, len(text)], strict=True))


def spell_latex(text: str) -> str:
    """Return what LaTeX prints as a text, in ASCII: accents as commands, other foreign letters by their numbers.

    >>> print(spell_latex("50% of hrnet_w32"))
    50\\% of hrnet\\_w32
    """
    return "".join(map(_spell_latex_letter, unicodedata.normalize("NFC", make_visible(text))))


def _spell_latex_letter(letter: str) -> str:
    if letter in LATEX:
        return LATEX[letter]
    if letter.isascii():
        return letter
    base, *marks = list(unicodedata.normalize("NFD", letter))
    if base.isascii() and base.isalpha() and len(marks) == 1 and marks[0] in LATEX_ACCENTS:
        return f"\\{LATEX_ACCENTS[marks[0]]}{{{base}}}"
    return f"{{[}}U+{ord(letter):04X}{{]}}"


def spell_markdown(text: str) -> str:
    """Return what Markdown shows as a text: no table, link, HTML or emphasis begins or ends in it.

    >>> print(spell_markdown("a|b of hrnet_w32"))
    a\\|b of hrnet_w32
    """
    words = MARKDOWN.sub(lambda match: f"\\{match[0]}", make_visible(text))
    return words.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def tabulate_markdown(titles: Sequence[str], lines: Iterable[Sequence[str]], n_names: int = 0) -> list[str]:
    """Return the lines of a Markdown table; all columns but the first `n_names` are numbers."""
    rule = "|---" * n_names + "|" + "---:|" * (len(titles) - n_names)
    head, *body = ("| " + " | ".join(map(spell_markdown, line)) + " |" for line in (titles, *lines))
    return [head, rule, *body]
