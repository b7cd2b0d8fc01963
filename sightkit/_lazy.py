"""A package's public names, listed once: in the ``__init__.pyi`` beside its ``__init__.py``.

Type checkers read that stub; ``attach`` gives the package its names, and imports a name's module
when the name is first used. scikit-image and SciPy's other projects do likewise (SPEC 1).
"""

from __future__ import annotations

import ast
import importlib
import sys
from pathlib import Path
from typing import Any


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
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        module, attribute = places[name]
        # Stored: importing a module of the same name has just bound that to it.
        namespace[name] = getattr(importlib.import_module(module), attribute)
        return namespace[name]

    public = sorted(places)
    namespace.update(__all__=public, __getattr__=find, __dir__=lambda: public)
    for name in public if eager else ():
        find(name)
