"""robustpose list: what there is to choose from."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from robustpose import registry
from robustpose.cli.completion import complete, list_parts
from robustpose.errors import UserError, nearest, spell_list
from robustpose.show.lists import print_columns, print_entries, print_note, terminal_width

if TYPE_CHECKING:
    from robustpose.cli.described import Described

# What can be listed, with its line in the list of lists.
KINDS = {
    "models": "what --model takes",
    "options": "options of a model, which --model-set takes: robustpose list options onnx",
    "detectors": "what detect --model and bench --boxes detect: take; robustpose list detectors onnx: options of one",
    "networks": "our networks, how they were trained, their official files",
    "rows": "rows of the paper's tables, which --row takes",
    "recipes": "recipes of training, which train --recipe takes",
    "corruptions": "corruptions by suite and group, which --corruptions takes",
    "suites": "suites of corruptions, which --suite takes",
    "datasets": "what --data takes",
    "skeletons": "published skeletons, by which joints are known; which --skeleton takes",
    "metrics": "what --metric takes",
    "strategies": "strategies of training, which train --strategy takes",
    "views": "views of a crop in training, which --set mixing.views= takes",
    "settings": "settings of training, which train --set takes",
}
DESCRIBED = {
    "models": "robustpose.estimators:DESCRIPTIONS",
    "datasets": "robustpose.data.spec:DESCRIPTIONS",
    "metrics": "robustpose.metrics:DESCRIPTIONS",
    "views": "robustpose.train.views.table:DESCRIPTIONS",
}


def list_(
    kind: Annotated[
        str,
        typer.Argument(
            metavar="WHAT",
            show_default=False,
            autocompletion=complete(lambda: KINDS),
            help=f"{', '.join(KINDS)}. Without it: what each of them is.",
        ),
    ] = "",
    part: Annotated[
        str,
        typer.Argument(
            metavar="PART",
            show_default=False,
            autocompletion=list_parts,
            help="Only what has this in its name, such as rows table5 or settings mixing. Of options: the model.",
        ),
    ] = "",
) -> None:
    """List what there is to choose from, by name.

    In a terminal lines are wrapped; in a pipe each entry is one line.
    """
    if kind and kind not in KINDS:
        raise UserError(f"nothing is listed as '{kind}'{nearest(kind, KINDS)}: expected one of {', '.join(KINDS)}")
    if not kind:
        print_entries((f"list {name}", text) for name, text in KINDS.items())
    elif kind in LISTS:
        LISTS[kind](part)
    else:
        print_entries(_choose(registry.load(DESCRIBED[kind]).items(), part, kind))


def _choose(entries: Iterable[tuple[str, Any]], part: str, kind: str) -> list[tuple[str, Any]]:
    """Return the entries with `part` in their names; UserError where there is none."""
    chosen = [entry for entry in entries if part.lower() in entry[0].lower()]
    if not chosen:
        raise UserError(f"none of the {kind} has '{part}' in its name: robustpose list {kind} shows all")
    return chosen


def _list_corruptions(part: str) -> None:
    from robustpose.corruptions.suites import SUITES

    groups = [(suite, group, ", ".join(names)) for suite in SUITES.values() for group, names in suite.groups.items()]
    widest = max(map(len, SUITES))
    entries = [(f"{suite.name:<{widest}}  {group}", names) for suite, group, names in groups]
    chosen = [(name, names) for name, names in entries if part.lower() in f"{name} {names}"]
    print_entries(chosen or _choose(entries, part, "corruptions"), piped_width=max(len(name) for name, _ in entries))
    print_note(
        "--corruptions takes names, and groups of --suite, with commas, or package.module:function: f(image, severity, "
        "rng)."
    )


def _list_suites(part: str) -> None:
    from robustpose.corruptions.suites import SUITES

    for name, suite in _choose(SUITES.items(), part, "suites"):
        size = f"{suite.n_corruptions} corruptions x {len(suite.severities)} severities"
        means = f"mean {suite.mean_name}, ratio {suite.ratio_name}"
        about = f"{suite.description}; version {suite.version}: {size} ({spell_list(suite.groups)}); {means}"
        print_entries([(name, about)], piped_width=max(map(len, SUITES)))
    print_note("robustpose list corruptions names the corruptions of each.")


def _list_networks(part: str) -> None:
    from robustpose.models.zoo import ZOO

    titles = ["network", "data", "colours", "epochs", "batch", "sigma", "rot", "scale", "half", "clean"]
    lines: list[Sequence[object]] = []
    for _, one in _choose(((one.name, one) for one in ZOO.values()), part, "networks"):
        vary = one.training.get("augment") or one.training["image_augment"]
        drops, batch = ", ".join(map(str, one.training["decay_at"])), " x ".join(map(str, one.training["batch"]))
        how: list[object] = [f"{one.training['epochs']} ({drops})", batch, one.input_spec.sigma]
        how += [vary.get(name, "–") for name in ("rotation", "scale", "half_body_probability")]
        score = "–" if one.score is None else f"{100 * one.score:.1f}"
        lines.append((one.name, one.skeleton.name, one.input_spec.channels, *how, score, one.file or "–"))
    dropped_first = ["half", "sigma", "scale", "rot", "batch", "epochs", "colours"]
    print_columns([*titles, "official file"], lines, dropped_first)
    print_note(
        "clean: AP on COCO val2017, crops with detected boxes, or PCKh on MPII valid, as its authors published it."
    )
    print_note(
        "batch: devices x crops. A recipe with like: NETWORK trains as this table says. PifPaf's files: convert-pifpaf."
    )


def _list_skeletons(part: str) -> None:
    from robustpose.pose.skeleton_table import TABLE

    chosen = _choose(TABLE.items(), part, "skeletons")
    lines: list[Sequence[object]] = []
    for name, row in chosen:
        parts = ", ".join(name for name, _ in row.skeleton.parts) or "–"
        lines.append((name, row.skeleton.n_joints, row.title, parts, row.source))
    print_columns(["skeleton", "joints", "of", "parts", "sigmas"], lines, ["sigmas", "parts", "of"])
    if len(chosen) == 1:
        skeleton = chosen[0][1].skeleton
        mirrored = [skeleton.joints[joint] if joint != i else "–" for i, joint in enumerate(skeleton.flip_order)]
        joints = zip(range(skeleton.n_joints), skeleton.joints, map(str, skeleton.sigmas), mirrored, strict=True)
        print_columns(["number", "joint", "sigma", "mirrored"], list(joints), ["mirrored"])
    else:
        print_note("robustpose list skeletons NAME shows the joints of one, with their sigmas.")
    print_note("Annotations whose joints have these names, in any order and usual spelling, get these sigmas.")
    print_note("--skeleton NAME says whose joints they are where they have other names, or none.")


def _list_rows(part: str) -> None:
    from robustpose.results.published import published_rows
    from robustpose.results.rows import percent
    from robustpose.train.rows import get_training

    lines: list[Sequence[object]] = []
    for _, row in _choose(((row.name, row) for row in published_rows()), part, "rows"):
        scores = (percent(score) for score in (row.clean, row.mPC, row.rPC))
        strategy = get_training(row).strategy + "*" * (row.weights is not None)
        lines.append((row.name, row.zoo.name, strategy, row.boxes, row.table, *scores))
    titles = ("row", "network", "strategy", "boxes", "table", "clean", "mPC", "rPC")
    print_columns(titles, lines, ["network", "table", "boxes", "strategy"])
    print_note(
        "clean: AP*, or PCKh* on MPII-C. strategy: see list strategies; *: list networks names a file with the weights."
    )
    print_note(
        "robustpose train --row ROW --root DATA [--init FILE | --backbone FILE] --out DIR trains one: "
        "docs/reference/training.md."
    )
    print_note("robustpose bench --row ROW --root DATA --weights FILE_OR_DIR --out DIR measures one.")


def _list_strategies(part: str) -> None:
    from robustpose.train.strategies import STRATEGIES

    entries = [
        (name, f"{row.description}; views {', '.join(row.views)}{'; with a teacher' * row.distils}")
        for name, row in _choose(STRATEGIES.items(), part, "strategies")
    ]
    print_entries(entries, piped_width=14)
    print_note("Or package.module:attr: a Strategy of your own, a mixer, or a function that makes one.")
    print_note(
        "--set mixing.views=[clean, ...] takes other views (robustpose list views), --set mixing.alpha=0 no teacher."
    )


def _list_recipes(part: str) -> None:
    from robustpose.train.recipes import list_recipes

    print_entries(_choose(list_recipes().items(), part, "recipes"), piped_width=21)
    print_note("robustpose train --recipe NAME --out DIR trains one, --set KEY=VALUE otherwise.")


def _list_settings(part: str) -> None:
    from robustpose.cli.described import describe_settings

    _print_described(describe_settings(part))
    print_note("robustpose train --set NAME=VALUE changes one; in a recipe, what is before a dot is a group.")


def _list_options(part: str) -> None:
    from robustpose.cli.described import describe_options

    if not part:
        from robustpose import estimators, models

        print_note(f"Models that have options: {', '.join([*estimators.TABLE, *models.TABLE])}.")
        print_note("robustpose list options onnx lists those of one.")
        return
    _print_described(describe_options(part))
    print_note("robustpose bench --model-set NAME=VALUE changes one.")


def _list_detectors(part: str) -> None:
    from robustpose import detectors

    if part.partition(":")[0] in detectors.TABLE or ":" in part:
        from robustpose.cli.described import describe_detector_options

        _print_described(describe_detector_options(part))
        print_note("robustpose detect --model-set NAME=VALUE changes one, and bench --detector-set NAME=VALUE.")
        return
    print_entries(_choose(detectors.DESCRIPTIONS.items(), part, "detectors"))
    print_note(f"robustpose list detectors {next(iter(detectors.TABLE))} lists the options of a kind.")


def _print_described(described: Sequence[Described]) -> None:
    """Print settings: in a terminal a line with the default and what it takes, below it the text."""
    if terminal_width() is None:
        print_columns(
            ("name", "takes", "default", "what it does"),
            [(one.name, one.kind, one.default, one.text) for one in described],
        )
        return
    for one in described:
        default = {"": "", "required": "  (required)"}.get(one.default, f"  [default: {one.default}]")
        print_note(f"{one.name}=  {one.kind}{default}")
        print_entries([("    ", one.text)])


LISTS: dict[str, Callable[[str], None]] = {
    "corruptions": _list_corruptions,
    "suites": _list_suites,
    "detectors": _list_detectors,
    "networks": _list_networks,
    "skeletons": _list_skeletons,
    "rows": _list_rows,
    "strategies": _list_strategies,
    "recipes": _list_recipes,
    "settings": _list_settings,
    "options": _list_options,
}
