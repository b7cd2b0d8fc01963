"""The command ``sightkit``: what it lists, finds and calls a script; all scripts are its own."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

from sightkit import _scripts
from sightkit._errors import SightkitError
from sightkit.experiments.scripts import load_experiment

ROOT = Path(__file__).parents[2]
HEAVY = ("keras", "tensorflow", "sklearn", "numpy", "cv2", "h5py", "tyro")
WATCH = f"""
import sys
from sightkit.__main__ import main
try:
    main()
finally:
    print([name for name in {HEAVY!r} if name in sys.modules], file=sys.stderr)
"""
EXPERIMENT = """
from dataclasses import dataclass
from pathlib import Path
from sightkit.experiments import Config as Base

@dataclass(frozen=True)
class Config(Base):
    output: Path = Path("x")
    epochs: int = 1
    batch_size: int = 1
    data: Path = Path("x.h5")
"""


def sightkit(*words: str, cwd: Path, program: str = WATCH) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", program, *words]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Scripts whose bodies must not be executed, two applications that share a name."""
    for name in ("train_x", "_private", "explain/attack", "detect/attack", "detect/label", "a/b/c"):
        path = tmp_path / f"{name}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f'"""Line of {name}.\n\nMore.\n"""\nraise RuntimeError\n')
    return tmp_path


@pytest.mark.parametrize("flags", ((), ("--help",)))
def test_sightkit_alone_lists_every_script_and_imports_none(flags, tmp_path):
    result = sightkit(*flags, cwd=tmp_path)
    assert (result.returncode, result.stderr) == (0, "[]\n")
    listed = [line.split()[0] for line in result.stdout.splitlines() if line.startswith("  ")]
    assert sorted(listed) == sorted(_scripts.scripts(ROOT / "scripts"))


def test_list_is_by_task_from_docstrings_alone(tree):
    assert _scripts.by_task(tree) == {
        "Train": {"train_x": "Line of train_x."},
        "detect": {
            "detect/attack": "Line of detect/attack.",
            "detect/label": "Line of detect/label.",
        },
        "explain": {"explain/attack": "Line of explain/attack."},
    }


def test_every_script_has_a_task_and_a_line():
    tasks = _scripts.by_task()
    assert "Other" not in tasks
    assert all(line for lines in tasks.values() for line in lines.values())


@pytest.mark.parametrize(
    ("word", "name"),
    (("train_x", "train_x"), ("label", "detect/label"), ("detect/attack", "detect/attack")),
)
def test_find_takes_a_bare_name_that_one_script_has(word, name, tree):
    assert _scripts.find(word, tree) == name


@pytest.mark.parametrize(
    ("word", "near"),
    (
        ("attack", "are detect/attack, explain/attack;"),
        ("train_y", "are train_x, "),
        ("labels", "are detect/label, "),
        ("_private", ""),
        ("c", ""),
        ("a/b/c", ""),
    ),
)
def test_find_refuses_none_and_several_naming_the_nearest(word, near, tree):
    with pytest.raises(SightkitError, match=f"Received: script='{word}'. The nearest {near}"):
        _scripts.find(word, tree)


@pytest.mark.parametrize("word", ("train_lenet_digts", "train_lenet_digits.py", "--epochs"))
def test_an_unknown_script_is_one_line_and_exit_code_2(word, tmp_path):
    result = sightkit(word, cwd=tmp_path)
    assert (result.returncode, result.stdout) == (2, "")
    told, heavy = result.stderr.splitlines()
    assert heavy == "[]" and f"script='{word}'" in told
    assert "train_lenet_digits" in told or word == "--epochs"


@pytest.mark.slow
@pytest.mark.parametrize(
    "words", (("train_lenet_digits", "--epochs", "0"), ("predict", "--bundle", "b"))
)
def test_both_doors_give_the_same(words, script, tmp_path):
    ours, file = sightkit(*words, cwd=tmp_path), script(*words, cwd=tmp_path)
    assert (ours.returncode, ours.stdout) == (file.code, file.stdout) == (2, "")
    assert ours.stderr.splitlines()[:-1] == file.stderr.splitlines()


@pytest.mark.slow
def test_help_and_errors_name_scripts_as_the_command_does(script, tmp_path):
    result = sightkit("train_lenet_digits", "--help", cwd=tmp_path)
    assert "usage: sightkit train_lenet_digits" in result.stdout
    assert "\n    sightkit train_lenet_digits\n" in result.stdout
    assert "both; as stored by default." in result.stdout  # two lines of a docstring
    words = ("train_lenet_digits", "--data", ".")
    assert "sightkit build_folder --data" in sightkit(*words, cwd=tmp_path).stderr
    assert "scripts/build_folder.py --data" in script(*words, cwd=tmp_path).stderr


@pytest.mark.parametrize(
    ("running", "name", "words"),
    (
        ("sightkit search", "train_lenet_digits", ["sightkit", "train_lenet_digits"]),
        ("python -m sightkit search", "predict", ["python", "-m", "sightkit", "predict"]),
        ("scripts/search.py", "search", ["python", "scripts/search.py"]),
        ("scripts/search.py", "train_lenet_digits", ["python", "scripts/train_lenet_digits.py"]),
        ("scripts/search.py", "mine/train_a.py", ["python", "mine/train_a.py"]),
        ("sightkit search", "mine/train_a.py", ["python", "mine/train_a.py"]),
        ("../mine/train_a.py", "train_a", ["python", "../mine/train_a.py"]),
        ("/bin/pytest", "train_lenet_digits", ["sightkit", "train_lenet_digits"]),
        ("/bin/pytest", "train_a", ["python", "train_a.py"]),
    ),
)
def test_command_is_given_as_the_running_script_was(running, name, words, monkeypatch):
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr(sys, "argv", [running])
    assert _scripts.command(name) == words


def test_as_given_changes_names_of_scripts_alone(monkeypatch):
    text = "Received: data='scripts/x.py'. Run python scripts/a/b.py or scripts/build_*.py."
    assert _scripts.as_given(text) == text
    monkeypatch.setattr(sys, "argv", ["sightkit predict"])
    changed = "Received: data='scripts/x.py'. Run sightkit a/b or sightkit build_*."
    assert _scripts.as_given(text) == changed


@pytest.mark.parametrize("name", sorted(_scripts.scripts()))
def test_a_script_ends_with_what_the_command_does(name):
    last = ast.parse(_scripts.scripts()[name].read_bytes()).body[-1]
    assert ast.unparse(last) == "if __name__ == '__main__':\n    _cli.run(main, Config)"


def test_experiments_are_known_by_the_type_of_their_config(tmp_path):
    assert load_experiment("finetune").Config.__name__ == "Config"
    for name in ("build_cifar10", "search", "predict"):
        with pytest.raises(SightkitError, match=f"Config is an .* Received: experiment='{name}'"):
            load_experiment(name)
    own = tmp_path / "anything.py"
    own.write_text(EXPERIMENT)
    assert load_experiment(str(own)).Config().epochs == 1
    assert _scripts.command("anything") == ["python", str(own)]


def test_make_smoke_runs_every_script():
    result = subprocess.run(
        ["make", "-n", "smoke", "SIGHTKIT_TEST_DATA=x"],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    assert set(_scripts.scripts()) <= set(re.sub('[;"]', " ", result.stdout).split())
