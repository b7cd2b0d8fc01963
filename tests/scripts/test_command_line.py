"""What every script answers before any work: help, wrong flags, folders that are taken."""

from __future__ import annotations

import ast
import os
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

from sightkit import _run_files, _scripts, experiments

SCRIPTS = Path(__file__).parents[2] / "scripts"
NAMES = sorted(_scripts.scripts(SCRIPTS))
TRAINING = [
    name for name in NAMES if issubclass(_scripts.load(name, SCRIPTS).Config, experiments.Config)
]
BUILD_FLAGS = [
    "--data",
    "--output",
    "--size",
    "--fractions",
    "--split-seed",
    "--overwrite",
    "--smoke",
]
FEW = {"train_lenet_digits", "finetune"}
"""Of those that share a check; the others are tried by make test-all."""
FLAGS = (
    "--output",
    "--epochs",
    "--batch-size",
    "--seed",
    "--precision",
    "--data",
    "--resume",
    "--overwrite",
    "--smoke",
)


def few(names):
    return [
        pytest.param(name, marks=[] if name in FEW else pytest.mark.slow) for name in sorted(names)
    ]


def check_refused(result):
    """Exit code 2, one line, no traceback, and nothing heavy was imported for it."""
    assert result.code == 2, result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert "Traceback" not in result.stderr
    assert result.stdout == ""
    assert result.heavy == ""


def test_a_backend_that_is_none_is_told_in_one_line(script, monkeypatch):
    monkeypatch.setenv("KERAS_BACKEND", "torch")
    result = script("inspect_model", "lenet")
    check_refused(result)
    assert "Received: KERAS_BACKEND='torch'" in result.stderr


@pytest.mark.parametrize(
    ("command", "after"),
    [
        (("predict", "photo.jpg", "--bundle", ""), "--bundle"),
        (("predict", "photo.jpg", "--bundle="), "--bundle="),
        (("predict", "--bundle", "b", "photo.jpg", ""), "photo.jpg"),
        (("deploy/export", "--bundle", ".", "--data", ""), "--data"),
    ],
)
def test_an_empty_path_is_not_this_folder(command, after, script):
    result = script(*command)
    check_refused(result)
    assert f"A path is empty. Received: path='', after={after!r}" in result.stderr


def test_a_dot_is_this_folder(script):
    result = script("predict", ".", "--bundle", ".")
    check_refused(result)
    assert "Received: bundle='.'" in result.stderr


def test_photos_and_a_watched_folder_are_not_both(script, tmp_path):
    for flags, text in (
        (("--watch", tmp_path, "photo.jpg"), "images='photo.jpg', watch="),
        (("--watch", __file__), "A folder is watched, and this is a file."),
        ((), "Name at least one image file"),
    ):
        result = script("predict", "--bundle", "b", *flags)
        check_refused(result)
        assert text in result.stderr


@pytest.mark.slow
def test_a_smoke_run_is_announced(script, tmp_path):
    result = script("augmentation_demo", "--smoke", cwd=tmp_path)
    assert "the result means nothing" in result.stderr


def test_an_interrupt_while_keras_is_imported_is_one_line(tmp_path):
    """What TensorFlow wrote until then is no reason of it."""
    (tmp_path / "keras.py").write_text(
        "import os, signal, time\nos.write(2, b'cudart_stub')\n"
        "os.kill(os.getpid(), signal.SIGINT)\ntime.sleep(60)\n"
    )
    program = (
        f"import signal, sys\nsys.path.insert(0, {str(tmp_path)!r})\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"  # ignored in a background
        "from sightkit import _cli\nwith _cli.exit_codes():\n    _cli.start_keras()"
    )
    told = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert told.returncode == 130
    assert told.stderr == "Interrupted. Every file is complete: the old one or the new one.\n"


@pytest.mark.parametrize("imported", ("from sightkit import _cli", "import sightkit"))
def test_an_interrupt_while_a_script_imports_is_one_line(imported):
    """A library's import leaves Python's answer to Ctrl-C alone."""
    program = f"{imported}\nraise KeyboardInterrupt"
    told = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    if "_cli" in imported:
        assert told.returncode == 130
        assert told.stderr.splitlines() == [
            "Interrupted. Every file is complete: the old one or the new one."
        ]
    else:
        assert "Traceback" in told.stderr


@pytest.mark.slow
def test_keras_is_started_quietly_in_a_notebook_too():
    program = "import sys, sightkit; assert 'keras' not in sys.modules; sightkit.start_keras()"
    settings = {k: v for k, v in os.environ.items() if k != "TF_CPP_MIN_LOG_LEVEL"}
    told = subprocess.run(
        [sys.executable, "-c", program + "; import keras; keras.Input((2,))"],
        capture_output=True,
        text=True,
        env=settings,
        timeout=300,
    )
    assert (told.returncode, told.stdout, told.stderr) == (0, "", "")


def test_there_are_scripts_that_train():
    assert {"train_lenet_digits", "train_lenet_mnist"} <= set(TRAINING)


@pytest.mark.parametrize("name", NAMES)
def test_help_answers_without_keras(name, script):
    result = script(name, "--help")
    assert result.code == 0
    assert result.stderr == ""
    assert result.heavy == ""
    assert "usage" in result.stdout
    module = ast.parse((SCRIPTS / f"{name}.py").read_text(encoding="utf-8"))
    said = " ".join(result.stdout.split())
    for paragraph in (ast.get_docstring(module) or "").split("\n\n"):
        assert " ".join(paragraph.split()) in said
    if name in TRAINING:
        assert all(flag in result.stdout for flag in FLAGS)
    if name.startswith("build_"):
        assert all(flag in result.stdout for flag in BUILD_FLAGS)
    assert "built where it is missing" not in " ".join(result.stdout.replace("│", " ").split())


@pytest.mark.parametrize(
    ("name", "wrong", "meant"),
    (
        ("train_lenet_digits", ("--epoch", "3"), "--epochs"),
        ("train_lenet_mnist", ("--bath-size", "3"), "--batch-size"),
        ("train_lenet_digits", ("--overwite",), "--overwrite"),
        ("predict", ("x.png", "--bundel", "y"), "--bundle"),
    ),
)
def test_an_unknown_flag_is_answered_by_the_nearest(name, wrong, meant, script):
    result = script(name, *wrong)
    assert result.code == 2
    assert meant in result.stderr
    assert "Traceback" not in result.stderr
    assert result.heavy == ""


@pytest.mark.parametrize(
    ("flags", "told"),
    (
        (("--epochs", 0), "--epochs must be at least 1. Received: epochs=0."),
        (("--batch-size", -1), "--batch-size must be at least 1. Received: batch_size=-1."),
        (("--seed", -1), "--seed must be between 0 and 2147483647"),
        (("--learning-rate", 0), "--learning-rate must be a number above 0. Received"),
        (("--learning-rate", "nan"), "--learning-rate must be between -2147483647 and 2147483647."),
        (("--resume", "--overwrite"), "give one"),
    ),
)
@pytest.mark.parametrize("name", ("train_lenet_digits",))
def test_flags_out_of_range_are_one_line(name, flags, told, script, tmp_path):
    result = script(name, *flags, cwd=tmp_path)
    check_refused(result)
    assert told in result.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("flags", (("--epochs", "many"), ("--precision", "float16"), ("--data",)))
def test_values_of_the_wrong_kind_are_refused(flags, script):
    result = script("train_lenet_digits", *flags)
    assert result.code == 2
    assert "Traceback" not in result.stderr
    assert result.heavy == ""


@pytest.mark.parametrize("name", few(TRAINING))
def test_a_taken_output_is_refused_before_keras_is_imported(name, script, tmp_path):
    from sightkit.training import Run

    module = runpy.run_path(str(SCRIPTS / f"{name}.py"))
    output = tmp_path / "taken"
    with Run.open(module["Config"](output=output), experiment=name) as run:
        run.path(_run_files.METRICS).touch()
    result = script(name, "--output", output, cwd=tmp_path)
    check_refused(result)
    assert "--resume" in result.stderr
    assert "--overwrite" in result.stderr
    assert str(output) in result.stderr

    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.tex").write_text("years of work")
    result = script(name, "--output", tmp_path / "mine", "--overwrite", cwd=tmp_path)
    check_refused(result)
    assert "thesis.tex" in result.stderr
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["thesis.tex"]


def test_a_resume_with_other_flags_says_which(script, tmp_path):
    from sightkit.training import Run

    module = runpy.run_path(str(SCRIPTS / "train_lenet_digits.py"))
    output = tmp_path / "run"
    with Run.open(module["Config"](output=output), experiment="train_lenet_digits") as run:
        run.path(_run_files.METRICS).touch()
    result = script("train_lenet_digits", "--output", output, "--resume", "--epochs", 7)
    check_refused(result)
    assert "epochs: 20 there, 7 requested" in result.stderr


@pytest.mark.parametrize(
    ("flags", "told"), ((("--top", 0), "--top must be at least 1"), ((), "at least one image"))
)
def test_predict_wants_images_and_classes(flags, told, script):
    result = script("predict", *(("x.png",) if flags else ()), "--bundle", "b", *flags)
    check_refused(result)
    assert told in result.stderr


@pytest.mark.parametrize("name", few({*TRAINING} - {"finetune", "train"}))
def test_data_that_is_no_dataset_is_refused_before_keras(name, script, tmp_path):
    (tmp_path / "README.md").write_text("mine")
    (tmp_path / "empty.h5").touch()
    (tmp_path / "photos").mkdir()
    for data, told in (
        ("README.md", "no HDF5 dataset"),
        ("empty.h5", "no HDF5 dataset"),
        ("photos", "this is a folder"),
        ("README.md/x.h5", "Not a directory"),
    ):
        result = script(name, "--data", data, cwd=tmp_path)
        check_refused(result)
        assert told in result.stderr and f"={data!r}" in result.stderr
        assert "elete" not in result.stderr
    assert not (tmp_path / "runs").exists()


def test_predict_checks_the_bundle_before_keras_is_imported(script, tmp_path):
    (tmp_path / "none").mkdir()
    (tmp_path / "bundle").mkdir()
    (tmp_path / "bundle" / "bundle.json").write_text("{}")
    for bundle in ("nowhere", "none", "bundle"):
        result = script("predict", "x.png", "--bundle", bundle, cwd=tmp_path)
        check_refused(result)
        assert f"bundle={bundle!r}" in result.stderr


@pytest.mark.parametrize(
    "name", ("inspect_model", pytest.param("visualize_architecture", marks=pytest.mark.slow))
)
@pytest.mark.parametrize(
    ("flags", "told"),
    (
        (("lenet", "--classes", 0), "at least 2 classes. Received: classes=0."),
        (("lenet", "--input-shape", 28, 28), "three positive integers. Received: input_shape=(28,"),
        (("lenet", "--input-shape", 28, 28, -1), "three positive integers"),
        (("lenet", "--input-shape", 3, 32, 32), "sightkit is channels-last"),
        (("dcgan_generator", "--input-shape", 1, 28, 28), "Give output_shape=(28, 28, 1)"),
        (("mobilenett",), "Perhaps you meant mobilenet"),
    ),
)
def test_sizes_of_a_network_are_checked_before_keras_is_imported(name, flags, told, script):
    result = script(name, *flags)
    check_refused(result)
    assert told in result.stderr


@pytest.mark.parametrize(
    ("wrong", "meant"), (("mobilenett", "mobilenet_"), ("vgg61", "vgg16"), ("zzz", "squeezenet"))
)
def test_classify_answers_an_unknown_network_by_the_nearest(wrong, meant, script):
    result = script("classify", "x.png", "--model", wrong)
    check_refused(result)
    assert meant in result.stderr
