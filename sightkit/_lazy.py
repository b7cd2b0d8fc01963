"""A package's public names, listed once: in the ``__init__.pyi`` beside its ``__init__.py``.

Type checkers read that stub; ``attach`` gives the package its names, and imports a name's module
when the name is first used. scikit-image and SciPy's other projects do likewise (SPEC 1).
"""

from __future__ import annotations

import ast
import dis
import importlib
import sys
from pathlib import Path
from types import FrameType, ModuleType
from typing import Any

from sightkit._suggestions import no_attribute, with_suggestions


def attach(package: str, *, eager: bool = False) -> None:
    """Give a package the names of its stub: ``__all__``, ``__getattr__`` and ``__dir__``.

    Args:
        package: ``__name__`` of the caller.
        eager: import all of them now, where importing is what registers them.
    """
    namespace = vars(sys.modules[package])
    stub = ast.parse(Path(namespace["__file__"]).with_suffix(".pyi").read_text(encoding="utf-8"))
    places = {
        alias.asname or alias.name: (str(node.module), alias.name)
        for node in stub.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }

    def find(name: str) -> Any:
        if name not in places:
            rule = f"module {package!r} has no attribute {name!r}"
            text = no_attribute(rule, ("package",), name, public)
            raise ImportError(text) if _imports(sys._getframe(1)) else AttributeError(text)
        home = importlib.import_module(places[name][0])
        attribute = places[name][1]
        namespace[name] = with_suggestions(getattr(home, attribute), name)
        setattr(home, attribute, namespace[name])  # one, wherever it is taken from
        return namespace[name]

    class Package(ModuleType):
        def __setattr__(self, name: str, value: Any) -> None:
            """Importing a module binds its own name, which may be that of a public function."""
            if name not in places or not isinstance(value, ModuleType):
                super().__setattr__(name, value)

    sys.modules[package].__class__ = Package
    public = sorted(places)
    namespace.update(__all__=public, __getattr__=find, __dir__=lambda: public)
    for name in public if eager else ():
        find(name)


def _imports(frame: FrameType) -> bool:
    """Return whether a frame is at ``from … import …``, which would leave the answer out."""
    return frame.f_code.co_code[frame.f_lasti] == dis.opmap["IMPORT_FROM"]
