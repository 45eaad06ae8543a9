"""Seen: which corruptions a training shows its network: by its views, its data and the weights that it starts from.

A score under a corruption that a network has learned from is no measure of robustness to something new. So what a suite
tests is refused here unless `mixing.unseen` says otherwise, and the weights that come out say what they have seen
(`InputSpec.seen`), from where results know it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from robustpose.corruptions.suites import SUITES
from robustpose.data.corrupted_set import find_corruptions
from robustpose.errors import UserError, spell_list
from robustpose.files import name_in_text
from robustpose.models import DEMO
from robustpose.results.seen import list_unknown
from robustpose.train.settings import TrainSettings
from robustpose.train.strategies import OF_PAPER, THREE
from robustpose.train.views.table import VIEWS

LONGEST = 100  # letters of a file's name; an `InputSpec` holds words of 200


def list_seen(views: Iterable[str]) -> tuple[str, ...]:
    """Return the names of the corruptions that training with some views shows, each once: `InputSpec.seen`.

    >>> list_seen(["clean", "corrupted"])
    ('gaussian_noise', 'defocus_blur', 'snow', 'contrast')
    """
    return tuple(dict.fromkeys(name for view in views for name in VIEWS[view].seen))


def check_unseen(settings: TrainSettings) -> None:
    """Raise UserError where a training shows its network what is going to be measured as something new."""
    shown = _list_shown(settings)
    told = _tell(shown, settings.mixing.unseen)
    if told:
        raise UserError(
            f"{told}: scores under what a network has learned from are no measure of robustness; say which suites will "
            "be measured as something new, such as --set mixing.unseen=coco-c,held-out: only these are checked then "
            "(--set mixing.unseen=none: nothing is)"
        )


def note_seen(settings: TrainSettings) -> str:
    """Return what results will mark as seen, whatever `mixing.unseen` lets pass; empty where that is nothing."""
    shown = _list_shown(settings)
    if _is_asked_for(settings):
        shown = {f"strategy '{settings.strategy}'": _list_drawn(settings), **shown}
    told = _tell(shown, None)
    return f"{told}: results of this network mark these as seen" if told else ""


def gather_seen(settings: TrainSettings) -> tuple[str, ...] | None:
    """Return what the weights of a training have seen at its end: by views and data, and before, as files say.

    None where nothing is known of the weights that it starts from, and nothing is shown to them; else a word such as
    `what a.pth had seen` stands for what is not known. A trunk that says nothing counts as one that has seen nothing:
    it has learned to tell classes.
    """
    from robustpose.models.weights import read_input_spec

    weights = (settings.start_from, settings.backbone, settings.teacher.weights if settings.distills else None)
    paths = [path for path in dict.fromkeys(weights) if path is not None]
    known = {DEMO: (), settings.backbone: ()}  # where files say nothing
    found = [read_input_spec(path) for path in paths]
    before = [
        known.get(path) if input_spec is None or input_spec.seen is None else input_spec.seen
        for path, input_spec in zip(paths, found, strict=True)
    ]
    own = (*_list_drawn(settings), *_find_in_data(settings))
    names = dict.fromkeys([*own, *(name for seen in before for name in seen or ())])
    if not names and None in before:
        return None
    of = [name_in_text(path)[-LONGEST:] for path, seen in zip(paths, before, strict=True) if seen is None]
    unknown = [f"what {name} had seen" for name in of]
    return tuple(dict.fromkeys([*names, *unknown]))


def note_unknown(seen: Sequence[str] | None) -> str:
    """Return what the user should know where what weights have seen is not all known; empty where it is."""
    words = list_unknown(seen)
    named = f"{spell_list(words)} is not known: " if words else ""
    return f"{named}results of this network say what it has seen at least, and nothing of what is new" if named else ""


def _is_asked_for(settings: TrainSettings) -> bool:
    """Tell whether views are those of a strategy of the paper, or its three, which mixers of one's own get."""
    own = set(settings.way.views)  # in which order does not matter here
    return set(settings.views) == own and (settings.strategy in OF_PAPER or own == set(THREE))


def _list_shown(settings: TrainSettings) -> dict[str, tuple[str, ...]]:
    """Return which corruptions are shown, by what shows them, but for what was asked for by name."""
    views = () if _is_asked_for(settings) else settings.views
    shown = {f"view '{name}'": VIEWS[name].seen for name in views if _is_drawn(name, settings)}
    return {**shown, "train_data": _find_in_data(settings)}


def _list_drawn(settings: TrainSettings) -> tuple[str, ...]:
    """Return the corruptions that the views of a training show."""
    return list_seen(view for view in settings.views if _is_drawn(view, settings))


def _is_drawn(view: str, settings: TrainSettings) -> bool:
    """Tell whether any crop of a view is changed: the view `corrupted` may be told to leave all as they are."""
    return view != "corrupted" or settings.mixing.corrupted_share > 0


def _find_in_data(settings: TrainSettings) -> tuple[str, ...]:
    """Return the corruptions of the images that are learned from, if the manifest of their set names them."""
    spec = settings.train_data
    folders = (spec.images if spec.stylized == "both" or spec.style_images is None else None, spec.style_images)
    return tuple(dict.fromkeys(name for folder in folders if folder is not None for name in find_corruptions(folder)))


def _tell(shown: dict[str, tuple[str, ...]], unseen: Sequence[str] | None) -> str:
    """Return who shows what of which suite, in words; empty where nothing is shown that is to stay unseen."""
    tested = {who: _name_tested(names, unseen) for who, names in shown.items()}
    return "; ".join(f"{who} shows the network {spell_list(what)}" for who, what in tested.items() if what)


def _name_tested(names: Sequence[str], unseen: Sequence[str] | None) -> list[str]:
    """Return those of some corruptions that are to stay unseen, by suite, such as `fog and snow of coco-c`."""
    suites = [suite for suite in SUITES.values() if unseen is None or suite.name in unseen]
    tested = [(suite.name, [name for name in names if name in suite.corruptions]) for suite in suites]
    words = [f"what {suite} tests ({', '.join(of)})" for suite, of in tested if of]
    alone = [name for name in names if name in (unseen or ())]
    return words + ([", ".join(alone)] if alone else [])
