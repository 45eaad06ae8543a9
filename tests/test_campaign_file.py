import pytest

from robustpose.campaign.file import read_campaign
from robustpose.campaign.runs import list_runs, spell_command, spell_setup
from robustpose.campaign.words import merge_options, spell_options
from robustpose.cli.checked_runs import check_runs, describe_data
from robustpose.errors import UserError
from robustpose.train.recipes import find_recipe_file


@pytest.fixture
def write(tmp_path):
    """Write a campaign's file of YAML text, and return its path."""

    def write(text):
        path = tmp_path / "table.yaml"
        path.write_text(text)
        return path

    return write


def refuse(path):
    with pytest.raises(UserError) as caught:
        read_campaign(path)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_campaign_has_a_run_for_each_training_seed_suite_and_way(write):
    campaign = read_campaign(
        write(
            "{trainings: {plain: , b: {epochs: 2}}, seeds: [3, 4], suites: [coco-c, c-bar],"
            " ways: {as is: , bn: {adapt: bn}}}"
        )
    )
    runs = list_runs(campaign)
    assert len(runs) == 2 * 2 * (1 + 2 * 2)
    assert [run.bench for run in runs[:5]] == [None, "coco-c", "c-bar", "coco-c (bn)", "c-bar (bn)"]
    assert len({run.folder for run in runs}) == len(runs)
    assert [run.seed for run in runs] == [3] * 10 + [4] * 10


def test_options_of_one_training_change_those_of_all(write):
    text = """
train: {recipe: advmix/toy, set: {epochs: 8, lr: 0.1}}
trainings: {short: {set: {epochs: 2}, strategy: supervised}}
bench: {data: toy, adapt_images: 4}
"""
    training, bench, *_ = list_runs(read_campaign(write(text)))
    assert spell_command(training.words) == (
        "robustpose train --recipe advmix/toy --set epochs=2 --set lr=0.1 --set seed=0 --strategy supervised"
    )
    assert bench.words == ("bench", "--suite", "coco-c", "--data", "toy", "--adapt-images", "4")


def test_a_bench_takes_the_weights_that_its_training_made(write, tmp_path):
    runs = list_runs(read_campaign(write("{trainings: {a: {recipe: demo}}, seeds: [7]}")))
    words = runs[1].command(tmp_path, {"a": "small"})
    assert words[words.index("--model") + 1] == f"small:{tmp_path}/runs/a/seed-7/training/model.safetensors"


def test_a_training_may_begin_with_the_weights_of_another(write, tmp_path):
    runs = list_runs(read_campaign(write("{trainings: {base: {recipe: demo}, hard: {from: base}}, seeds: [7]}")))
    words = runs[2].command(tmp_path, {})
    assert words[words.index("--init") + 1] == f"{tmp_path}/runs/base/seed-7/training/model.safetensors"
    assert runs[2].after == runs[0].folder


def test_networks_that_are_there_are_only_benched(write):
    runs = list_runs(read_campaign(write("{trainings: {mine: {model: 'onnx:net-{seed}.onnx'}}, seeds: [1, 2]}")))
    assert [run.words[2] for run in runs] == ["onnx:net-1.onnx", "onnx:net-2.onnx"]
    assert all(run.after is None and not run.is_training for run in runs)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{trainings: {a: {}}, sede: [1]}", "unknown key 'sede'"),
        ("{seeds: [1]}", "'trainings' is missing"),
        ("{trainings: {}}", "trainings must be of at least 1 entries"),
        ("{trainings: {a: {}}, seeds: [1, 1]}", "has 1 twice"),
        ("{trainings: {a: {}}, seeds: [-1]}", "seeds.0 must be at least 0"),
        ("{trainings: {../a: {}}}", "is no name here"),
        ("{trainings: {a: {}, A: {}}}", "in other capitals"),
        ("{trainings: {a: {}}, suites: [coco]}", "there is no suite 'coco'"),
        ("{trainings: {a: {out: x}}}", "trainings.a.out is not for a campaign's file: each run has"),
        ("{trainings: {a: {}}, bench: {suite: c-bar}}", "suites names them"),
        ("{trainings: {a: {}}, train: {set: {seed: 3}}}", "seeds says it"),
        ("{trainings: {a: {from: b}}}", "trainings.a.from must name one of the trainings, got 'b'"),
        ("{trainings: {a: {from: b}, b: {from: a}}}", "begins with itself"),
        ("{trainings: {a: {model: 'onnx:n.onnx'}}}", "must hold {seed}"),
        ("{trainings: {a: {model: 'onnx:{seed}', strategy: x}}}", "nothing is trained: leave out strategy"),
        ("{trainings: {a: {}}, parts: {half: '2'}}", "parts: half: a part of the images is a slice"),
        ("{trainings: {a: {}}, parts: {All images: '0::2'}}", "is what is compared besides: give it another name"),
        ("{trainings: {a: {}}, ways: {x: {}, y: {adapt: false}}}", "ways.x and ways.y are the same"),
        ("{trainings: {a: {}}, bench: {boxes: 'detect:onnx:d.onnx'}}", "bench.boxes: detect makes two runs of each"),
        ("{trainings: {a: {}, b: {from: a}}, comparisons: {c: [a, d]}}", "comparisons.c must name two of"),
        ("{trainings: {a: {}, b: {from: a}}, comparisons: {c: [a]}}", "at least 2"),
        ("{trainings: {a: {}, b: {from: a}}, comparisons: {c: [a, a]}}", "comparisons.c must name two trainings, or"),
        (
            "{trainings: {a: }, ways: {x: , bn: {adapt: bn}}, comparisons: {c: [a, a (xx)]}}",
            "such as 'a (bn)', got 'a (",
        ),
        ("{trainings: {a: , b: {from: a}}, ways: {bn: {adapt: bn}}, comparisons: {c: [a (bn), b]}}", "got 'b'"),
        ("{trainings: {a: {}, b: {}}}", "trainings.a and trainings.b are the same"),
        ("{trainings: {a: {}, b: {from: a}, c: {from: a}}}", "trainings.b and trainings.c are the same"),
        ("{trainings: {a: {}}, ways: {few: {limit: 2}}}", "ways.few.limit says what is measured"),
        ("{trainings: {a: {}}, bench: {no-report: true, no_report: false}}", "has no-report twice"),
        ("{trainings: {a: {set: [epochs=2]}}}", "trainings.a.set must be a group"),
        ("{trainings: {a: {}, a: {strategy: x}}}", "has 'a' twice in one group, the second in line 1"),
        ("{trainings: {a: }, bench: {adapt: bn}, ways: {x: {}, y: {adapt: bn}}}", "ways.x and ways.y are the same"),
        ("{trainings: {a: {}}, parts: {x: 1:2}}", "YAML reads a slice such as 1:2 as a number, 62: put it in quotes"),
        ("{trainings: {a: }, seeds: [-1]}", "seeds.0 must be at least 0, got -1"),
        ("{trainings: {a: }, ways: {x: , y: {resamples: 60}}}", "are the same but for resamples, which belongs below"),
        ("{trainings: {a: }, bench: {annotations: 'v-{seed}.json'}}", "which must be the same for all seeds"),
        ("[1]", "must hold trainings and benches (key: value), got list"),
    ],
)
def test_a_mistake_is_one_line_that_names_its_place(write, text, words):
    assert words in refuse(write(text))


def test_the_way_without_options_has_no_name_of_its_own(write):
    runs = list_runs(read_campaign(write("{trainings: {a: }, seeds: [0], ways: {bn: {adapt: bn}, plain: }}")))
    assert [run.bench for run in runs] == [None, "coco-c (bn)", "coco-c"]


def test_what_gives_weights_comes_first_wherever_it_stands(write):
    runs = list_runs(read_campaign(write("{trainings: {c: {from: b}, b: {from: a}, a: }, seeds: [0]}")))
    assert [run.training for run in runs if run.is_training] == ["a", "b", "c"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{trainings: {a: {epochs: 2}}}", "trainings.a.epochs: robustpose train has no option --epochs: settings"),
        ("{trainings: {a: {recipe: demo}}, bench: {reprot: false}}", "bench.reprot: robustpose bench has no option"),
        ("{trainings: {a: {recipe: demo}}, ways: {x: {adapt: true}}}", "ways.x.adapt: --adapt takes a value, got true"),
        ("{trainings: {a: {recipe: demo}}, bench: {no-report: never}}", "--no-report is a switch, true or false"),
        ("{trainings: {a: {recipe: demos}}}", "a, seed 0: there is no recipe and no file 'demos'"),
        ("{trainings: {a: {recipe: demo, set: {epoch: 1}}}}", "a, seed 0: "),
        (
            "{trainings: {a: {recipe: advmix/toy, init: demo, set: {mixing.views: [clean, fourier]}}}}",
            "a, seed 0: view 'fourier' shows the network what",
        ),
        (
            "{seeds: [3], trainings: {a: {model: 'onnx:nothing.onnx'}}}",
            "trainings.a.model: there is no file nothing.onn",
        ),
    ],
)
def test_options_are_checked_by_their_commands(write, text, words):
    with pytest.raises(UserError) as caught:
        check_runs(read_campaign(write(text)))
    assert words in str(caught.value)


def test_files_that_settings_name_are_told_but_for_those_of_the_words(write, tmp_path):
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text(find_recipe_file("advmix/toy").read_text() + "teacher: {weights: first.pth}\n")
    told = check_runs(
        read_campaign(write(f"trainings: {{a: {{recipe: {recipe}, init: b.pth}}, b: {{recipe: {recipe}, from: a}}}}"))
    )
    assert told["a"].files == told["b"].files == ("first.pth",)


def test_benches_must_say_their_data(write):
    with pytest.raises(
        UserError, match=r"bench must say what all networks are benched on, such as bench: \{data: toy\}"
    ):
        describe_data(read_campaign(write("{trainings: {a: {recipe: demo}}}")))
    assert describe_data(read_campaign(write("{trainings: {a: {recipe: demo}}, bench: {data: toy}}"))).name == "toy"


def test_a_file_that_one_seed_lacks_is_found_before_the_first_run(write, tmp_path):
    (tmp_path / "net-0.onnx").touch()
    model = f"onnx:{tmp_path}/net-{{seed}}.onnx"
    with pytest.raises(UserError, match=r"mine, seed 1, coco-c: there is no .*net-1.onnx, which seed 0 has"):
        check_runs(read_campaign(write(f"trainings: {{mine: {{model: '{model}'}}}}")))


def test_groups_are_merged_key_by_key_and_nested_keys_have_dots():
    merged = merge_options({"set": {"mixing": {"alpha": 0.1}}}, {"set": {"mixing.alpha": 0.5, "lr": 1}})
    assert spell_options(merged) == ["--set", "mixing.alpha=0.5", "--set", "lr=1"]
    with pytest.raises(UserError, match="must be a group"):
        merge_options({"set": {"lr": 1}}, {"set": "lr=2"})


def test_a_value_that_no_option_can_have_is_refused():
    with pytest.raises(UserError, match="'metric' in a campaign's file must be a word"):
        spell_options({"metric": [[1]]})


def test_how_runs_are_made_is_spelled_as_options(write):
    text = "{train: {recipe: demo}, trainings: {a: , b: {from: a}, c: {model: 'o:{seed}'}}, bench: {data: toy}"
    told = dict(spell_setup(read_campaign(write(f"{text}, ways: {{x: , bn: {{adapt: bn}}}}}}"))))
    assert told == {
        "all trainings": "--recipe demo", "a": "", "b": "--init 'that of a'", "c": "--model 'o:{seed}'",
        "all benches": "--data toy", "benches (bn)": "--adapt bn",
    }  # fmt: skip
