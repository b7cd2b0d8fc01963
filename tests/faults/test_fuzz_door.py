"""Flags and names of any kind: one line each, whatever they hold."""

from __future__ import annotations

import contextlib
import csv
import io as standard_io
import os
import shutil
import tempfile
from pathlib import Path

import tyro
from hypothesis import strategies as st

from sightkit import _csv, _files, _scripts, evaluation
from sightkit._errors import SightkitError, printable, require_numbers, visible
from sightkit.io.left_out import Finding, write_list

WORDS = st.one_of(
    st.integers().map(str),
    st.floats().map(str),
    st.sampled_from(
        ("1e300", "-1", "0", "nan", "inf", "1e-400", "10" * 200, "true", "None", "", "on", "=1")
    ),
    st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=12),
    st.sampled_from(("parent", "prefix:(", "prefix:" + "(a*)*" * 20, "lenet", "vgg16", "\x1b[2J")),
)


def test_flags(fuzz, refused, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    configs = {name: _scripts.load(name).Config for name in _scripts.scripts()}

    @st.composite
    def commands(draw):
        name = draw(st.sampled_from(sorted(configs)))
        fields = sorted(configs[name].__dataclass_fields__)
        words = []
        for _ in range(draw(st.integers(0, 4))):
            words += [f"--{draw(st.sampled_from(fields)).replace('_', '-')}"]
            words += draw(st.lists(WORDS, max_size=2))
        return name, words

    def attempt(command):
        name, words = command
        nothing = standard_io.StringIO()
        streams = contextlib.redirect_stdout(nothing), contextlib.redirect_stderr(nothing)
        with refused((SightkitError, OSError)), streams[0], streams[1]:
            try:
                config = tyro.cli(configs[name], args=words)
            except SystemExit as stop:
                assert stop.code in (0, 2)
                return
            require_numbers(config)
            if getattr(config, "output", None) is not None:
                _files.require_place(config.output)
        assert not os.listdir(tmp_path)

    fuzz(attempt, commands())


def test_names(fuzz, refused, tmp_path, monkeypatch):
    """File and class names of any bytes: listed, answered, printed, and read again."""
    monkeypatch.setattr(_files, "sync", lambda path: None)
    parts = st.binary(min_size=1, max_size=40).filter(lambda b: not {0, 47} & {*b})
    parts = parts.filter(lambda b: b not in (b".", b".."))

    def attempt(raw, other):
        name, klass = os.fsdecode(raw), os.fsdecode(other)
        folder = Path(tempfile.mkdtemp(dir=tmp_path))
        (folder / "in" / klass).mkdir(parents=True)
        (folder / "in" / klass / name).write_bytes(b"no image")
        with refused(), contextlib.redirect_stderr(standard_io.StringIO()) as told:
            evaluation.PhotoFolder([folder / "in"]).require_all()
        assert visible(told.getvalue(), lines=True) == told.getvalue()
        for ending in ("json", "csv"):
            path = folder / f"answers.{ending}"
            evaluation.write_answers(path, {name: {klass: 0.5}}, {klass + "x": name})
        write_list(folder / "list.csv", [Finding(name, klass)])
        table = (folder / "list.csv").read_bytes().decode()
        (row,) = csv.DictReader(standard_io.StringIO(table, newline=""))
        assert _csv.without_apostrophe(row["path"]) == printable(name)
        assert len(visible(f"{name}{klass}").splitlines()) <= 1
        with refused():
            raise SightkitError(f"A class is called {klass}.", f"Rename {name}.", name=name)
        shutil.rmtree(folder)

    fuzz(attempt, parts, parts)
