"""Tables of texts: read back as written, refused by line."""

from __future__ import annotations

import pytest

from sightkit import _files
from sightkit._errors import SightkitError
from sightkit.apps import captcha

ROW = captcha.LabelledCaptcha


def test_labels_are_read_as_they_were_written(tmp_path):
    rows = [ROW("a.png", "0" * 64, "2756"), ROW("b, c.png", "", "=1Ä9")]
    captcha.write_labels(tmp_path / "labels.csv", rows)
    assert captcha.read_labels(tmp_path / "labels.csv") == rows
    captcha.write_labels(tmp_path / "labels.csv", rows[:1])
    assert captcha.read_labels(tmp_path / "labels.csv", "23567") == rows[:1]


def test_a_typed_table_needs_no_hash(tmp_path):
    (tmp_path / "labels.csv").write_text("\ufefftext,file\n 2756 ,a.png\n", encoding="utf-8")
    assert captcha.read_labels(tmp_path / "labels.csv") == [ROW("a.png", "", "2756")]


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("file,text\na.png,27O6\n", "outside='O'.*line=2"),
        ("file,text\na.png,2756\nb.png,\n", "line=3"),
        ("file,text\na.png,2756\na.png,2756\n", "one file.*line=3"),
        ("file,text\n,2756\n", "one file"),
        ("name,label\na.png,2756\n", "columns file and text"),
        ("file,text\n", "a captcha a line"),
        ("", "must have rows"),
        ('file,text\na.png,"' + "1" * 200_000, "quote"),
    ],
)
def test_a_wrong_table_is_refused(text, match, tmp_path):
    (tmp_path / "labels.csv").write_text(text)
    with pytest.raises(SightkitError, match=match):
        captcha.read_labels(tmp_path / "labels.csv", "123456789")


def test_pictures_must_be_those_that_were_labelled(captchas):
    rows = [ROW(f"0000{k}.png", _files.sha256(captchas / f"0000{k}.png"), "1") for k in range(3)]
    assert [path.name for path in captcha.files_of(rows, captchas)] == [row.file for row in rows]
    (captchas / "00001.png").write_bytes((captchas / "00002.png").read_bytes())
    with pytest.raises(SightkitError, match=r"SHA-256.*00001\.png"):
        captcha.files_of(rows, captchas)
    (captchas / "00001.png").unlink()
    with pytest.raises(SightkitError, match=r"must be in the folder.*00001\.png"):
        captcha.files_of(rows, captchas)


def test_a_row_names_no_file_outside_of_the_folder(captchas, tmp_path):
    (tmp_path / "secret.png").write_bytes(b"")
    with pytest.raises(SightkitError, match="must be in the folder"):
        captcha.files_of([ROW("../secret.png", "", "1")], captchas)


def test_captchas_of_one_name_are_refused(captchas):
    (captchas / "more").mkdir()
    (captchas / "more" / "00001.png").write_bytes((captchas / "00001.png").read_bytes())
    with pytest.raises(SightkitError, match=r"each name may be there once.*00001\.png"):
        captcha.read_captchas(captchas)
