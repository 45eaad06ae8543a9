"""Models by suites as small HTML tables, for notebooks. Text from files is escaped; nothing is run."""

from __future__ import annotations

from robustpose.results.across import AcrossSuites
from robustpose.show.across_suites import list_gains, spell_scores, title_column
from robustpose.show.inline import spell_html, tabulate_html


def across_to_html(across: AcrossSuites) -> str:
    """Return the verdict, the scores of models on suites in percent, and gains over the first model in points."""
    first = across.first
    named = zip(across.letters, across.names, strict=True)
    parts = [f"<p>{'<br>'.join(f'{letter}: <b>{spell_html(name)}</b>' for letter, name in named)}</p>"]
    parts.append(f"<p>{spell_html(f'{first.metric} in percent on {first.dataset}, {across.of_images}')}</p>")
    parts.append(f"<p>{spell_html(' '.join(across.verdict))}</p>")
    columns = [[title_column(across, *column), *spell_scores(column[1])] for column in across.overview]
    parts.append(tabulate_html(["", *across.letters], columns))
    if across.gains:
        titles = ["", "on", f"gain on {first.suite.name}", "gain there", "difference", "held"]
        parts.append(tabulate_html(titles, list_gains(across)))
        parts.append(f"<p>{spell_html(first.note_on_marks)}</p>")
    parts += [f"<p>note: {spell_html(note)}</p>" for note in across.notes]
    parts += [f'<p style="color:#b35900">⚠ {spell_html(text)}</p>' for text in across.warnings]
    return "".join(parts)
