import pytest

from robustpose.errors import UserError
from robustpose.results.about import SERIES, TRAININGS, About, parse_training, read_about, read_told
from tests.measured import make_row, provenance_of


def about(**provenance):
    return read_about({"metric": "AP", "provenance": provenance_of(**provenance)})


def test_a_run_of_one_of_our_networks_knows_network_input_and_boxes():
    assert about() == About(network="sbl_r50", input="192x256", boxes="gt")
    assert about(kind="higherhrnet_w32", box_protocol="none", size="512x512").boxes == "none"


def test_a_run_made_as_a_row_of_the_paper_knows_its_training():
    known = about(kind="hrnet_w32", row=make_row("coco-c/table5/gridmask"))
    assert (known.network, known.training) == ("hrnet_w32", "Grid-Mask")


def test_a_row_of_another_network_is_not_believed():
    assert about(kind="sbl_r50", row=make_row("coco-c/table5/gridmask")).training is None


@pytest.mark.parametrize("kind", ["onnx", "results", "function", None, 3])
def test_other_estimators_know_no_network(kind):
    assert about(kind=kind, box_protocol="unknown", size=None) == About()


def test_code_of_ones_own_is_a_network():
    assert about(kind="mine:Net").network == "mine:Net"


def test_the_name_of_a_weights_file_says_nothing():
    estimator = {"kind": "onnx", "name": "pose_resnet_50_256x192_advmix.onnx"}
    assert about(estimator=estimator) == About(boxes="gt")


@pytest.mark.parametrize(
    ("word", "training"), [("gridmask", "Grid-Mask"), ("advmix-image", "AdvMix-Image"), ("STANDARD", "Standard")]
)
def test_trainings_are_taken_as_the_paper_and_as_our_commands_spell_them(word, training):
    assert parse_training(word) == training


def test_every_training_of_the_tables_is_one():
    assert all(parse_training(training) == training for training in TRAININGS)


def test_networks_of_a_series_are_in_the_order_of_their_parameters():
    for networks in SERIES.values():
        sizes = [About(network=network).size for network in networks]
        assert sizes == sorted(set(sizes))
        assert len({About(network=network).line for network in networks}) == 1


def test_a_series_of_ones_own_is_none_of_ours():
    assert About(network="mine", series="SBL", parameters=1).line not in SERIES
    assert About(network="mine", series="SBL").line is None


def test_a_row_of_the_zoo_is_its_network():
    assert About(network="sbl_r50_256x192").network == "sbl_r50"


def test_what_is_said_completes_a_summary_and_does_not_contradict_it():
    known = About(network="sbl_r50", boxes="gt")
    assert known.fill_in(About(training="AdvMix", boxes="gt"), "a").training == "AdvMix"
    with pytest.raises(UserError, match=r"the network of a is sbl_r50 by its summary\.json, and sbl_r101 was said"):
        known.fill_in(About(network="sbl_r101"), "a")


def test_words_and_file_say_the_same(tmp_path):
    path = tmp_path / "about.yaml"
    path.write_text("a.b/c: {training: advmix, parameters: 1.0e+6}\n")
    assert read_told(path) == read_told(None, ["a.b/c.training=advmix", "a.b/c.parameters=1000000"])


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("hardened", r"expects RUN\.KEY=VALUE, such as hardened\.training=AdvMix, got 'hardened'"),
        ("training=AdvMix", r"expects RUN\.KEY=VALUE"),
        ("a.trainin=AdvMix", r"--set a\.trainin: unknown key 'trainin' \(did you mean 'training'\?\)"),
        ("a.training=AdvMx", r"training must be one of Standard, .* \(did you mean 'AdvMix'\?\), got 'AdvMx'"),
        ("a.training=3", "training must be text, got 3"),
        ("a.input=big", "input must be WIDTHxHEIGHT in pixels, such as 192x256, got 'big'"),
        ("a.parameters=-1", r"parameters must be above 0\.0, got -1"),
        ("a.boxes=detected", "boxes must be 'gt', 'clean-det', 'corrupt-det' or 'none', got 'detected'"),
        ("a.input=[", r"--set a\.input: '\['"),
    ],
)
def test_a_mistake_in_words_is_one_line(word, message):
    with pytest.raises(UserError, match=message) as error:
        read_told(None, [word])
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [("[1]", "must hold runs"), ("secret", r"must hold runs.*, got str$"), ("a: 3", "a: it must be a")],
)
def test_a_mistake_in_the_file_is_one_line(tmp_path, text, message):
    path = tmp_path / "about.yaml"
    path.write_text(text)
    with pytest.raises(UserError, match=message):
        read_told(path)
