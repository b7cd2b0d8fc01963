from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from sightkit import _files, _folders, _locks, _run_files, experiments, training
from sightkit._errors import SightkitError
from sightkit.training import Run, bytes_of
from sightkit.training.environment import read_environment


@dataclass(frozen=True)
class Config(experiments.Config):
    output: Path = Path("runs/test/default")
    epochs: int = 20
    batch_size: int = 32
    data: Path = Path("datasets/test.h5")


@pytest.fixture
def config(tmp_path):
    return Config(output=tmp_path / "run")


def open_run(config, **changes):
    return Run.open(dataclasses.replace(config, **changes), experiment="train_test")


def finish_an_epoch(config, **changes):
    """A run that has something to lose."""
    with open_run(config, **changes) as run:
        run.write_environment(data={"file": "data.h5", "sha256": "1"})
        (run.path(_run_files.CHECKPOINTS) / "epoch-00001.npz").touch()


def snapshot(folder):
    return {
        str(path.relative_to(folder)): path.read_bytes() if path.is_file() else None
        for path in folder.rglob("*")
    }


def refuse(config, match, **changes):
    """It is refused, in one line, and nothing in the folder has changed."""
    before = snapshot(config.output) if config.output.is_dir() else None
    with pytest.raises(SightkitError, match=match) as refused:
        open_run(config, **changes)
    assert "\n" not in str(refused.value)
    assert (snapshot(config.output) if config.output.is_dir() else None) == before


@pytest.mark.parametrize("flags", ({}, {"resume": True}, {"overwrite": True}))
@pytest.mark.parametrize("empty", (False, True))
def test_a_new_or_empty_folder_becomes_the_runs(flags, empty, config):
    if empty:
        config.output.mkdir()
    with open_run(config, **flags) as run:
        assert not run.resumed
        assert (run.folder / _run_files.LOCK).exists()
        found = json.loads((run.folder / _run_files.CONFIG).read_text())
        assert found["experiment"] == "train_test"
        assert found["epochs"] == 20
        assert run.path(_run_files.CHECKPOINTS).is_dir()
    assert sorted(path.name for path in config.output.iterdir()) == ["checkpoints", "config.json"]


def test_the_seconds_of_a_training_are_written_unless_it_was_resumed(config):
    with open_run(config) as run:
        run.write_environment(data={"file": "data.h5", "sha256": "1"})
        run.write_training_seconds(1.234)
        assert "training_cpu_seconds" not in read_environment(run.folder)
        with run.timed():
            pass
        assert read_environment(run.folder)["training_cpu_seconds"] < 1
        run.write_training_seconds(60.0, 95.125)
        (run.path(_run_files.CHECKPOINTS) / "epoch-00001.npz").touch()
    with open_run(config, resume=True) as run:
        run.write_training_seconds(1.0, 1.0)
        found = read_environment(run.folder)
    assert (found["training_seconds"], found["training_cpu_seconds"]) == (60.0, 95.12)


def test_a_run_that_is_there_is_refused_naming_both_flags(config):
    finish_an_epoch(config)
    refuse(config, "--resume.*--overwrite")


@pytest.mark.parametrize("flags", ({}, {"resume": True}, {"overwrite": True}))
def test_a_run_without_a_finished_epoch_may_be_overwritten(flags, config):
    with open_run(config) as run:  # its data could not be read, say
        run.write_environment(data={"sha256": "1"})
    with open_run(config, epochs=7, **flags) as run:
        assert not run.resumed
        assert json.loads(run.path(_run_files.CONFIG).read_text())["epochs"] == 7
        assert not run.path(_run_files.ENVIRONMENT).exists()


def test_what_another_process_finished_in_between_is_not_deleted(config, monkeypatch):
    acquire = _locks.FileLock.acquire

    def finish_then_acquire(lock):
        monkeypatch.setattr(_locks.FileLock, "acquire", acquire)
        finish_an_epoch(config)
        lock.acquire()

    monkeypatch.setattr(_locks.FileLock, "acquire", finish_then_acquire)
    with pytest.raises(SightkitError, match="holds a run already"):
        open_run(config)
    assert (config.output / _run_files.CHECKPOINTS / "epoch-00001.npz").exists()


@pytest.mark.parametrize("folder", ("", _run_files.CHECKPOINTS))
def test_half_files_of_a_killed_process_are_removed(folder, config):
    finish_an_epoch(config)
    left = config.output / folder / f".123{_files.PARTIAL}.epoch-00002.npz"
    left.touch()
    open_run(config, resume=True).close()
    assert not left.exists()


def test_a_run_is_resumed_with_its_own_flags(config):
    finish_an_epoch(config)
    (config.output / _run_files.HISTORY).write_text("epoch\n1\n")
    with open_run(config, resume=True) as run:
        assert run.resumed
    assert (config.output / _run_files.HISTORY).read_text() == "epoch\n1\n"


@pytest.mark.parametrize(
    ("changes", "told"),
    (
        ({"epochs": 21}, "epochs: 20 there, 21 requested"),
        ({"seed": 9}, "seed: 1 there, 9 requested"),
        ({"epochs": 19}, "epochs: 20 there, 19 requested"),
    ),
)
def test_a_resume_with_other_flags_is_refused_naming_them(changes, told, config):
    finish_an_epoch(config)
    refuse(config, told, resume=True, **changes)


def test_data_that_were_moved_are_told_by_their_hash(config, capsys):
    finish_an_epoch(config)
    with open_run(config, resume=True, data=Path("elsewhere/data.h5")) as run:
        assert run.resumed
        run.write_environment(data={"file": "elsewhere/data.h5", "sha256": "1"})
    with (
        open_run(config, resume=True, data=Path("other.h5")) as run,
        pytest.raises(SightkitError, match=r"then='1', now='2'.*data\.h5.*--data"),
    ):
        run.write_environment(data={"file": "other.h5", "sha256": "2"})


def test_a_finished_run_may_be_prolonged_and_knows_its_lengths(config):
    finish_an_epoch(config)
    (config.output / _run_files.METRICS).write_text("{}")
    refuse(config, "epochs: 20 there, 10 requested", resume=True, epochs=10)
    for _ in range(2):  # a second time, as if it was killed
        with open_run(config, resume=True, epochs=30) as run:
            assert run.resumed and run.lengths == [20, 30]
    refuse(config, "epochs: 30 there, 40 requested", resume=True, epochs=40)  # not there yet
    refuse(config, "epochs: 30 there, 20 requested", resume=True)
    (config.output / _run_files.METRICS).write_text('{"lengths": [20, 30]}')
    with open_run(config, resume=True, epochs=40) as run:
        assert run.lengths == [20, 30, 40]
    for path in (config.output / _run_files.CHECKPOINTS).iterdir():
        path.unlink()
    refuse(config, "epochs: 40 there, 50 requested", resume=True, epochs=50)


def test_a_run_of_another_experiment_is_not_resumed(config):
    finish_an_epoch(config)
    with pytest.raises(SightkitError, match="'train_test' there, 'train_other' requested"):
        Run.open(dataclasses.replace(config, resume=True), experiment="train_other")


def test_overwrite_deletes_what_runs_write_and_nothing_else(config):
    with open_run(config) as run:
        for name in (_run_files.HISTORY, _run_files.METRICS, _run_files.REPORT, _run_files.CURVES):
            run.path(name).write_text("old")
        run.path(_run_files.BUNDLE).mkdir()
        (run.path(_run_files.CHECKPOINTS) / "epoch-00001.npz").write_text("old")
        (run.folder / "notes.txt").write_text("mine")
        (run.folder / "pictures").mkdir()
    with open_run(config, overwrite=True, epochs=5) as run:
        assert not run.resumed
    assert sorted(path.name for path in config.output.iterdir()) == [
        "checkpoints",
        "config.json",
        "notes.txt",
        "pictures",
    ]
    assert list((config.output / "checkpoints").iterdir()) == []
    assert json.loads((config.output / "config.json").read_text())["epochs"] == 5


@pytest.mark.parametrize("flags", ({}, {"resume": True}, {"overwrite": True}))
@pytest.mark.parametrize(
    ("name", "content"),
    (
        ("thesis.tex", "years of work"),
        ("config.json", '{"editor": "dark"}'),
        ("config.json", "[1, 2]"),
        ("config.json", "{"),
    ),
)
def test_a_strangers_folder_is_never_touched(name, content, flags, config):
    config.output.mkdir()
    (config.output / name).write_text(content)
    refuse(config, "Received", **flags)


def test_a_run_of_a_newer_version_is_not_touched(config):
    open_run(config).close()
    path = config.output / _run_files.CONFIG
    path.write_text(json.dumps(json.loads(path.read_text()) | {"schema": 99}))
    refuse(config, "newer version", resume=True)


def test_a_file_where_a_folder_should_be_is_named(config, tmp_path):
    config.output.write_text("a file")
    for output in (config.output, config.output / "deeper"):
        with pytest.raises(SightkitError, match=r"must be a folder.*Received: .*run"):
            open_run(config, output=output)
    assert config.output.read_text() == "a file"


def test_a_link_that_points_nowhere_is_named(config, tmp_path):
    config.output.symlink_to(tmp_path / "nowhere")
    with pytest.raises(SightkitError, match="run"):
        open_run(config)


def test_a_folder_that_is_in_use_is_refused(config):
    with open_run(config):
        for flags in ({"resume": True}, {"overwrite": True}):
            refuse(config, r"it is used by pid \d+ on host", **flags)
    open_run(config, resume=True).close()


def test_an_error_gives_the_folder_back(config):
    with pytest.raises(ZeroDivisionError), open_run(config):
        1 / 0  # noqa: B018
    open_run(config, resume=True).close()


def test_an_error_while_it_begins_gives_the_folder_back(config, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(_files, "write_json", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            open_run(config)
    open_run(config).close()


def test_a_resume_of_nothing_says_so(config, capsys):
    """Else a mistyped --output trains anew, unnoticed."""
    open_run(config).close()
    assert capsys.readouterr().out == ""
    open_run(config, resume=True).close()
    assert capsys.readouterr().out == (
        f"There is nothing to resume in {config.output}: the run begins.\n"
    )


class Killed(BaseException):
    pass


@pytest.fixture
def old(config):
    """A run that is worth something; its files."""
    finish_an_epoch(config)
    (config.output / _run_files.BUNDLE).mkdir()
    (config.output / _run_files.BUNDLE / "model.weights.h5").write_text("trained")
    (config.output / _run_files.METRICS).write_text("{}")
    (config.output / "notes.txt").write_text("mine")
    return snapshot(config.output)


def test_the_overwritten_run_returns_if_the_new_one_fails(config, old):
    with pytest.raises(SightkitError, match="no file"), open_run(config, overwrite=True) as run:
        assert not run.path(_run_files.BUNDLE).exists()
        run.write_environment(data={"sha256": "2"})
        raise SightkitError("There is no file.")
    assert snapshot(config.output) == old


def test_what_is_overwritten_goes_when_the_new_run_starts(config, old):
    with pytest.raises(ZeroDivisionError), open_run(config, overwrite=True) as run:
        run.start()
        1 / 0  # noqa: B018
    assert sorted(snapshot(config.output)) == ["checkpoints", "config.json", "notes.txt"]


def write_all(run):
    """A successor that never calls ``start``, but has written everything of a run."""
    for name in (_run_files.METRICS, _run_files.REPORT):
        run.path(name).write_text("new")
    run.path(_run_files.BUNDLE).mkdir()
    (run.checkpoints() / "epoch-00001.npz").write_text("new")


def test_the_overwritten_run_returns_whatever_was_written(config, old):
    with pytest.raises(KeyboardInterrupt), open_run(config, overwrite=True) as run:
        write_all(run)
        raise KeyboardInterrupt
    assert snapshot(config.output) == old


def test_what_ends_without_an_error_stays_without_start(config, old):
    with open_run(config, overwrite=True) as run:
        write_all(run)
    assert run.path(_run_files.METRICS).read_text() == "new"
    assert not run.path(_run_files.REPLACED).exists()


@pytest.mark.parametrize("written", (lambda run: None, write_all))
def test_the_overwritten_run_returns_if_the_new_one_is_killed(written, config, old):
    run = open_run(config, overwrite=True)
    written(run)
    run._lock.release()  # as a kill does, in the end
    with open_run(config, resume=True) as resumed:
        assert resumed.resumed
    assert snapshot(config.output) == old


@pytest.mark.parametrize(
    ("flags", "match"),
    (({}, "holds a run"), ({"resume": True, "epochs": 9}, "20 there, 9 requested")),
)
def test_a_refused_command_after_a_kill_restores_the_run(flags, match, config, old):
    run = open_run(config, overwrite=True)
    write_all(run)
    run._lock.release()
    with pytest.raises(SightkitError, match=match):
        open_run(config, **flags)
    assert snapshot(config.output) == old


def test_a_run_that_fails_after_a_kill_restores_the_first(config, old):
    run = open_run(config, overwrite=True)
    write_all(run)
    run._lock.release()
    with pytest.raises(SightkitError, match="folds"), open_run(config, overwrite=True):
        raise SightkitError("There are too many folds.")
    assert snapshot(config.output) == old


def test_a_resume_goes_on_with_what_was_finished_in_between(config, monkeypatch):
    acquire = _locks.FileLock.acquire

    def finish_then_acquire(lock):
        monkeypatch.setattr(_locks.FileLock, "acquire", acquire)
        finish_an_epoch(config)
        lock.acquire()

    monkeypatch.setattr(_locks.FileLock, "acquire", finish_then_acquire)
    with open_run(config, resume=True) as run:
        assert run.resumed
    assert (config.output / _run_files.CHECKPOINTS / "epoch-00001.npz").exists()


@pytest.mark.parametrize("moves", range(9))
def test_a_kill_while_a_run_is_put_aside_or_back_loses_nothing(moves, config, old, monkeypatch):
    left = iter(range(moves))
    rename = Path.rename

    def die(path, target):
        if next(left, None) is None:
            raise Killed
        return rename(path, target)

    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(Path, "rename", die)
        with open_run(config, overwrite=True):
            raise Killed
    with open_run(config, resume=True) as resumed:
        assert resumed.resumed
    assert snapshot(config.output) == old


def test_a_kill_while_the_old_run_is_deleted_leaves_the_new_one(config, old, monkeypatch):
    run = open_run(config, overwrite=True, epochs=7)
    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(_folders.shutil, "rmtree", lambda path: (_ for _ in ()).throw(Killed))
        run.start()
    run._lock.release()
    with open_run(config, overwrite=True) as run:
        assert run.config["epochs"] == 20
    assert sorted(snapshot(config.output)) == ["checkpoints", "config.json", "notes.txt"]


def test_a_disk_that_is_too_small_is_told_before_work(config, monkeypatch, tmp_path):
    usage = _files.shutil.disk_usage(tmp_path)
    monkeypatch.setattr(_files.shutil, "disk_usage", lambda path: usage._replace(free=5_000_000))
    refuse(config, r"too small.*67,108,864 bytes are needed, 5,000,000 are free")
    assert not config.output.exists()


def test_the_folder_says_what_lies_where(config):
    with open_run(config) as run:
        run.write_environment(data={"sha256": "abc"})
        said = run.describe()
    assert str(config.output) in said
    assert "environment.json" in said
    assert "report.html" not in said  # is not there yet
    environment = json.loads((config.output / _run_files.ENVIRONMENT).read_text())
    assert environment["command"].startswith("python train_test.py --output ")
    assert environment["data"] == {"sha256": "abc"}
    assert {"python", "backend", "versions", "device", "cores", "threads", "commit"} <= set(
        environment
    )
    assert environment["versions"]["keras"]


def resumed(config, **facts):
    with open_run(config, resume=True) as run:
        run.write_environment(**{"data": {"file": "data.h5", "sha256": "1"}, **facts})
    return json.loads((config.output / _run_files.ENVIRONMENT).read_text())


def test_a_resume_keeps_what_the_run_was_begun_on(config, capsys):
    finish_an_epoch(config)
    begun = json.loads((config.output / _run_files.ENVIRONMENT).read_text())
    resumed(config)
    twice = resumed(config)
    assert {**begun, "resumed": twice["resumed"]} == twice
    assert len(twice["resumed"]) == 2
    assert capsys.readouterr().err == ""


def test_a_resume_with_other_data_is_refused(config):
    finish_an_epoch(config)
    before = snapshot(config.output)
    with pytest.raises(SightkitError, match=r"with its own data.*then=.*1.*now=.*2"):
        resumed(config, data={"file": "data.h5", "sha256": "2"})
    assert snapshot(config.output) == before


@pytest.mark.parametrize(
    ("name", "told"), (("backend", "KERAS_BACKEND"), ("threads", "TF_NUM_INTRAOP_THREADS"))
)
def test_a_resume_on_another_backend_or_other_threads_is_refused(name, told, config):
    import keras  # noqa: F401  # before it, other threads are adopted

    finish_an_epoch(config)
    path = config.output / _run_files.ENVIRONMENT
    _files.write_json(path, json.loads(path.read_text()) | {name: "77"})
    with pytest.raises(SightkitError, match=f"Set {told}=77"):
        resumed(config)


def test_a_resume_on_other_versions_is_told_and_recorded(config, capsys):
    finish_an_epoch(config)
    path = config.output / _run_files.ENVIRONMENT
    _files.write_json(path, json.loads(path.read_text()) | {"python": "3.10.1"})
    (entry,) = resumed(config)["resumed"]
    assert entry["python"][0] == "3.10.1"
    assert "begun with python 3.10.1" in capsys.readouterr().err


def test_a_resume_takes_the_runs_threads_before_keras_starts(tmp_path):
    """In a process of its own: here TensorFlow is imported already."""
    code = """
import os, sys, dataclasses
from pathlib import Path
from sightkit import training
from sightkit.training.environment import adopt_threads
os.environ["TF_NUM_INTRAOP_THREADS"] = "2"
adopt_threads({"threads": "5"})
assert os.environ["TF_NUM_INTRAOP_THREADS"] == "5"
assert not {"keras", "tensorflow"} & set(sys.modules)
"""
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize("keep", ("checkpoint", "bundle"))
def test_a_finished_run_keeps_its_bundle_and_a_checkpoint_or_none(keep, config):
    names = (
        "epoch-00001.npz",
        "epoch-00001-batch-000004.npz",
        "epoch-00002.npz",
        "best.weights.h5",
    )
    with open_run(config, keep=keep) as run:
        for phase in ("", "head"):
            for name in names:
                (run.checkpoints(phase) / name).write_bytes(b"1234")
        run.path(_run_files.BUNDLE).mkdir()
        run.path(_run_files.METRICS).touch()
        run.tidy()
        left = sorted(path.name for path in run.folder.rglob("*.npz"))
        assert left == (["epoch-00002.npz"] * 2 if keep == "checkpoint" else [])
        assert f"{bytes_of(run.folder) / 1e6:,.1f} MB:" in run.describe()
        assert ("checkpoints" in run.describe()) == (keep == "checkpoint")
    assert not list(config.output.glob(".*partial*"))
    if keep == "checkpoint":
        with open_run(config, resume=True, keep="bundle") as run:  # no part of what the run is
            assert run.resumed
    else:
        with pytest.raises(SightkitError, match=r"checkpoints were deleted.*--overwrite"):
            open_run(config, resume=True)


def test_a_run_without_a_training_has_no_folder_of_checkpoints(config):
    with open_run(config) as run:
        run.tidy()
    assert not run.path(_run_files.CHECKPOINTS).exists()


@dataclass(frozen=True)
class HeadConfig(training.RunConfig):
    """Of a run that cannot be resumed: its bundle is written last."""

    output: Path = Path("run")
    overwrite: bool = False


def open_head(config, **changes):
    return Run.open(dataclasses.replace(config, **changes), experiment="train_head")


def test_a_run_without_resume_begins_anew_until_its_bundle_is_there(tmp_path):
    config = HeadConfig(output=tmp_path / "run")
    for _ in range(2):  # a kill leaves all but the bundle
        run = open_head(config)
        (run.folder / _run_files.METRICS).write_text("{}")
        (run.folder / _run_files.REPORT).write_text("page")
        run._lock.release()
    run = open_head(config)
    assert not (run.folder / _run_files.METRICS).exists()
    (run.folder / _run_files.BUNDLE).mkdir()
    run.close()
    with pytest.raises(SightkitError, match="holds a run already"):
        open_head(config)
    with open_head(config, overwrite=True):
        assert (run.folder / _run_files.REPLACED / _run_files.BUNDLE).is_dir()


def test_a_run_is_replaced_by_its_own_experiment_only(config):
    finish_an_epoch(config)
    before = snapshot(config.output)
    head = HeadConfig(output=config.output, overwrite=True)
    with pytest.raises(SightkitError, match=r"its own experiment only.*found='train_test'"):
        open_head(head)
    assert snapshot(config.output) == before


def test_a_bundle_with_a_file_of_the_user_is_not_replaced(config):
    finish_an_epoch(config)
    (config.output / _run_files.BUNDLE).mkdir()
    (config.output / _run_files.BUNDLE / "model.weights.h5").touch()
    with open_run(config, resume=True):
        pass
    (config.output / _run_files.BUNDLE / "thesis.tex").touch()
    with pytest.raises(SightkitError, match=r"no files but its own.*thesis\.tex"):
        open_run(config, overwrite=True)


@pytest.mark.parametrize("name", ("notes.txt", "head/photo.jpg", "a/b/best.weights.h5", "mine.h5"))
@pytest.mark.parametrize("worth", (True, False))
def test_a_file_of_the_user_among_checkpoints_is_not_deleted(worth, name, config):
    with open_run(config) as run:
        path = run.checkpoints("head") / "epoch-00002.npz"
        (path if worth else path.with_name("best.weights.h5")).touch()
    mine = config.output / _run_files.CHECKPOINTS / name
    mine.parent.mkdir(parents=True, exist_ok=True)
    mine.write_text("mine")
    for flags in ({"overwrite": True}, {"resume": True}, {}):
        if worth and flags == {"resume": True}:
            with open_run(config, **flags, keep="bundle") as run:
                run.tidy()
                assert mine.read_text() == "mine"
        else:
            refuse(config, "a run already" if worth and not flags else "no files but its", **flags)
    mine.unlink()
    for left in (".0a1b2c3d.partial.epoch-00003.npz", "former-best.weights.h5"):
        (config.output / _run_files.CHECKPOINTS / left).touch()
    with open_run(config, overwrite=True) as run:
        assert list(run.checkpoints().iterdir()) == []


def test_a_script_that_was_edited_is_reported(config, monkeypatch, tmp_path, capsys):
    script = tmp_path / "train_test.py"
    script.write_text("old")
    monkeypatch.setattr(sys.modules[Config.__module__], "__file__", str(script))
    finish_an_epoch(config)
    stored = json.loads((config.output / _run_files.ENVIRONMENT).read_text())
    assert stored["script"] == {"file": "train_test.py", "sha256": _files.sha256(script)}
    for text, told in (("old", 0), ("new", 1)):
        script.write_text(text)
        with open_run(config, resume=True) as run:
            run.write_environment(data={"file": "data.h5", "sha256": "1"})
        said = capsys.readouterr().err
        assert said.count("train_test.py was edited since the run was begun") == told
        assert len(said.strip().splitlines()) == told
    stored = json.loads((config.output / _run_files.ENVIRONMENT).read_text())
    assert stored["resumed"][-1]["script"][0] == stored["script"]
