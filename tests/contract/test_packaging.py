"""The folders at the root are the package: the list is whole, and a wheel of it works."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from sightkit import _scripts

ROOT = Path(__file__).parents[2]
SETTINGS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
NOT_INSTALLED = {"tests", "benchmarks", "build"}

IMPORT_ALL = """
import importlib, pathlib, pkgutil, sightkit, sys
assert pathlib.Path(sightkit.__file__).is_relative_to(sys.prefix), sightkit.__file__
names = [module.name for module in pkgutil.walk_packages(sightkit.__path__, "sightkit.")]
for name in names:
    module = importlib.import_module(name)
    for public in getattr(module, "__all__", ()):
        getattr(module, public)
print(len(names), (pathlib.Path(sightkit.__file__).parent / "py.typed").is_file())
"""
TRIAL = """
import sys
from dataclasses import dataclass
from sightkit import _cli, _scripts

@dataclass(frozen=True)
class Config:
    output: str

def main(config):
    print(*_scripts.command("trial"), *sys.argv[1:])

if __name__ == "__main__":
    _cli.run(main, Config)
"""


def package_folders() -> dict[str, str]:
    """Import name to folder, as the disk has it."""
    found = {}
    for init in ROOT.rglob("__init__.py"):
        folder = init.parent.relative_to(ROOT)
        if folder.parts[0].startswith(".") or folder.parts[0] in NOT_INSTALLED:
            continue
        below = folder.parts[1:] if folder.parts[0] == "sightkit" else folder.parts
        found[".".join(("sightkit", *below))] = folder.as_posix()
    return found


@pytest.mark.slow
def test_pyproject_lists_every_package_folder() -> None:
    on_disk = package_folders()
    assert sorted(SETTINGS["tool"]["setuptools"]["packages"]) == sorted(on_disk)
    mapping = SETTINGS["tool"]["setuptools"]["package-dir"]
    for name, folder in on_disk.items():
        parents = [name, *(name.rsplit(".", depth)[0] for depth in range(1, name.count(".")))]
        mapped = next(parent for parent in parents if parent in mapping)
        rest = name.removeprefix(mapped).replace(".", "/")
        assert mapping[mapped] + rest == folder


def test_pinned_requirements_meet_their_ranges_without_addresses() -> None:
    text = (ROOT / "constraints.txt").read_text(encoding="utf-8")
    pins = [line for line in text.splitlines() if line and not line.startswith("#")]
    assert all(re.fullmatch(r"[a-z0-9.-]+==[0-9a-z.]+(; python_version .*)?", pin) for pin in pins)
    pinned = {pin.split("==")[0] for pin in pins}
    project = SETTINGS["project"]
    groups = [project["dependencies"], *project["optional-dependencies"].values()]
    for requirement in (requirement for group in groups for requirement in group):
        name = re.match(r"[A-Za-z0-9._-]+", requirement)
        assert name and name.group().lower() in pinned, requirement


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Python of an environment in which the wheel is installed, and not the repository."""
    tmp_path = tmp_path_factory.mktemp("wheel")
    source = tmp_path / "source"
    ignored = shutil.ignore_patterns("__pycache__", "*.pyc")
    for folder in {Path(folder).parts[0] for folder in package_folders().values()}:
        shutil.copytree(ROOT / folder, source / folder, ignore=ignored)
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    run(
        [sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation", "-w", ".", "."],
        source,
    )
    (wheel,) = source.glob("sightkit-*.whl")

    environment = tmp_path / "environment"
    run([sys.executable, "-m", "venv", "--without-pip", str(environment)], tmp_path)
    python = environment / "bin" / "python"
    site = Path(
        run(
            [str(python), "-c", "import sysconfig; print(sysconfig.get_paths()['purelib'])"],
            tmp_path,
        ).strip()
    )
    # The dependencies are lent by path; the .pth of the editable install in there is not read.
    (site / "dependencies.pth").write_text("\n".join(p for p in sys.path if "packages" in p))
    run(
        [sys.executable, "-m", "pip", "install", "--no-deps", "--target", str(site), str(wheel)],
        tmp_path,
    )
    return python


@pytest.mark.slow
def test_wheel_installs_cleanly_and_every_module_imports(wheel: Path, tmp_path: Path) -> None:
    modules, typed = run([str(wheel), "-I", "-c", IMPORT_ALL], tmp_path).split()[-2:]
    assert int(modules) >= len(package_folders()) and typed == "True"


@pytest.mark.slow
def test_the_wheel_has_the_command_and_the_scripts(wheel: Path, tmp_path: Path) -> None:
    sightkit = next(wheel.parents[1].rglob("bin/sightkit"))
    listed = run([str(wheel), "-I", str(sightkit)], tmp_path)
    for name in _scripts.scripts(ROOT / "scripts"):
        assert f"  {name} " in listed
    told = run([str(wheel), "-I", "-m", "sightkit", "search", "--help"], tmp_path)
    assert "usage: python -m sightkit search" in told
    assert "python -m sightkit search train_lenet_digits --trials 30" in told


def test_a_script_in_a_folder_runs_by_its_bare_name(wheel: Path, tmp_path: Path) -> None:
    (scripts,) = wheel.parents[1].rglob("sightkit/scripts")
    folder = scripts / "of_mine"
    folder.mkdir()
    (folder / "trial.py").write_text(TRIAL, encoding="utf-8")
    for name in ("trial", "of_mine/trial"):
        command = [str(wheel), "-I", "-m", "sightkit", name, "--output", "x"]
        assert run(command, tmp_path) == "python -m sightkit of_mine/trial --output x\n"
    shutil.rmtree(folder)


@pytest.mark.slow
def test_the_wheel_trains_in_an_empty_folder(wheel: Path, tmp_path: Path) -> None:
    said = run([str(wheel), "-I", "-m", "sightkit", "train_lenet_digits", "--smoke"], tmp_path)
    assert "for python -m sightkit predict and" in said
    environment = json.loads(
        (tmp_path / "runs/lenet_digits/smoke/environment.json").read_text(encoding="utf-8")
    )
    assert environment["command"].startswith("python -m sightkit train_lenet_digits --output ")


def run(command: list[str], folder: Path) -> str:
    result = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


def test_a_folder_of_this_name_does_not_hide_the_package(tmp_path: Path) -> None:
    """Where a clone lies, `sightkit` is a folder too; `make` lets the package be found first."""
    (tmp_path / "sightkit").mkdir()
    command = [sys.executable, "-c", "import sightkit; print(sightkit.__version__)"]
    result = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
