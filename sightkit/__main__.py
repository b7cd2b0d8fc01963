"""The command ``sightkit``: it runs a script, or lists all of them."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import sightkit
from sightkit import _cli, _scripts


def main() -> None:
    """Run the script that the first word names with the flags after it; list all without one."""
    with _cli.exit_codes():
        match sys.argv[1:]:
            case [] | ["-h" | "--help"]:
                print(listing(), flush=True)
            case ["--version"]:
                print(sightkit.__version__)
            case [word, *flags]:
                name = _scripts.find(word)
                program = _scripts.PROGRAMS[Path(sys.argv[0]).name == "__main__.py"]
                sys.argv = [f"{program} {name}", *flags]
                script = _scripts.load(name)
                _cli.run(script.main, script.Config)


def listing() -> str:
    """Return every script by its task, a line each, as wide as the terminal."""
    tasks = _scripts.by_task()
    width = max(len(name) for lines in tasks.values() for name in lines)
    columns = shutil.get_terminal_size((1000, 24)).columns
    text = [f"sightkit {sightkit.__version__}: sightkit SCRIPT [FLAGS]; SCRIPT --help explains it."]
    for task, lines in tasks.items():
        text += [
            "",
            task,
            *(f"  {name:<{width}}  {line}"[:columns] for name, line in lines.items()),
        ]
    return "\n".join(text)


if __name__ == "__main__":
    main()
