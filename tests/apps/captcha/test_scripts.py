"""The scripts from the command line: errors in one line, before any work."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from sightkit import _scripts

TRAIN, EVALUATE = "captcha/train_captcha", "captcha/evaluate_captcha"
ANNOTATE, DOWNLOAD = "captcha/annotate_captcha", "captcha/download_captcha"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "flags", "match"),
    [
        (ANNOTATE, (), "--captchas"),
        (ANNOTATE, ("--captchas", "c", "--host", "0.0.0.0"), "this machine alone"),
        (ANNOTATE, ("--captchas", "c", "--alphabet", "1/"), "letters and digits"),
        (ANNOTATE, ("--captchas", "nothing"), "nothing"),
        (ANNOTATE, ("--captchas", "c", "--length", "0"), "--length"),
        (ANNOTATE, ("--captchas", "c", "--length", "65"), "64 at most"),
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


@pytest.mark.slow
@pytest.mark.parametrize("name", [ANNOTATE, DOWNLOAD])
def test_a_smoke_run_ends_by_itself(name, script, tmp_path):
    result = script(name, "--smoke", cwd=tmp_path)
    assert result.code == 0, result.stderr
    assert {ANNOTATE: "5 labelled, 0 left, 4.0 keys", DOWNLOAD: "3 captchas, 3 of them new"}[
        name
    ] in result.stdout
    assert not [*tmp_path.iterdir()]


def start(captchas: Path, labels: Path) -> tuple[subprocess.Popen[str], str]:
    """Start the page in a process of its own; return it and its address."""
    script = Path(_scripts.FOLDER, "captcha", "annotate_captcha.py")
    command = [sys.executable, script, "--captchas", captchas, "--output", labels, "--port", "0"]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=captchas.parent
    )
    assert process.stdout is not None
    line = process.stdout.readline()  # empty where it has ended
    return process, line.split()[1] if line else ""


def ask(address: str, path: str, **key: str) -> dict[str, Any]:
    body = json.dumps(key).encode() if key else None
    request = urllib.request.Request(address + path, body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)


@pytest.mark.slow
def test_a_killed_annotation_goes_on_and_a_second_one_is_refused(captchas, tmp_path):
    labels = tmp_path / "labels"
    process, address = start(captchas, labels)
    try:
        for key in "27562":
            name = ask(address, "state")["captcha"]["name"]
            ask(address, "key", captcha=name, key=key)
        second, _ = start(captchas, labels)
        _, errors = second.communicate(timeout=60)
        assert second.returncode == 2
        assert "Only one process" in errors
    finally:
        process.kill()
        process.communicate()
    process, address = start(captchas, labels)
    state = ask(address, "state")
    assert state["labelled"] == 1
    assert state["captcha"]["typed"] == ["2", "", "", ""]
    process.send_signal(signal.SIGINT)
    output, errors = process.communicate(timeout=60)
    assert (process.returncode, errors) == (0, "")
    assert "1 labelled, 2 left, 4.0 keys a label" in output


@pytest.mark.faults
def test_the_case_study_from_drawn_captchas_to_texts(script, tmp_path):
    trained = script(TRAIN, "--smoke", "--epochs", "12", cwd=tmp_path)
    assert trained.code == 0, trained.stderr
    result = script(EVALUATE, "--smoke", cwd=tmp_path)
    assert result.code == 0, result.stderr
    right = int(result.stdout.partition(" of 20")[0])
    assert right >= 10, result.stdout  # two epochs reach none
