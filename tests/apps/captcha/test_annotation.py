"""Keys become labels, each saved at once; what a kill leaves is gone on with."""

from __future__ import annotations

import json

import cv2
import pytest

from sightkit import _files, io
from sightkit._errors import SightkitError
from sightkit.apps import captcha

from .conftest import reading, touching_pair, type_text


def labels(annotation) -> dict[str, str]:
    return {row.file: row.text for row in captcha.read_labels(annotation.folder / "labels.csv")}


def characters(annotation) -> set[str]:
    folder = annotation.folder / "dataset"
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*.png")}


def test_four_keys_make_a_label_and_its_characters(open_annotation, captchas):
    annotation = open_annotation()
    type_text(annotation, "2756")
    assert labels(annotation) == {"00000.png": "2756"}
    assert characters(annotation) == {f"{c}/00000.png-{k}.png" for k, c in enumerate("2756")}
    (row,) = captcha.read_labels(annotation.folder / "labels.csv")
    assert row.sha256 == _files.sha256(captchas / "00000.png")
    cut = captcha.cut_characters(io.read_image(captchas / "00000.png"))
    stored = io.read_image(annotation.folder / "dataset/7/00000.png-1.png")
    assert (stored[..., :1] == cut[1]).all()
    assert annotation.summary() == {
        "labelled": 1, "left": 2, "keys_a_label": 4.0, "cut_wrongly": 0,
    }  # fmt: skip


def test_each_key_is_saved_and_another_process_goes_on(open_annotation):
    annotation = open_annotation()
    for count, key in enumerate("275", 1):
        annotation.press("00000.png", key)
        again = open_annotation().state()["captcha"]
        assert "".join(again["typed"]) == "275"[:count]
        assert again["place"] == count
    again = open_annotation()
    again.press("00000.png", "6")
    assert labels(again) == {"00000.png": "2756"}
    assert again.summary()["keys_a_label"] == 4.0


def test_a_confirmed_proposal_takes_one_key_and_the_least_certain_comes_first(open_annotation):
    annotation = open_annotation({
        "00000.png": reading("2756", 0.9, 0.9, 0.8, 0.9),
        "00001.png": reading("1861", 0.9, 0.6, 0.9, 0.9),
        "00002.png": reading("9439", 1.0, 1.0, 1.0, 1.0),
    })  # fmt: skip
    shown = annotation.state()["captcha"]
    assert (shown["name"], shown["proposed"], shown["place"]) == ("00001.png", "1861", 1)
    order = []
    while shown := annotation.state()["captcha"]:
        order.append(shown["name"])
        annotation.press(shown["name"], "Enter")
    assert order == ["00001.png", "00000.png", "00002.png"]
    assert labels(annotation) == {"00000.png": "2756", "00001.png": "1861", "00002.png": "9439"}
    assert annotation.summary()["keys_a_label"] == 1.0


def test_a_correction_is_one_key_at_the_least_certain_place(open_annotation):
    annotation = open_annotation({"00000.png": reading("2156", 0.99, 0.4, 0.99, 0.99)})
    annotation.press("00001.png", "Tab")  # those without a proposal come first
    annotation.press("00002.png", "Tab")
    annotation.press("00000.png", "7")
    annotation.press("00000.png", "Enter")
    assert labels(annotation) == {"00000.png": "2756"}
    assert annotation.summary()["keys_a_label"] == 2.0


def test_backspace_takes_a_character_back_then_the_label_before(open_annotation):
    annotation = open_annotation()
    type_text(annotation, "2751")
    annotation.press("00001.png", "1")
    annotation.press("00001.png", "Backspace")
    assert labels(annotation) == {"00000.png": "2751"}
    annotation.press("00001.png", "Backspace")
    assert annotation.state()["captcha"]["typed"] == ["2", "7", "5", ""]
    assert characters(annotation) == set()
    annotation.press("00000.png", "6")
    assert labels(annotation) == {"00000.png": "2756"}
    assert characters(annotation) == {f"{c}/00000.png-{k}.png" for k, c in enumerate("2756")}


def test_the_last_label_can_be_taken_back_when_all_are_done(open_annotation):
    annotation = open_annotation()
    for text in ("2756", "1861", "9439"):
        type_text(annotation, text)
    assert annotation.state()["captcha"] is None
    annotation.press("", "1")  # no captcha: nothing happens
    annotation.press("", "Backspace")
    assert annotation.state()["captcha"]["name"] == "00002.png"


def test_arrows_move_and_tab_puts_off(open_annotation):
    annotation = open_annotation()
    annotation.press("00000.png", "ArrowLeft")
    annotation.press("00000.png", "ArrowRight")
    assert annotation.state()["captcha"]["place"] == 1
    annotation.press("00000.png", "Tab")
    assert annotation.state()["captcha"]["name"] == "00001.png"
    annotation.press("00000.png", "9")  # a page that is old
    assert annotation.state()["captcha"]["typed"] == [""] * 4


def test_enter_without_a_whole_text_labels_nothing(open_annotation):
    annotation = open_annotation()
    annotation.press("00000.png", "2")
    annotation.press("00000.png", "Enter")
    assert annotation.summary()["labelled"] == 0


@pytest.mark.parametrize("key", ["0", "a", "Delete", "", "12", "../1"])
def test_a_key_outside_the_alphabet_is_refused(open_annotation, key):
    annotation = open_annotation()
    with pytest.raises(SightkitError, match="alphabet"):
        annotation.press("00000.png", key)
    assert annotation.state()["captcha"]["typed"] == [""] * 4


def test_small_letters_are_those_of_the_alphabet(open_annotation):
    annotation = open_annotation(alphabet="ABC")
    annotation.press("00000.png", "b")
    assert annotation.state()["captcha"]["typed"][0] == "B"


def test_another_number_of_characters_is_counted_and_not_cut(open_annotation, captchas):
    cv2.imwrite(str(captchas / "00000.png"), touching_pair())
    annotation = open_annotation({"00000.png": reading("111")})
    shown = annotation.state()["captcha"]
    assert (shown["found"], shown["proposed"]) == (3, "")
    type_text(annotation, "1111")
    assert labels(annotation) == {"00000.png": "1111"}
    assert characters(annotation) == set()
    assert annotation.summary()["cut_wrongly"] == 1


def test_a_proposal_outside_the_alphabet_is_none(open_annotation):
    assert open_annotation({"00000.png": reading("2A56")}).state()["captcha"]["proposed"] == ""


@pytest.mark.parametrize("alphabet", ["", "112", "1/", "1 ", "..", "1\n"])
def test_an_alphabet_must_name_folders(open_annotation, alphabet):
    with pytest.raises(SightkitError, match="letters and digits"):
        open_annotation(alphabet=alphabet)


@pytest.mark.parametrize("change", [{"alphabet": "12345678"}, {"length": 5}])
def test_a_folder_of_another_alphabet_or_length_is_refused(open_annotation, change):
    annotation = open_annotation()
    annotation.press("00000.png", "2")
    with pytest.raises(SightkitError, match="one alphabet"):
        open_annotation(**change)


def test_a_captcha_that_changed_or_went_is_refused(open_annotation, captchas):
    open_annotation().press("00000.png", "2")
    (captchas / "00000.png").write_bytes((captchas / "00001.png").read_bytes())
    with pytest.raises(SightkitError, match="as they were"):
        open_annotation()
    (captchas / "00000.png").unlink()
    with pytest.raises(SightkitError, match="as they were"):
        open_annotation()


@pytest.mark.parametrize(
    "damage",
    [
        lambda state: state["captchas"]["00000.png"]["typed"].append("1"),
        lambda state: state["captchas"]["00000.png"].update(typed=["/", "", "", ""]),
        lambda state: state["captchas"]["00000.png"].update(place=9),
        lambda state: state["captchas"]["00000.png"].update(done=True),
        lambda state: state.update(format="another"),
        lambda state: state["captchas"]["00000.png"].pop("keys"),
    ],
)
def test_a_damaged_state_is_refused(open_annotation, damage):
    annotation = open_annotation()
    annotation.press("00000.png", "2")
    path = annotation.folder / "annotation.json"
    state = json.loads(path.read_text())
    damage(state)
    path.write_text(json.dumps(state))
    with pytest.raises(SightkitError, match=r"annotation\.json"):
        open_annotation()


def test_characters_are_brought_in_line_after_a_kill(open_annotation):
    """Killed between the state and the files that are made of it."""
    annotation = open_annotation()
    type_text(annotation, "2756")
    (annotation.folder / "dataset/2/00000.png-0.png").unlink()
    (annotation.folder / "dataset/9").mkdir()
    stray = annotation.folder / "dataset/9/00001.png-0.png"
    stray.write_bytes(b"of a label that was never saved")
    (annotation.folder / "labels.csv").unlink()
    again = open_annotation()
    assert characters(again) == {f"{c}/00000.png-{k}.png" for k, c in enumerate("2756")}
    assert labels(again) == {"00000.png": "2756"}


@pytest.mark.parametrize("name", ["labels.csv", "dataset/1/mine.png"])
def test_labels_of_others_are_not_overwritten(open_annotation, tmp_path, name):
    path = tmp_path / "labels" / name
    path.parent.mkdir(parents=True)
    path.write_text("mine")
    with pytest.raises(SightkitError, match="others have written"):
        open_annotation()
    assert path.read_text() == "mine"


def test_two_annotators_of_one_folder(captchas, tmp_path):
    with (
        captcha.annotating(captchas, tmp_path / "labels", "123456789", 4),
        pytest.raises(SightkitError, match="Only one process"),
        captcha.annotating(captchas, tmp_path / "labels", "123456789", 4),
    ):
        pass
    with captcha.annotating(captchas, tmp_path / "labels", "123456789", 4) as annotation:
        assert annotation.summary()["left"] == 3


def test_an_empty_folder_is_refused_and_a_truncated_picture_left_out(captchas, tmp_path, capsys):
    (tmp_path / "empty").mkdir()
    with pytest.raises(SightkitError, match="must hold images"):
        captcha.read_captchas(tmp_path / "empty")
    whole = (captchas / "00001.png").read_bytes()
    (captchas / "00001.png").write_bytes(whole[: len(whole) // 2])
    _, images = captcha.read_captchas(captchas)
    assert [*images] == ["00000.png", "00002.png"]
    assert "00001.png" in capsys.readouterr().err
