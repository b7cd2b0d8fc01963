"""The folders at the root are the package: the list is whole, and a wheel of it works."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import sysconfig
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]
SETTINGS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
NOT_INSTALLED = {"tests", "scripts", "benchmarks", "build"}

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


def test_pyproject_lists_every_package_folder() -> None:
    on_disk = package_folders()
    assert sorted(SETTINGS["tool"]["setuptools"]["packages"]) == sorted(on_disk)
    mapping = SETTINGS["tool"]["setuptools"]["package-dir"]
    for name, folder in on_disk.items():
        parents = [name, *(name.rsplit(".", depth)[0] for depth in range(1, name.count(".")))]
        mapped = next(parent for parent in parents if parent in mapping)
        rest = name.removeprefix(mapped).replace(".", "/")
        assert mapping[mapped] + rest == folder


def test_every_pinned_requirement_meets_its_range_and_names_no_address() -> None:
    text = (ROOT / "constraints.txt").read_text(encoding="utf-8")
    pins = [line for line in text.splitlines() if line and not line.startswith("#")]
    assert all(re.fullmatch(r"[a-z0-9.-]+==[0-9a-z.]+(; python_version .*)?", pin) for pin in pins)
    pinned = {pin.split("==")[0] for pin in pins}
    project = SETTINGS["project"]
    groups = [project["dependencies"], *project["optional-dependencies"].values()]
    for requirement in (requirement for group in groups for requirement in group):
        name = re.match(r"[A-Za-z0-9._-]+", requirement)
        assert name and name.group().lower() in pinned, requirement


def test_the_wheel_installs_in_a_clean_environment_and_every_module_imports(
    tmp_path: Path,
) -> None:
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
    (site / "dependencies.pth").write_text(sysconfig.get_paths()["purelib"])
    run(
        [sys.executable, "-m", "pip", "install", "--no-deps", "--target", str(site), str(wheel)],
        tmp_path,
    )
    modules, typed = run([str(python), "-I", "-c", IMPORT_ALL], tmp_path).split()[-2:]
    assert int(modules) >= len(package_folders()) and typed == "True"


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
