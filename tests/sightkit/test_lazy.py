from __future__ import annotations

import importlib
import sys

import pytest

from sightkit import _lazy, io, preprocessing


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A package with a stub; its module ``colour`` has a function of that name."""
    folder = tmp_path / "painted"
    folder.mkdir()
    (folder / "__init__.py").write_text("from sightkit import _lazy\n_lazy.attach(__name__)\n")
    (folder / "__init__.pyi").write_text(
        "from painted.colour import colour as colour\nfrom painted.colour import _hue as hue\n"
    )
    (folder / "colour.py").write_text("def colour(): ...\ndef _hue(): ...\n")
    monkeypatch.syspath_prepend(tmp_path)
    yield importlib.import_module("painted")
    for name in [name for name in sys.modules if name.partition(".")[0] == "painted"]:
        del sys.modules[name]


def test_attach_imports_a_name_when_it_is_used(package):
    assert package.__all__ == dir(package) == ["colour", "hue"]
    assert "painted.colour" not in sys.modules
    assert package.hue.__name__ == "_hue" and "painted.colour" in sys.modules


def test_attach_gives_the_function_not_its_module(package):
    assert callable(package.colour) and callable(package.colour)


def test_attach_gives_the_function_after_another_name_of_its_module(package):
    assert callable(package.hue) and callable(package.colour)


def test_attach_gives_the_function_where_its_module_was_imported_before(package):
    module = importlib.import_module("painted.colour")
    assert callable(package.colour) and package.colour is module.colour
    importlib.reload(module)
    assert callable(package.colour)


def test_attach_refuses_a_name_that_is_not_in_the_stub(package):
    with pytest.raises(AttributeError, match="'painted' has no attribute 'paint'"):
        _ = package.paint
    assert not hasattr(io, "generator")


def test_attach_eagerly_registers_what_importing_registers():
    kinds = preprocessing.Preprocessor.kinds.items()  # those of other tests may be among them
    own = {name for name, kind in kinds if kind.__module__.startswith("sightkit.")}
    assert own <= set(preprocessing.__all__)
    assert callable(_lazy.attach)
