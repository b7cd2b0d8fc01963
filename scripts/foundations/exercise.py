"""Write a function of the foundations yourself: a file with its body left out, and its tests.

    python scripts/foundations/exercise.py
    python scripts/foundations/exercise.py convolution_backward
    python scripts/foundations/exercise.py convolution_backward --check

Without a name it lists all. --check says in a line what is wrong: a shape, a value at an index, a
gradient; or that all is right. A file that you have begun is never overwritten.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import tyro

from sightkit import _cli, _files, _scripts
from sightkit._errors import SightkitError


@dataclass(frozen=True)
class Config:
    """Begin an exercise, or check it."""

    name: Annotated[str | None, tyro.conf.Positional] = None
    """Function to write; without it all are listed."""
    check: bool = False
    """Test what you have written."""
    output: Path = Path("exercises")
    """Folder of your files."""
    smoke: bool = False
    """Check that the app's own functions pass all tests, in memory."""

    def __post_init__(self) -> None:
        """Check the flags before any work is done."""
        if self.check and self.name is None:
            raise SightkitError("Name the exercise to check.", "Without flags all are listed.")


def main(config: Config) -> dict[str, Any]:
    from sightkit.apps.foundations import EXERCISES, exercise_check, exercises

    if config.smoke:
        return {name: _try(name) for name in EXERCISES}
    if config.name is None:
        for name, exercise in EXERCISES.items():
            begun = "  begun" if (config.output / f"{name}.py").exists() else ""
            print(f"{name:<32}{exercise.module}.py{begun}")
        return {"exercises": list(EXERCISES)}
    exercise = exercises.find(config.name)
    path = config.output / f"{config.name}.py"
    words = [*_scripts.command("exercise"), config.name, "--check"]
    words += [] if config.output == Config.output else ["--output", str(config.output)]
    if config.check:
        if not path.is_file():
            raise SightkitError(
                "The exercise must be begun.", "Leave --check out first.", file=str(path)
            )
        if wrong := exercise_check.check(exercise, path):
            raise SightkitError(
                f"{config.name} is not right yet: {wrong}.",
                "Change it there, and check again.",
                file=str(path),
            )
        print(f"{config.name} is right.")
        return {"right": True}
    if path.exists() or path.is_symlink():
        raise SightkitError(
            "An exercise that was begun is never overwritten.",
            "Give --check to test it, or another --output to begin it again.",
            file=str(path),
        )
    config.output.mkdir(parents=True, exist_ok=True)
    _files.write_text(path, exercises.left_out(exercise, " ".join(words)))
    print(f"{path}: write {exercise.function}, then: {' '.join(words)}")
    return {"file": str(path)}


def _try(name: str) -> str:
    """What the tests say of a file with the function left out, and of the app's own."""
    import tempfile

    from sightkit.apps.foundations import EXERCISES, exercise_check, exercises

    exercise = EXERCISES[name]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "left_out.py")
        path.write_text(exercises.left_out(exercise, "-"), encoding="utf-8")
        blank = exercise_check.check(exercise, path)
    own = exercise_check.check(exercise, exercises.FOLDER / f"{exercise.module}.py")
    if not blank or own:
        raise RuntimeError(f"{name}: left out {blank!r}, the app's own {own!r}")
    print(f"{name:<32}left out: {blank}; the app's own is right")
    return blank


if __name__ == "__main__":
    _cli.run(main, Config)
