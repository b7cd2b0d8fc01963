"""scripts/search.py: what it refuses, and a whole smoke search."""

from __future__ import annotations

import json

import pytest

pytest.importorskip("optuna")


@pytest.mark.parametrize(
    ("arguments", "told"),
    (
        (("nothing",), "The name must be that of one script. Received: script='nothing'"),
        (("build_cifar10",), "The experiment must be a script whose Config"),
        (("train_lenet_digits", "--space", "rate=1:2"), "names a field of the experiment's Config"),
        (("train_lenet_digits", "--space", "learning_rate=x"), "name=low:high:log"),
        (("train_lenet_digits", "--space", "learning_rate=-1:1"), "number above 0"),
        (("train_lenet_digits", "--trials", 0), "at least one trial"),
        (("train_lenet_digits", "--flags", "'open"), "--flags must be what a shell reads"),
    ),
)
def test_wrong_flags_are_one_line_before_keras_is_imported(arguments, told, script, tmp_path):
    result = script("search", *arguments, cwd=tmp_path)
    assert result.code == 2, result.stderr
    assert len(result.stderr.splitlines()) == 1 and told in result.stderr
    assert result.heavy == ""
    assert list(tmp_path.iterdir()) == []


@pytest.mark.faults
def test_a_smoke_search_writes_table_picture_and_command(script, tmp_path):
    space = ("optimizer=sgd,adam", "augment=true,false", "arguments.activation=relu,elu")
    flags = ("train_lenet_digits", "--smoke", "--output", tmp_path / "search", "--folds", 2)
    flags = (*flags, "--space", *space)
    result = script("search", *flags, cwd=tmp_path)
    assert result.code == 0, result.stderr
    assert "scripts/train_lenet_digits.py --output" in result.stdout
    assert "--arguments activation=" in result.stdout
    summary = json.loads((tmp_path / "search" / "search.json").read_text())
    assert [row["stage"] for row in summary["trials"]] == ["coarse"] * 2 + ["fine"] * 2
    for name in ("trials.csv", "search.png", "journal.log"):
        assert (tmp_path / "search" / name).stat().st_size > 0
    again = script("search", *flags, cwd=tmp_path)
    assert again.code == 0 and "coarse 0" not in again.stdout
