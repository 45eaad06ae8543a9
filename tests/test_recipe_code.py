import sys

import pytest
import yaml

from robustpose.errors import UserError
from robustpose.train.recipe_code import check_same_code, list_code
from robustpose.train.recipes import read_settings
from robustpose.train.settings import make_settings

EVIL = "evil_for_recipes"
RECIPE = {"model": "small", "input_wh": [96, 128], "train_data": {"name": "toy"}, "val_data": {"name": "toy"}}
PLACES = {
    "model": {"model": f"{EVIL}:go"},
    "strategy": {"strategy": f"{EVIL}:go"},
    "teacher.model": {"teacher": {"model": f"{EVIL}:go", "weights": "none.pth"}, "strategy": "distill"},
    "train_data.name": {"train_data": {"name": f"{EVIL}:go"}},
    "train_data.metric": {"train_data": {"name": "toy", "metric": f"{EVIL}:go"}},
    "val_data.name": {"val_data": {"name": f"{EVIL}:go"}},
    "val_data.metric": {"val_data": {"name": "toy", "metric": f"{EVIL}:go"}},
}


@pytest.fixture(autouse=True)
def evil(tmp_path, monkeypatch):
    """A module that notes that it was imported."""
    (tmp_path / f"{EVIL}.py").write_text("go = 3\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.chdir(tmp_path)
    monkeypatch.delitem(sys.modules, EVIL, raising=False)
    yield lambda: EVIL in sys.modules
    sys.modules.pop(EVIL, None)


def write(path, values):
    path.write_text(yaml.safe_dump(values))
    return path


@pytest.mark.parametrize("key", PLACES)
def test_code_of_a_training_recipe_needs_trust(run, tmp_path, evil, key):
    recipe = write(tmp_path / "r.yaml", RECIPE | PLACES[key])
    code, _, errors = run("train", "--recipe", recipe, "--out", tmp_path / "out")
    assert code == 2
    assert errors == (
        f"error: recipe {recipe} names code, which would be run ({key}: {EVIL}:go): say --trust if you trust who wrote "
        "it, or type it as an option\n"
    )
    assert not evil()
    assert not (tmp_path / "out").exists()
    _, _, errors = run("train", "--recipe", recipe, "--out", tmp_path / "out", "--trust", "--set", "lr=no")
    assert "--trust" not in errors


@pytest.mark.parametrize(
    ("words", "options"),
    [
        (["strategy=evil_for_recipes:go"], {}),
        ([" strategy = evil_for_recipes:go"], {}),
        ([], {"strategy": f"{EVIL}:go"}),
    ],
)
def test_code_that_was_typed_needs_none(tmp_path, evil, words, options):
    for recipe in (RECIPE, RECIPE | PLACES["strategy"]):
        with pytest.raises(UserError, match=r"strategy 'evil_for_recipes:go' is of type int"):
            read_settings(write(tmp_path / "r.yaml", recipe), words, options)
    assert evil()


def test_typing_one_name_does_not_trust_another(tmp_path, evil):
    recipe = write(tmp_path / "r.yaml", RECIPE | PLACES["train_data.metric"] | PLACES["strategy"])
    for words in (
        ["strategy=supervised"],
        ["train_data.name=toy"],
        ["train=x"],
        ["val_data.metric=evil_for_recipes:go"],
    ):
        with pytest.raises(
            UserError, match=r"names code, which would be run \(.*train_data\.metric: evil_for_recipes:go"
        ):
            read_settings(recipe, words)
    with pytest.raises(UserError, match=r"strategy: evil_for_recipes:go\)"):
        read_settings(recipe, ["train_data={name: toy}"])
    assert not evil()
    assert read_settings(recipe, ["train_data={name: toy}", "strategy=supervised"]).strategy == "supervised"


def test_only_names_of_code_are_code():
    assert list_code(RECIPE | {"val_data": {"name": "toy", "metric": "pck:box@0.2"}}) == {}
    for values in (None, 3, [], {"model": ["a:b"]}, {"train_data": "a:b"}, {"teacher": None}):
        assert list_code(values) == {}


def test_code_that_only_a_checkpoint_names_is_not_run(tmp_path, evil):
    settings = make_settings(RECIPE).model_dump(mode="json")
    with pytest.raises(UserError, match=r"other settings \(strategy: 'evil_for_recipes:go' there, None now\)"):
        check_same_code(settings | {"strategy": f"{EVIL}:go"}, settings, tmp_path)
    assert not evil()
    check_same_code(settings | {"strategy": f"{EVIL}:go"}, settings | {"strategy": f"{EVIL}:go"}, tmp_path)
    for values in (None, 3, {"model": []}):
        check_same_code(values, settings, tmp_path)


BENCH = {
    "model": "small", "weights": "best.pth", "input": "96x128", "data": "toy", "split": "val",
    "expected": {"source": "our lab", "clean": 75.0, "mPC": 55.0, "rPC": 73.3},
}  # fmt: skip


@pytest.mark.parametrize("key", ["model", "data"])
def test_code_of_a_bench_recipe_needs_trust(run, tmp_path, evil, key):
    recipe = write(tmp_path / "r.yaml", BENCH | {key: f"{EVIL}:go"})
    (tmp_path / "best.pth").touch()
    words = ["bench", "--recipe", recipe, "--out", tmp_path / "out"]
    code, _, errors = run(*words)
    assert code == 2
    assert f"bench recipe {recipe} names code, which would be run ({key}: {EVIL}:go): say --trust" in errors
    assert not evil()
    for more in (["--trust"], *([["--data", f"{EVIL}:go"]] if key == "data" else [])):
        code, _, errors = run(*words, *more)
        assert code == 2
        assert "--trust" not in errors


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (
            {"weights": "../../etc/passwd"},
            "weights must be the name of a file, without folders, got '../../etc/passwd'",
        ),
        ({"weights": "/etc/passwd"}, "weights must be the name of a file"),
        ({"weights": ".."}, "weights must be the name of a file"),
        ({"model": 3}, "model must be text, got 3"),
        ({"model": ""}, "model must be text of at least 1 letters"),
        ({"data": ["toy"]}, "data must be text, got ['toy']"),
        ({"only_with_people": "perhaps"}, "only_with_people must be true or false"),
        ({"expected": []}, "expected must be a group"),
        ({"expected": BENCH["expected"] | {"clean": float("nan")}}, "expected.clean must be a finite number, got nan"),
        ({"expected": BENCH["expected"] | {"mPC": 550}}, "expected.mPC must be at most 100.0, got 550"),
        ({"expected": BENCH["expected"] | {"mPC": True}}, "expected.mPC must be something other than true or false"),
        ({"expected": BENCH["expected"] | {"source": "x" * 5000}}, "expected.source must be text of at most 1000"),
        (
            {"expected": BENCH["expected"] | {"corruptions": {"fogg": 3}}},
            "unknown corruption 'fogg' (did you mean 'fog'?)",
        ),
        ({"expected": BENCH["expected"] | {"corruptions": {"fog": "a"}}}, "expected.corruptions.fog must be a number"),
        ({"expected": BENCH["expected"] | {"corruptions": {3: 3}}}, "expected.corruptions.3 must be text"),
        ({"expected": BENCH["expected"] | {"corruptions": ["fog"]}}, "expected.corruptions must be a group"),
    ],
)
def test_bench_recipe_of_any_shape_is_one_short_line(run, tmp_path, changes, words):
    code, _, errors = run("bench", "--recipe", write(tmp_path / "r.yaml", BENCH | changes), "--out", tmp_path / "out")
    assert code == 2
    assert words in errors
    assert errors.count("\n") == 1
    assert len(errors) < 400 + len(str(tmp_path))


def test_seed_of_a_bench_recipe_may_be_a_number(tmp_path):
    from robustpose.results.recipe import find_recipe

    assert find_recipe(None, write(tmp_path / "r.yaml", BENCH | {"seed": 7}))[0].seed == "7"


@pytest.mark.parametrize(
    ("word", "words"),
    [
        ("a: &a [1, 1]\nb: [*a]", "--set"),
        ("lr=&a [*a]", "--set lr: '&a [*a]' is no YAML that can be read"),
        (f"lr={'[' * 5000}", "is no YAML that can be read"),
        (f"{'a.' * 3000}a=1", "unknown key 'a"),
        ("lr=!!python/object/apply:os.system [ls]", "is no YAML that can be read"),
        ("__class__=3", "unknown key '__class__'"),
        ("lr={1: 2}", "lr must be a number"),
        ("augment={1: 2}", "augment.1 must be named by text"),
        ("seed=0x" + "f" * 9000, "seed must be of at most 18 digits"),
        ("mixing.views=[[clean]]", "mixing.views.0 must be text"),
    ],
)
def test_settings_that_are_typed_are_bounded_too(run, tmp_path, word, words):
    code, _, errors = run(
        "train", "--recipe", write(tmp_path / "r.yaml", RECIPE), "--out", tmp_path / "out", "--set", word
    )
    assert code == 2
    assert words in errors
    assert errors.count("\n") == 1
    assert len(errors) < 2100
