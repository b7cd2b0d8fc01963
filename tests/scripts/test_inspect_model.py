"""scripts/inspect_model.py from the command line."""

import pytest

from sightkit import zoo


def test_the_table_is_printed_and_written(script, tmp_path):
    path = tmp_path / "table.txt"
    told = script("inspect_model", "minigooglenet", "--output", path)
    assert told.code == 0, told.stderr
    assert "total" in told.stdout and "1,656,250" in told.stdout
    assert "warning: down1_3x3: (32 - 3 + 0)/2 + 1 = 15.5" in told.stdout
    assert path.read_text() == told.stdout


def test_size_and_classes_are_taken(script):
    flags = ("--input-shape", 32, 32, 3, "--classes", 3)
    told = script("inspect_model", "shallownet", *flags)
    assert told.code == 0, told.stderr
    assert "99,203" in told.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["minivgg"], "Perhaps you meant minivggnet"),
        (["vgg16", "--input-shape", 16, 16, 3], "nearest size that works"),
        (["srcnn", "--classes", 3], "srcnn has no classes"),
    ],
)
def test_user_errors_are_one_line(arguments, message, script):
    told = script("inspect_model", *arguments)
    assert told.code == 2
    lines = [line for line in told.stderr.splitlines() if message in line]
    assert len(lines) == 1
    assert "Traceback" not in told.stderr


def test_names_are_listed_when_none_is_given(script):
    told = script("inspect_model")
    assert (told.code, told.stderr, told.heavy) == (0, "", "")
    listed = [line.strip() for line in told.stdout.splitlines() if line.startswith("  ")]
    assert sorted(listed) == zoo.names()
    told = script("inspect_model", "--classes", 3)
    assert told.code == 2 and "Name a network." in told.stderr
