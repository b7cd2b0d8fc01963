"""Messages name arguments, or in a script the flags of its command line."""

from __future__ import annotations

import dataclasses
import re

import pytest

from sightkit import _scripts
from sightkit._errors import SightkitError

GIVEN = {
    "Give --epochs 20, the default.": "Give epochs=20, the default.",
    "Give --fractions 0.7 0.15 0.15.": "Give fractions=(0.7, 0.15, 0.15).",
    "--resume to go on, --overwrite to delete it, or another --output.": "resume=True to go on, "
    "overwrite=True to delete it, or another output.",
    "Give the flags of the run.": "Give the arguments of the run.",
    "Give --preflight off or --guard off.": "Give preflight=False or guard=False.",
    "--engine=keras --overwrite": "engine='keras' overwrite=True",
    "--learning-rate must be above 0.": "learning_rate must be above 0.",
    "Give --rate 1e-3 or -0.5.": "Give rate=1e-3 or -0.5.",
    "Give --data FILE_OR_FOLDER.": "Give data=FILE_OR_FOLDER.",
    "See --help.": "See --help.",
    "Run scripts/build_folder.py --data PHOTOS --size 64 first.": "Run scripts/build_folder.py "
    "--data PHOTOS --size 64 first.",
    "a well-known --- dash -- and x--y": "a well-known --- dash -- and x--y",
}


@pytest.mark.parametrize("text", GIVEN)
def test_flags_become_arguments_outside_of_scripts(text, monkeypatch):
    monkeypatch.setattr(_scripts, "command_line", False)
    assert _scripts.as_given(text) == GIVEN[text]
    monkeypatch.setattr(_scripts, "command_line", True)
    assert _scripts.as_given(text) == text


def test_what_was_received_stays_as_it_is(monkeypatch):
    error = SightkitError("--output is taken.", "Give --overwrite.", output="my --resume flags")
    monkeypatch.setattr(_scripts, "command_line", False)
    assert str(error) == (
        "output is taken. Received: output='my --resume flags'. Give overwrite=True."
    )
    monkeypatch.setattr(_scripts, "command_line", True)
    assert str(error).startswith("--output is taken") and str(error).endswith("Give --overwrite.")


def test_switches_are_the_flags_without_a_value():
    switches = set()
    for name in _scripts.scripts():
        config = _scripts.load(name).Config
        switches |= {f.name for f in dataclasses.fields(config) if str(f.type) == "bool"}
    assert _scripts.SWITCHES <= switches
    sources = [
        path.read_text()
        for folder in ("training", "io", "transfer", "experiments")
        for path in (_scripts.FOLDER.parent / folder).rglob("*.py")
    ]
    named = {
        flag.replace("-", "_")
        for text in sources
        for flag in re.findall(r"(?:Give|give|with|or) --([a-z-]+)", text)
    }
    assert named & switches <= _scripts.SWITCHES


def test_an_error_names_the_steps_that_the_script_has(monkeypatch):
    error = SightkitError("No.", ("add images", "give --exclude NAME", "--fractions 0.8 0 0.2"))
    monkeypatch.setattr(_scripts, "command_line", True)
    for flags, shown in (
        (None, "No. Add images, give --exclude NAME, or --fractions 0.8 0 0.2."),
        ({"exclude"}, "No. Add images, or give --exclude NAME."),
        ({"fractions"}, "No. Add images, or --fractions 0.8 0 0.2."),
        (set(), "No. Add images."),
    ):
        monkeypatch.setattr(_scripts, "flags", flags)
        assert str(error) == shown
    monkeypatch.setattr(_scripts, "command_line", False)
    monkeypatch.setattr(_scripts, "flags", None)
    assert str(error) == "No. Add images, give exclude=NAME, or fractions=(0.8, 0, 0.2)."
