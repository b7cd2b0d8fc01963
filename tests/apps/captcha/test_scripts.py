"""The scripts from the command line: errors in one line, before any work."""

from __future__ import annotations

import pytest

TRAIN, EVALUATE = "captcha/train_captcha", "captcha/evaluate_captcha"
ANNOTATE, DOWNLOAD = "captcha/annotate_captcha", "captcha/download_captcha"


@pytest.mark.parametrize(
    ("name", "flags", "match"),
    [
        (ANNOTATE, (), "--captchas"),
        (ANNOTATE, ("--captchas", "c", "--host", "0.0.0.0"), "this machine alone"),
        (ANNOTATE, ("--captchas", "c", "--alphabet", "1/"), "letters and digits"),
        (ANNOTATE, ("--captchas", "nothing"), "nothing"),
        (ANNOTATE, ("--captchas", "c", "--length", "0"), "--length"),
        (ANNOTATE, ("--captchas", "c", "--bundle", "b"), "bundle"),
        (EVALUATE, (), "--captchas FOLDER"),
        (EVALUATE, ("--captchas", "c", "--labels", "l.csv"), "bundle"),
        (DOWNLOAD, (), "--url"),
        (DOWNLOAD, ("--url", "example.org"), "one address"),
        (DOWNLOAD, ("--url", "http://localhost/x"), "--contact"),
        (DOWNLOAD, ("--url", "http://localhost/x", "--contact", "a@b", "--interval", "0.1"), "1.0"),
        (TRAIN, ("--characters", "nothing"), "nothing"),
        (TRAIN, ("--characters", ".", "--tested", "l.csv"), "--captchas"),
    ],
    ids=str,
)
def test_a_wrong_command_is_answered_in_one_line(name, flags, match, script, tmp_path):
    result = script(name, *flags, cwd=tmp_path)
    assert result.code == 2, result.stderr
    (line,) = result.stderr.splitlines()
    assert match in line
    assert result.heavy in ("", "sklearn")  # which divides; Keras takes seconds


@pytest.mark.parametrize("name", [ANNOTATE, DOWNLOAD])
def test_a_smoke_run_ends_by_itself(name, script, tmp_path):
    result = script(name, "--smoke", cwd=tmp_path)
    assert result.code == 0, result.stderr
    assert {ANNOTATE: "5 labelled, 0 left, 4.0 keys", DOWNLOAD: "3 captchas, 3 of them new"}[
        name
    ] in result.stdout
    assert not [*tmp_path.iterdir()]


@pytest.mark.slow
def test_the_case_study_from_drawn_captchas_to_texts(script, tmp_path):
    trained = script(TRAIN, "--smoke", "--epochs", "12", cwd=tmp_path)
    assert trained.code == 0, trained.stderr
    bundle = ("--bundle", "runs/captcha/smoke/bundle")
    result = script(EVALUATE, "--smoke", *bundle, cwd=tmp_path)
    assert result.code == 0, result.stderr
    right = int(result.stdout.partition(" of 20")[0])
    assert right >= 10, result.stdout  # two epochs reach none
